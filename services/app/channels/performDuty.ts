import type { ChannelChain } from '../../chain/channels/ChannelChain.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Duty } from './duties.ts';
import type { SettlementSide, SettlingChannel } from './SettlementSide.ts';

/** What a duty is done with. */
export type DutyContext = {
  readonly chain: ChannelChain;
  readonly side: SettlementSide;
  readonly logger: Logger;
  readonly signal: AbortSignal;
};

/** Does one duty, and returns when the chain has it. @throws NotariumError as {@link ChannelChain}. */
export async function performDuty(
  { chain, side, logger, signal }: DutyContext,
  { channelId, channel }: SettlingChannel,
  duty: Duty,
): Promise<void> {
  switch (duty.type) {
    case 'reveal':
      await chain.reveal(duty.keys, { signal });
      return;
    case 'challenge':
      await chain.challenge(channel, duty.state, { signal });
      return;
    case 'closeTogether':
      if (await isSettled(chain, channelId)) return;
      await chain.closeTogether(channel, duty.closing.closing, duty.closing, { signal });
      return;
    case 'settle': {
      if (await isSettled(chain, channelId)) return;
      const content = duty.version === 0 ? undefined : await side.content(channelId, duty.version);
      await chain.settle(channel, content, { signal });
      return;
    }
    case 'startClosing':
      // A backup may be behind the other side, and what is broadcast cannot be taken back.
      await side.askNewest?.(channelId).catch((error: unknown) => {
        if (signal.aborted) throw error;
        logger.info({ err: error, channelId }, 'the other side says nothing of a newer state');
      });
      await chain.startClosing(channel, await side.newestState(channelId), { signal });
      return;
    case 'askClosing':
      await side.askClosing?.(channelId);
      return;
  }
}

/** Whether the other side was faster: a transaction would cost gas for nothing. */
async function isSettled(chain: ChannelChain, channelId: SettlingChannel['channelId']): Promise<boolean> {
  return (await chain.status(channelId)).status === 'settled';
}
