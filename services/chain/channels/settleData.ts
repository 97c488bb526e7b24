import { type Hash, type Hex, toHex } from '../../core/bytes.ts';
import { type Channel, channelIdOf } from '../../core/channels/channel.ts';
import { type Lock, packLocks } from '../../core/channels/state.ts';
import { NotariumError } from '../../core/errors.ts';
import { channelsInterface } from '../interfaces.ts';
import type { StateContent } from './ChannelChain.ts';
import type { ChannelSource } from './ChannelSource.ts';
import { lastEvent } from './readEvents.ts';

/**
 * The call that settles, by the last state that was handed in as the chain has it now: a reorganisation may have given it another salt.
 * @throws NotariumError `channel-state` where none was.
 */
export async function settleData(
  source: ChannelSource,
  channel: Channel,
  content: StateContent = { locks: [], evidence: { size: 0, peaks: [] } },
): Promise<Hex> {
  const channelId = channelIdOf(source.network, channel);
  const closing = await lastEvent(source, 'closing', channelId);
  if (!closing) throw new NotariumError('channel-state', 'it is not closing', { data: { channelId } });
  const { locks, evidence } = content;
  const frontier = (await isAnyPaid(source, locks, closing.deadline)) ? evidence.peaks.map(toHex) : [];
  const args = [channel, closing.state, closing.salt, toHex(packLocks(locks)), frontier] as const;
  return channelsInterface.encodeFunctionData('settle', [...args]) as Hex;
}

// The frontier costs gas, and only a paid lock needs it. After the deadline nothing changes that any more.
async function isAnyPaid({ contract }: ChannelSource, locks: readonly Lock[], deadline: number): Promise<boolean> {
  for (const { keyHash, expiry } of locks) {
    const time = Number(await contract.revealedAt(keyHash as Hash));
    if (time !== 0 && time <= deadline && time <= expiry) return true;
  }
  return false;
}
