import type { EvidenceChannelStatus } from '../../app/channels/EvidenceChannel.ts';
import { jsonWithAmounts } from '../../core/channels/amount.ts';
import { isNotariumError } from '../../core/errors.ts';
import { nextStep } from '../nextSteps.ts';
import type { Output } from '../Output.ts';
import type { Run } from '../Run.ts';
import { amountText } from './amounts.ts';
import { type ChannelFlags, pickChannel } from './pickChannel.ts';
import { requesterKey } from './requesterKey.ts';

/** Option values of `notarium channel status`. */
export type StatusFlags = ChannelFlags & { readonly receipts?: boolean };

/** `notarium channel status`: of one channel, or a list of all when there are several. */
export async function showChannel(run: Run<StatusFlags>): Promise<void> {
  const { options, output, actions } = run;
  const known = await actions.channels.known(run);
  if (options.channel === undefined && !options.receipts && known.length !== 1) {
    output.json({ ok: true, channels: known.map(plain) });
    for (const { channelId, channel, url, openedAt, isOpened, isSettled } of known) {
      const deposit = amountText(channel.amount, channel.token);
      const status = isSettled ? 'settled' : isOpened ? 'open' : 'opening interrupted';
      output.line(
        `channel ${channelId}`,
        `  ${status}, ${deposit}, with ${url} since ${openedAt.slice(0, 16).replace('T', ' ')} UTC`,
      );
    }
    if (known.some(({ isOpened }) => !isOpened)) output.note(nextStep('channel-not-opened')!);
    if (known.length === 0) output.line(`No channel was opened from this data folder: ${run.settings.data}`);
    return;
  }
  const channelId = await pickChannel(run);
  const privateKey = await requesterKey(run);
  const shown = await actions.channels
    .use(run, { channelId, privateKey }, async (channel) => ({
      receipts: options.receipts ? await channel.writeReceipts({ anew: true }) : undefined,
      status: await channel.status(),
    }))
    .catch((error: unknown) => {
      if (isNotariumError(error, 'channel-not-opened')) return undefined;
      throw error;
    });
  if (!shown) {
    output.json({ ok: true, channelId, status: 'not-opened' });
    output.line(`channel ${channelId}`, '  status    not opened (no deposit on chain)');
    output.note(nextStep('channel-not-opened')!);
    return;
  }
  const { status, receipts } = shown;
  output.json({ ok: true, ...(plain(status) as object), ...(receipts ? { receipts } : {}) });
  printStatus(output, status);
  if (receipts)
    output.line(
      `  receipts  ${receipts.written} written${receipts.waiting > 0 ? `, ${receipts.waiting} waiting` : ''}`,
    );
}

/** With amounts as text. */
export function plain(value: unknown): unknown {
  return JSON.parse(jsonWithAmounts(value));
}

/** Lines about a channel. */
export function printStatus(output: Output, status: EvidenceChannelStatus): void {
  const { channelId, channel, url, end } = status;
  const text = (amount: bigint): string => amountText(amount, channel.token);
  output.line(
    `channel ${channelId}`,
    `  status    ${status.status}, version ${status.version}`,
    `  verifier  ${channel.verifier} at ${url}`,
    `  evidence  ${status.evidenceCount} ${status.evidenceCount === 1 ? 'bill' : 'bills'} paid, ${status.openLocks} on the way`,
  );
  if (end) {
    output.line(
      `  settled   in block ${end.blockNumber}, transaction ${end.transactionHash}`,
      `  paid out  ${text(end.verifierPayout)} to the verifier, ${text(end.requesterPayout)} to the requester`,
    );
  } else {
    output.line(`  balances  ${text(status.verifierBalance)} of the verifier, ${text(status.requesterBalance)} left`);
  }
}
