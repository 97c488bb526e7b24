import type { Activity } from '../../core/activities/activity.ts';
import { memberOf } from '../../core/activities/members.ts';
import type { Message } from '../../core/activities/parcel.ts';
import type { Address } from '../../core/bytes.ts';
import type { Outgoing, StoredMessage } from '../../store/activities/ActivityStore.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { addedBy } from './addedBy.ts';
import { copyFor } from './copyFor.ts';
import { envelopeItem } from './exchange/envelopeItems.ts';
import { keyOf } from './parties.ts';

const atOnce = 256;
/** Newest messages of the activity that are looked at. */
const mostLookedAt = 1_024;
/** Of all copies; one largest message for one member is less. */
const mostBytes = 24 << 20;

/**
 * What this node has said before somebody was added who is given what was before, and what the one who has added it did not have yet: that
 * gives the rest. It is some of it, so that what was on its way at that time comes at once: what was not read by when somebody says is its own
 * word, and may be all that this node has ever said. The new member finds out by comparison what it lacks still.
 */
export async function copiesForAdded(
  parts: Pick<ActivityParts, 'store' | 'signer' | 'sealer' | 'registry'>,
  activity: Activity,
  { head }: Message,
): Promise<Outgoing[]> {
  const { store, signer } = parts;
  if (head.type !== 'members' || !activity.terms.rules.history || head.sender === signer.address) return [];
  // Anybody can be named; what cannot be delivered is not kept.
  const added = addedBy(activity, head).filter(({ address }) => keyOf(parts, address) !== undefined);
  if (added.length === 0 || !memberOf(head.membership, signer.address)) return [];
  // By the clock of the same node.
  const madeAt = Math.floor(Date.parse(head.time) / 1000);
  const copies: Outgoing[] = [];
  let bytes = 0;
  const { messageCount = 0 } = (await store.activity(activity.id)) ?? {};
  for (let place = Math.max(0, messageCount - mostLookedAt); ; ) {
    const some = await store.messages(activity.id, place, atOnce);
    if (some.length === 0) return copies;
    place = some.at(-1)!.place + 1;
    for (const stored of some) {
      if (stored.sender !== signer.address || (await hadRead(parts, stored, head.sender, madeAt))) continue;
      // As text it has a third more.
      const more = (stored.parcel.length * 4 * added.length) / 3;
      if (bytes + more > mostBytes) continue;
      bytes += more;
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
