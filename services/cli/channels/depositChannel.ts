import { NotariumError } from '../../core/errors.ts';
import type { Run } from '../Run.ts';
import { amountText, parseAmount } from './amounts.ts';
import { type ChannelFlags, pickChannel } from './pickChannel.ts';
import { requesterKey } from './requesterKey.ts';

/** Option values of `notarium channel deposit`. */
export type DepositFlags = ChannelFlags & { readonly amount?: string };

/** `notarium channel deposit`: pays more into a channel. */
export async function depositChannel(run: Run<DepositFlags>): Promise<void> {
  const { options, output, actions } = run;
  if (options.amount === undefined) throw new NotariumError('usage-invalid', 'give what to pay in: --amount AMOUNT');
  const amount = parseAmount(options.amount, '--amount');
  const channelId = await pickChannel(run);
  const privateKey = await requesterKey(run);
  const { transactionHash, held, token } = await actions.channels.use(
    run,
    { channelId, privateKey },
    async (channel) => {
      const paid = await channel.deposit(amount);
      return { ...paid, token: (await channel.status()).channel.token };
    },
  );
  output.json({ ok: true, channelId, transactionHash, held: `${held}` });
  output.line(
    `channel ${channelId}`,
    `  deposit   ${amountText(amount, token)}, in ${transactionHash}`,
    `  holds     ${amountText(held, token)}`,
  );
}
