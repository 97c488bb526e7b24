import type { Activity } from '../../core/activities/activity.ts';
import { memberOf } from '../../core/activities/members.ts';
import type { Message } from '../../core/activities/parcel.ts';
import type { Address } from '../../core/bytes.ts';
import type { Outgoing, StoredMessage } from '../../store/activities/ActivityStore.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { addedBy } from './addedBy.ts';
import { copyFor } from './copyFor.ts';
import { envelopeItem } from './exchange/envelopeItems.ts';

const atOnce = 256;

/**
 * What this node has said before somebody was added who is given what was before, and what the one who has added it did not have yet: that
 * gives the rest. Without it, what was on its way at that time would never come to the new member.
 */
export async function copiesForAdded(
  parts: Pick<ActivityParts, 'store' | 'signer' | 'sealer'>,
  activity: Activity,
  { head }: Message,
): Promise<Outgoing[]> {
  const { store, signer } = parts;
  if (head.type !== 'members' || !activity.terms.rules.history || head.sender === signer.address) return [];
  const added = addedBy(activity, head);
  if (added.length === 0 || !memberOf(head.membership, signer.address)) return [];
  // By the clock of the same node.
  const madeAt = Math.floor(Date.parse(head.time) / 1000);
  const copies: Outgoing[] = [];
  for (let place = 0; ; ) {
    const some = await store.messages(activity.id, place, atOnce);
    if (some.length === 0) return copies;
    place = some.at(-1)!.place + 1;
    for (const stored of some) {
      if (stored.sender !== signer.address || (await hadRead(parts, stored, head.sender, madeAt))) continue;
      for (const { address, key } of added) {
        const item = envelopeItem(copyFor(parts, { stored, activity, key }));
        copies.push({
          sealDigest: stored.sealDigest,
          activity: activity.id,
          message: stored.id,
          item,
          members: [address],
        });
      }
    }
  }
}

async function hadRead(
  { store }: Pick<ActivityParts, 'store'>,
  { id, activity }: StoredMessage,
  member: Address,
  time: number,
): Promise<boolean> {
  const deliveries = await store.deliveries(activity, id);
  const ack = deliveries.find((delivery) => delivery.member === member)?.ack;
  return ack?.stage === 'read' && ack.time < time;
}
