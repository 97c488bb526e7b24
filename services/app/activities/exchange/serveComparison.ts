import { setImmediate } from 'node:timers/promises';
import { type Activity, membersOf } from '../../../core/activities/activity.ts';
import { isForked } from '../../../core/activities/forks.ts';
import { haveMet } from '../../../core/activities/haveMet.ts';
import { memberOf } from '../../../core/activities/members.ts';
import { messagesDigest, sharedMessages } from '../../../core/activities/shared.ts';
import { type Address, fromUtf8 } from '../../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../../core/errors.ts';
import type { Net } from '../../../net/Net.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import {
  activityProtocols,
  type Compared,
  type Comparison,
  comparedSchema,
  framesOf,
  itemsOf,
  maxCompared,
  maxListed,
} from './items.ts';
import { PeerTurns } from './PeerTurns.ts';
import { malformedPoints } from './Refusals.ts';

const itemBytes = 1024;

type Outcome = (member: Address, activity: Activity['id'], isSame: boolean) => void;

/**
 * Tells members what this node has of an activity. Who was never a member learns nothing, not even whether there is one.
 * @param compared is called with the outcome; where it is not the same the asker may have more.
 */
export function serveComparison(parts: ActivityParts, net: Net, compared: Outcome): void {
  // One for what somebody waits for there, one for the rest.
  const turns = new PeerTurns(2);
  net.handle(activityProtocols.compare, async function* (frames, from) {
    const asked: Compared[] = [];
    try {
      for await (const item of itemsOf(frames, { itemBytes, items: maxCompared, bytes: itemBytes * maxCompared }))
        asked.push(comparedOf(item));
      if (new Set(asked.map(({ activity }) => activity)).size < asked.length)
        throw new NotariumError('peer-answer-invalid', 'it compares an activity twice');
    } catch (error) {
      if (isNotariumError(error, 'peer-answer-invalid')) parts.refusals.count(error, from, malformedPoints);
      throw error;
    }
    yield* turns.give(from, framesOf(answers(parts, from, asked, compared)));
  });
}

async function* answers(
  parts: ActivityParts,
  from: Address,
  asked: readonly Compared[],
  compared: Outcome,
): AsyncGenerator<string> {
  parts.peerReads.check(from);
  // One look at the disk for all of them, there or not: by the time that it takes nobody finds out which are.
  const here = await parts.store.knownActivities(asked.map(({ activity }) => activity));
  for (const one of asked) {
    // Of one that is damaged here nothing can be said; the others are compared all the same.
    const activity = here.has(one.activity)
      ? await parts.damage.passOver(parts.peerReads.find(from, one.activity))
      : undefined;
    const answer = comparisonOf(parts, activity, from, one);
    if ('unknown' in answer)
      parts.refusals.count(new NotariumError('activity-not-member', 'it compares an activity'), from);
    // It has come in by an epoch that is unknown here, and may have left this node behind.
    else compared(from, one.activity, 'same' in answer && one.since <= membersOf(activity!).epoch);
    yield JSON.stringify(answer);
    // Of a large one it is work without a pause.
    await setImmediate();
  }
}

function comparisonOf(
  { signer, crypto, peerReads }: ActivityParts,
  activity: Activity | undefined,
  from: Address,
  { since, digest, after }: Compared,
): Comparison {
  // Who has left before this node came is not told that it has come.
  if (!activity || !haveMet(activity, signer.address, from)) return { unknown: true };
  // Of one that was begun twice nobody was removed who does not stand in the beginning that holds.
  if (!memberOf(membersOf(activity), from)) return isForked(activity) ? { ids: [], forked: true } : { removed: true };
  peerReads.looked(from, activity.taken.size);
  const ids = sharedMessages(activity, [signer.address, from], since);
  if (messagesDigest(ids, crypto.sha256) === digest) return { same: true };
  const first = after === undefined ? 0 : ids.findIndex((id) => id > after);
  return {
    ids: first < 0 ? [] : ids.slice(first, first + maxListed),
    ...(isForked(activity) ? { forked: true } : {}),
  };
}

function comparedOf(item: Uint8Array): Compared {
  try {
    return comparedSchema.parse(JSON.parse(fromUtf8(item)));
  } catch (cause) {
    throw new NotariumError('peer-answer-invalid', 'it does not have the form of a comparison', { cause });
  }
}
