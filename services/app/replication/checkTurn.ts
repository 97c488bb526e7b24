import type { BlockHeader } from '../../core/block.ts';
import type { Address } from '../../core/bytes.ts';
import { publisherOf, slotAt } from '../../core/committee.ts';
import type { ReplicationParts } from './ReplicationParts.ts';
import { ownFault, refused } from './voteRefusals.ts';

/**
 * Whether the proposer may publish in this slot at all, by the committee of the chain and by our own clock, with one slot
 * of tolerance.
 * @throws NotariumError `vote-refused`.
 */
export async function checkTurn(
  parts: Pick<ReplicationParts, 'chain' | 'clock' | 'periodSeconds'>,
  header: BlockHeader,
  from: Address,
): Promise<void> {
  if (header.publisher !== from) throw ownFault('the proposer is not the publisher of the header');
  checkSlot(parts, header);
  const committee = await parts.chain.committee();
  if (header.epoch !== committee.epoch) {
    throw refused('another epoch is in force', { have: header.epoch, want: committee.epoch });
  }
  const publisher = publisherOf(committee, header.slot);
  if (publisher !== from) throw ownFault('it is not its turn', { have: from, want: publisher });
}

/** @throws NotariumError `vote-refused` when the slot is not now, by our own clock with one slot of tolerance. */
export function checkSlot(
  { clock, periodSeconds }: Pick<ReplicationParts, 'clock' | 'periodSeconds'>,
  { slot }: BlockHeader,
): void {
  const now = slotAt(clock.nowMs(), periodSeconds);
  if (Math.abs(now - slot) > 1) throw refused('the slot is not now', { have: slot, want: now });
}
