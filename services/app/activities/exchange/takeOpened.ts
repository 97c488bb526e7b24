import { type Activity, membersOf } from '../../../core/activities/activity.ts';
import { takesPart } from '../../../core/activities/decided.ts';
import { checkEnvelope } from '../../../core/activities/envelope.ts';
import { isKnownTo } from '../../../core/activities/haveMet.ts';
import { memberOf } from '../../../core/activities/members.ts';
import type { Head, HeadOf } from '../../../core/activities/message.ts';
import { mayVouch } from '../../../core/activities/onTrust.ts';
import { parcelBytes } from '../../../core/activities/parcel.ts';
import { pathTo } from '../../../core/activities/pathTo.ts';
import { early, refused } from '../../../core/activities/refused.ts';
import { joinActivity, rejoinActivity } from '../../../core/activities/takeMembers.ts';
import { startActivity, takeMessage } from '../../../core/activities/takeMessage.ts';
import type { Address } from '../../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../../core/errors.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { checkBody } from '../checkBody.ts';
import { hasGone } from '../hasGone.ts';
import { isNode, payerOf } from '../payerOf.ts';
import { Step } from '../Step.ts';
import type { Opened } from './arrived.ts';

/** How a message has come. */
export type How = {
  /** This node has asked for it, since another message builds on it. */
  readonly isWanted?: boolean;
  /** On whose word, where that may be nobody's any more: who was removed could want what it says itself. */
  readonly wantedBy?: Address;
  /** What was before will never be given to this node. */
  readonly isJoin?: boolean;
  /** Its sender was asked for what it builds on, and has given something that was not known here. */
  readonly isBacked?: boolean;
};

/**
 * Takes a message in and puts it on the disk, with what this node has to say to it.
 * @throws NotariumError as `takeMessage`, `activity-body-invalid`, `activity-sender-full`, `peer-busy`, `not-ready`, `shutting-down`, and what the disk says.
 */
export function takeOpened(parts: ActivityParts, opened: Opened, how: How = {}): Promise<void> {
  const { activities, unread, signer } = parts;
  const { message, seal } = opened;
  const { activity: id, sender } = message.head;
  return activities.change(id, async (activity) => {
    const isTold = isToldBy(parts, activity, opened, how);
    const after = stateAfter(parts, isTold ? activity : undefined, opened, how);
    if (!isTold) throw early({});
    await checkBody(parts, opened.from, activity?.terms, message);
    const isNew = activity === undefined;
    if (isNew && !isNode(parts, after.origin.initiator))
      throw new NotariumError('activity-sender-full', 'who has begun it is no node, and may have nothing here', {
        data: { payer: after.origin.initiator },
      });
    const payer = payerOf(parts, after, message.head, opened.from);
    const coming = { payer, activity: id, sizeBytes: parcelBytes(message).length, isNew };
    const settle = sender === signer.address ? undefined : await unread.admit(coming);
    let isTaken = false;
    try {
      const step = new Step(parts, id, activity);
      await step.take(message, seal, after, payer);
      await step.commit();
      isTaken = true;
    } finally {
      settle?.(isTaken);
    }
  });
}

/**
 * Whether its sender may find out by the answer that there is such an activity here. Who was never in it together with this node is answered, and
 * asked, as if there were none, until it has shown that it knows what this node did not: else whoever was let go could find out who came later.
 */
function isToldBy(
  { signer }: ActivityParts,
  activity: Activity | undefined,
  { from }: Opened,
  { isWanted, isJoin, isBacked }: How,
): boolean {
  if (!activity || isWanted || isJoin || isBacked) return true;
  return isKnownTo(activity, signer.address, from);
}

function stateAfter(parts: ActivityParts, activity: Activity | undefined, opened: Opened, how: How): Activity {
  const { network, crypto, signer } = parts;
  const { message, envelope } = opened;
  const { head } = message;
  const epoch = head.type === 'start' || head.type === 'members' ? head : activity?.epochs.get(head.group);
  if (!epoch) throw early({ group: head.group });
  checkEnvelope(envelope, message, epoch, opened.contentKey);
  const isGone =
    !how.isWanted && activity !== undefined && head.sender !== signer.address && hasGone(activity, signer.address);
  if (isGone && !mayEndIt(activity, head, signer.address)) throw gone(activity);
  if (!how.isWanted && !memberOf(epoch.membership, signer.address)) {
    if (!envelope.copy) throw refused('this node is no member of it');
    // What was said before it came: it may not know yet that it was added.
    const isIn = activity && memberOf(membersOf(activity), signer.address) !== undefined;
    if (!isIn) throw early({});
    if (!activity.terms.rules.history) throw refused('this node was added without what was before');
  }
  if (!activity) {
    if (head.type !== 'members') return startActivity(message);
    if (!how.isJoin) throw early({ group: head.membership.previous });
    return joinActivity(message);
  }
  try {
    const isByMember = !how.wantedBy || memberOf(membersOf(activity), how.wantedBy) !== undefined;
    const options = { isWanted: how.isWanted === true && isByMember, isVouched: isVouched(parts, activity, opened) };
    const after = takeMessage(network, activity, message, { ...options, crypto });
    const isIn = (one: Activity): boolean => memberOf(membersOf(one), signer.address) !== undefined;
    if (isGone && !takesPart(after, signer.address) && (isIn(after) || !isIn(activity))) throw gone(activity);
    return after;
  } catch (error) {
    const isEarly = isNotariumError(error, 'activity-message-early');
    if (!how.isJoin || !isEarly || head.type !== 'members' || !mayBeginAnew(parts, activity, head)) throw error;
    return rejoinActivity(activity, message, signer.address);
  }
}

/** Whether it does not rest on the word of its sender alone: another member has given it, or there is none that could know better. */
function isVouched({ signer }: ActivityParts, activity: Activity, { from, message }: Opened): boolean {
  const { sender } = message.head;
  if (from !== sender && memberOf(membersOf(activity), from)) return true;
  return mayVouch(activity, signer.address, sender).length === 0;
}

/**
 * Who has filled this node's disk need not be the one who lets it go: of others it takes that it is out, once, and that it is in again; what
 * keeps it in there may be any number of.
 */
function mayEndIt(activity: Activity, head: Head, own: Address): boolean {
  if (head.type !== 'members') return false;
  const isIn = memberOf(membersOf(activity), own) !== undefined;
  if (!memberOf(head.membership, own)) return isIn;
  const before = activity.epochs.get(head.membership.previous);
  return !before || !memberOf(before.membership, own);
}

function gone({ id }: Activity): NotariumError {
  return new NotariumError('activity-not-member', 'this node has left', { data: { activity: id } });
}

/**
 * Who was removed is not told, and does not know what was meanwhile when it is added again. The initiator may change the members as it
 * likes, so its word is enough; by nobody else's can a member be made to forget what it knows. Of who does not take part any more, as far as is
 * known here, no word is enough: it would name others in the place of those who have stayed.
 */
function mayBeginAnew({ signer }: ActivityParts, activity: Activity, { sender, origin }: HeadOf<'members'>): boolean {
  if (!memberOf(membersOf(activity), signer.address)) return true;
  if (!takesPart(activity, sender)) return false;
  if (origin.initiator === sender) return true;
  // What it knows of the activity, it knows by the message of this sender alone, which another change may have come before.
  const path = pathTo(activity.epochs, activity.group);
  return activity.since > 0 && path[0]!.sender === sender && path.every(({ right }) => right !== 'initiator');
}
