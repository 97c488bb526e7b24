import { NotariumError } from '../../core/errors.ts';
import { addressSchema } from '../../core/schemas.ts';
import type { CentreFlags } from '../commandOptions.ts';
import { timeText } from '../governance/texts.ts';
import type { Run } from '../Run.ts';
import { table } from '../table.ts';
import { clip, idAmong, openActivities, short } from './ActivityRun.ts';

/** Options of `notarium activity device issue`. */
export type IssueFlags = CentreFlags & { readonly name?: string; readonly days?: string };

const daySeconds = 86_400;

/** `notarium activity device issue`. */
export async function issueDevice(run: Run<IssueFlags>, text: string): Promise<void> {
  const { options, output, signal } = run;
  const device = addressSchema.safeParse(text.toLowerCase());
  if (!device.success)
    throw new NotariumError('usage-invalid', `the address of the device is ${device.error.issues[0]!.message}`);
  if (!options.name) throw new NotariumError('usage-invalid', '--name is needed: what the members see');
  const days = /^\d{1,5}$/.test(options.days ?? '365') ? Number(options.days ?? '365') : 0;
  if (days === 0) throw new NotariumError('usage-invalid', '--days is a number from 1 to 99999');
  const { activities } = await openActivities(run);
  const expires = Math.floor(Date.now() / 1000) + days * daySeconds;
  const credential = await activities.issueCredential({ device: device.data, name: options.name, expires }, { signal });
  output.json({ ok: true, credential });
  output.line(
    `${output.mark('passed')} credential ${credential.id}`,
    `  for ${device.data} until ${timeText(expires)}`,
  );
}

/** `notarium activity device list`. */
export async function listDevices(run: Run<CentreFlags>): Promise<void> {
  const { output, signal } = run;
  const { activities } = await openActivities(run);
  const credentials = await activities.credentials({ signal });
  output.json({ ok: true, credentials });
  if (credentials.length === 0) {
    output.note('No device speaks through this node.');
    return;
  }
  const nowSeconds = Date.now() / 1000;
  const rows = credentials.map(({ id, name, device, expires, revokedAt }) => [
    ...[short(id), clip(name, 20)],
    revokedAt !== undefined ? 'revoked' : expires < nowSeconds ? 'expired' : timeText(expires).slice(0, 10),
    device,
  ]);
  output.line(...table([['id', 'name', 'until', 'device'], ...rows]));
}

/** `notarium activity device revoke`. */
export async function revokeDevice(run: Run<CentreFlags>, text: string): Promise<void> {
  const { output, signal } = run;
  const { activities } = await openActivities(run);
  const id = idAmong(text, await activities.credentials({ signal }), 'credential');
  await activities.revokeCredential(id, { signal });
  output.json({ ok: true, id });
  output.line(`${output.mark('passed')} ${short(id)} does not hold any more`);
}
