import { makeDisclosure } from '../../core/activities/disclosure.ts';
import { NotariumError } from '../../core/errors.ts';
import type { VerifyFlags } from '../commandOptions.ts';
import type { Run } from '../Run.ts';
import { verifyShown } from '../verify/activityFiles.ts';
import { findBasis } from '../verify/basis.ts';
import { messageOf, openActivity } from './ActivityRun.ts';
import { type ReceiptFlags, waitOf } from './receiptFlags.ts';

/** Options of `notarium activity verify`. */
export type VerifyMessageFlags = VerifyFlags & Pick<ReceiptFlags, 'wait'>;

/**
 * `notarium activity verify`: that what this centre has of a message is what was notarised. All of it is checked here, as a third party
 * would check a disclosure of everything: of the centre nothing is believed but that this is the message that was asked for.
 */
export async function verifyMessage(run: Run<VerifyMessageFlags>, text: string, messageText?: string): Promise<void> {
  const { options, settings, terminal, signal } = run;
  if (options.offline && options.rpc !== undefined)
    throw new NotariumError('usage-invalid', '--offline and --rpc exclude one another');
  const waitSeconds = waitOf({ receipt: true, ...options });
  const { activities, id } = await openActivity(run, text);
  const message = await messageOf(run, activities, id, messageText);
  const { parcel, seal } = await activities.message(id, message, { signal });
  const receipt = await activities.receipt(id, message, { signal, waitSeconds });
  const { head, body, attachments, signature } = parcel;
  const everything = { body: true, author: true, attachments: attachments.list.map((_, index) => index) };
  const disclosure = makeDisclosure({ head, body, attachments, signature, id: message }, seal, everything);
  const rpcUrl = options.offline ? undefined : settings.rpcUrl;
  const basis = await findBasis(receipt, settings, { networkFile: options.network, rpcUrl, cwd: terminal.cwd });
  await verifyShown(run, { kind: 'disclosure', disclosure }, receipt, { basis, rpcUrl });
}
