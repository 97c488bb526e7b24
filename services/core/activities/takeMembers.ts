import type { Address } from '../bytes.ts';
import { canonicalText } from '../canonicalJson.ts';
import { type Activity, membersOf, type OpeningRight } from './activity.ts';
import { repeatedOrigin } from './activityId.ts';
import { grown } from './grown.ts';
import { headsAfterEpoch, headsOf } from './heads.ts';
import { memberOf } from './members.ts';
import type { ActivityTerms, HeadOf } from './message.ts';
import { newestAfter, newestGroup } from './newestGroup.ts';
import { isOnTrust, knowsNoPast } from './onTrust.ts';
import type { Message } from './parcel.ts';
import { pathTo } from './pathTo.ts';
import { early, refused } from './refused.ts';
import { rightAsToldBy, rightTo } from './rightTo.ts';

/**
 * Takes a new epoch in.
 * @param isVouched See `TakeOptions`.
 * @throws NotariumError as `takeMessage`.
 */
export function takeMembers(activity: Activity, message: Message, isVouched = false): Activity {
  const head = message.head as HeadOf<'members'>;
  const { membership, terms } = head;
  const before = activity.epochs.get(membership.previous);
  if (!before) throw early({ group: membership.previous });
  if (canonicalText(terms) !== canonicalText(before.terms)) throw refused('the terms of an activity never change');
  if (membership.epoch !== before.membership.epoch + 1) throw refused('epochs come one after the other');
  const unknown = head.heads.filter((version) => !activity.versions.has(version));
  if (unknown.length > 0) {
    if (!knowsNoPast(activity)) throw early({ messages: unknown });
    if (!isVouched && !isOnTrust(activity, head, unknown)) throw early({ messages: [message.id, ...unknown] });
  }
  const right = rightTo(activity, head, before.membership);
  const epochs = withEpoch(activity.epochs, message, right, before.terms);
  const origin = repeatedOrigin(activity.origin, head.origin);
  // Told twice.
  if (epochs === activity.epochs) return { ...activity, origin };
  const group = newestAfter(activity, { ...activity, epochs }, head.group);
  const changed = { ...activity, origin, epochs, group };
  // One from before this member has come in, another time, may be what was missing on the way.
  if (group === activity.group && membership.epoch >= activity.since) return changed;
  const isNext = group === head.group && membership.previous === activity.group;
  return { ...changed, heads: isNext ? headsAfterEpoch(activity, changed, epochs.get(group)!) : headsOf(changed) };
}

/**
 * Epochs with the one that a message opens.
 * @param known The same terms, as they are in memory already: with a large schema they take up a lot of it.
 */
export function withEpoch(
  epochs: Activity['epochs'],
  message: Message,
  right: OpeningRight,
  known?: ActivityTerms,
): Activity['epochs'] {
  const { id, head } = message;
  if (head.type !== 'start' && head.type !== 'members') throw new RangeError(`${head.type} opens no epoch`);
  const have = epochs.get(head.group);
  // The same one told twice: nothing in it is another one.
  if (have && have.by < id) return epochs;
  const { membership, secret, sender } = head;
  const terms = known ?? head.terms;
  const proposal = head.type === 'members' && right === 'proposal' ? head.proposal : undefined;
  return grown(epochs, head.group, {
    ...{ membership, terms, secret, sender, right, by: id },
    ...(proposal ? { proposal: proposal.id } : {}),
    heads: head.type === 'members' ? head.heads : [],
  });
}

/**
 * An activity as somebody has it that was added without what was before.
 * @throws NotariumError as `takeMessage`.
 */
export function joinActivity(message: Message): Activity {
  const head = message.head as HeadOf<'members'>;
  if (head.epoch === 0) throw refused('an activity begins with its start');
  if (!memberOf(head.membership, head.sender)) throw refused('its sender is no member');
  return firstEpoch(message, rightAsToldBy(head));
}

/** An activity of which nothing is known but the message that opens an epoch. */
export function firstEpoch(message: Message, right: OpeningRight): Activity {
  const { activity, origin, terms, group, epoch, sender } = message.head as HeadOf<'start' | 'members'>;
  return {
    ...{ id: activity, origin, terms, group, since: epoch, leftBehind: [], heads: [] },
    epochs: withEpoch(new Map(), message, right),
    versions: new Map(),
    notes: new Map(),
    countersignatures: new Map(),
    certificates: new Map(),
    proposals: new Map(),
    approved: new Map(),
    leaves: new Map(),
    statements: new Map(),
    taken: new Map([[message.id, { sender, group }]]),
  };
}

/** Whether all that is known of it rests on the word of somebody who may not be believed: nothing of what was before is known. */
export function isHearsay({ epochs, group, since }: Activity): boolean {
  return since > 0 && pathTo(epochs, group)[0]!.right !== 'initiator';
}

/**
 * An activity as somebody has it that had left, and was added again without what was meanwhile.
 * @param own Who that is.
 * @throws NotariumError as `takeMessage`.
 */
export function rejoinActivity(activity: Activity, message: Message, own: Address): Activity {
  const head = message.head as HeadOf<'members'>;
  const { terms, group, epoch, sender } = head;
  const joined = joinActivity(message);
  const known = {
    taken: grown(activity.taken, message.id, { sender, group }),
    leftBehind: leftBehindBy(activity, head, own),
  };
  const isOther = canonicalText(terms) !== canonicalText(activity.terms);
  const isEarlier = epoch <= membersOf(activity).epoch;
  const origin = repeatedOrigin(activity.origin, head.origin);
  // The initiator's word counts more than what anybody else has told of its activity, whatever epoch that names.
  if ((isOther || isEarlier) && isHearsay(activity) && rightAsToldBy(head) === 'initiator')
    return { ...joined, origin, ...known };
  if (isOther) throw refused('the terms of an activity never change');
  if (isEarlier) throw refused('it is of an earlier epoch');
  const epochs = withEpoch(activity.epochs, message, rightAsToldBy(head), activity.terms);
  const changed = { ...activity, origin, epochs, group: newestGroup({ ...activity, epochs }), since: epoch, ...known };
  return { ...changed, heads: headsOf(changed) };
}

// The first ones are those that nobody has made up to keep them out.
const mostLeftBehind = 1_024;

function leftBehindBy(activity: Activity, { membership }: HeadOf<'members'>, own: Address): Address[] {
  const before = membersOf(activity);
  // Who knows that it was out knows that they go on without it.
  const others = memberOf(before, own) ? before.members.map(({ address }) => address) : [];
  const all = new Set([...activity.leftBehind, ...others]);
  return [...all].filter((address) => !memberOf(membership, address)).slice(0, mostLeftBehind);
}
