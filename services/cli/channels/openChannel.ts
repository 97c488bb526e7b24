import { NotariumError } from '../../core/errors.ts';
import { addressSchema } from '../../core/schemas.ts';
import type { Run } from '../Run.ts';
import { amountText, coin, parseAmount } from './amounts.ts';
import { requesterKey } from './requesterKey.ts';

/** Option values of `notarium channel open`. */
export type OpenFlags = { readonly amount?: string; readonly token?: string; readonly challenge?: string };

/** `notarium channel open`. */
export async function openChannel(run: Run<OpenFlags>): Promise<void> {
  const { options, settings, output } = run;
  if (settings.url === undefined) throw new NotariumError('usage-invalid', 'give the verifier: --url URL');
  if (options.amount === undefined) throw new NotariumError('usage-invalid', 'give the deposit: --amount AMOUNT');
  const amount = parseAmount(options.amount, '--amount');
  const token = addressSchema.safeParse((options.token ?? coin).toLowerCase());
  if (!token.success) throw new NotariumError('usage-invalid', '--token is an address');
  const privateKey = await requesterKey(run);
  const opened = await run.actions.channels.open(run, {
    ...{ url: settings.url, privateKey, amount, token: token.data },
    challengeSeconds: secondsOf(options.challenge),
  });
  const { channelId, channel, transactionHash } = opened;
  output.json({
    ok: true,
    channelId,
    channel: { ...channel, amount: `${channel.amount}`, salt: `${channel.salt}` },
    transactionHash,
  });
  output.line(
    `channel ${channelId}`,
    `  verifier  ${channel.verifier}`,
    `  deposit   ${amountText(channel.amount, channel.token)}`,
    `  challenge ${channel.challengeSeconds} s`,
    `  opened in ${transactionHash}`,
  );
  output.note('Next: notarium channel send FILES');
}

function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,8}$/.test(text)) throw new NotariumError('usage-invalid', '--challenge is a number of seconds');
  return Number(text);
}
