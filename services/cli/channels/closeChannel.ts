import type { Run } from '../Run.ts';
import { type ChannelFlags, pickChannel } from './pickChannel.ts';
import { requesterKey } from './requesterKey.ts';
import { plain, printStatus } from './showChannel.ts';

/** Option values of `notarium channel close`. */
export type CloseFlags = ChannelFlags & { readonly alone?: boolean };

/** `notarium channel close`: settles, and completes the receipts. */
export async function closeChannel(run: Run<CloseFlags>): Promise<void> {
  const { options, output, actions } = run;
  const channelId = await pickChannel(run);
  const privateKey = await requesterKey(run);
  output.note(
    options.alone
      ? 'Closing alone takes the challenge period of the channel; it can be interrupted, and the same command goes on.'
      : 'Asking the verifier for its agreement, and settling on chain …',
  );
  const done = await actions.channels.use(run, { channelId, privateKey }, async (channel) => {
    await channel.close(options.alone ? 'alone' : 'together');
    return { receipts: await channel.writeReceipts(), status: await channel.status() };
  });
  output.json({ ok: true, ...(plain(done.status) as object), receipts: done.receipts });
  printStatus(output, done.status);
  output.line(`  receipts  ${done.receipts.written} completed`);
}
