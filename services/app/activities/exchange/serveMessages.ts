import { type Activity, membersOf } from '../../../core/activities/activity.ts';
import { isForked } from '../../../core/activities/forks.ts';
import { haveMet } from '../../../core/activities/haveMet.ts';
import { memberOf } from '../../../core/activities/members.ts';
import type { Address, Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import type { Net } from '../../../net/Net.ts';
import type { StoredMessage } from '../../../store/activities/ActivityStore.ts';
import { messageOf } from '../Activities.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { copyFor } from '../copyFor.ts';
import { keyOf } from '../parties.ts';
import { copyItem } from './envelopeItems.ts';
import {
  activityProtocols,
  framesOf,
  type MessagesQuery,
  maxItems,
  maxItemsBytes,
  messagesQuerySchema,
} from './items.ts';
import { PeerTurns } from './PeerTurns.ts';
import { readQuery } from './readQuery.ts';

/** Gives members what they lack. Who asks for anything else learns nothing, not even whether there is such an activity. */
export function serveMessages(parts: ActivityParts, net: Net): void {
  // Each answer costs some hundred encryptions.
  const turns = new PeerTurns();
  net.handle(activityProtocols.messages, async function* (frames, from, signal) {
    const query = await readQuery(parts, from, frames, messagesQuerySchema);
    yield* turns.give(from, framesOf(answers(parts, from, query, signal)));
  });
}

async function* answers(
  parts: ActivityParts,
  from: Address,
  query: MessagesQuery,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  parts.peerReads.check(from);
  // One look at the disk whether it is there or not: by the time that it takes nobody finds out which.
  const here = await parts.store.knownActivities([query.activity]);
  const activity = here.has(query.activity) ? await parts.peerReads.find(from, query.activity) : undefined;
  const key = keyOf(parts, from);
  if (!activity || !key || !haveMet(activity, parts.signer.address, from)) {
    parts.refusals.count(new NotariumError('activity-not-member', 'it asks for messages'), from);
    return;
  }
  let items = 0;
  let bytes = 0;
  for await (const stored of wanted(parts, activity, query)) {
    signal.throwIfAborted();
    if (!mayHave(activity, stored, from)) continue;
    const envelope = copyFor(parts, { stored, activity, key });
    const item = copyItem({ place: stored.place, envelope });
    bytes += item.length + 4;
    if (++items > maxItems || (items > 1 && bytes > maxItemsBytes)) return;
    yield item;
  }
}

async function* wanted(
  { store }: ActivityParts,
  activity: Activity,
  { messages, groups, fromPlace }: MessagesQuery,
): AsyncGenerator<StoredMessage> {
  if (fromPlace === undefined) {
    // An answer is cut where it is too large: without the epoch that comes first nothing of the rest can be taken.
    const ids = [...groups.flatMap((group) => activity.epochs.get(group)?.by ?? []), ...messages];
    for (const id of new Set<Hash>(ids)) {
      const stored = await store.message(id);
      if (stored?.activity === activity.id) yield stored;
    }
    return;
  }
  for (let place = fromPlace; ; ) {
    const some = await store.messages(activity.id, place, maxItems);
    yield* some;
    if (some.length === 0) return;
    place = some.at(-1)!.place + 1;
  }
}

/**
 * Members of its epoch may; those that came later where the rules give them what was before. Of an activity that was begun twice nobody can tell who
 * has come later, for its initiator may have named others, or itself again: then but the beginnings, by which they see that there are two.
 */
export function mayHave(activity: Activity, stored: Pick<StoredMessage, 'id' | 'parcel'>, member: Address): boolean {
  const { head } = messageOf(stored);
  const epoch = activity.epochs.get(head.group);
  if (!epoch) return false;
  if (memberOf(epoch.membership, member)) return true;
  if (!activity.terms.rules.history || !memberOf(membersOf(activity), member)) return false;
  return head.type === 'start' || !isForked(activity);
}
