import type { Address, Hash } from '../bytes.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import type { Network } from '../eip712.ts';
import { NotariumError } from '../errors.ts';
import {
  type Activity,
  byStrength,
  nextNumber,
  type OpenedEpoch,
  recipientsOf,
  trustees,
  type Version,
  wantsTrust,
} from './activity.ts';
import { repeatedOrigin } from './activityId.ts';
import { checkTrust, trustDigest } from './certificate.ts';
import { recovered } from './credential.ts';
import { isVotedIn } from './decided.ts';
import { startsOf } from './forks.ts';
import { grown } from './grown.ts';
import { hasStayed, headsAfter, headsOf } from './heads.ts';
import { type Membership, memberOf, noHash } from './members.ts';
import type { HeadOf, MemberChange } from './message.ts';
import { newestGroup } from './newestGroup.ts';
import { type Message, statementOf } from './parcel.ts';
import { early, refused } from './refused.ts';
import { firstEpoch, isHearsay, takeMembers, withEpoch } from './takeMembers.ts';

/** How a message has come. */
export type TakeOptions = {
  /** Another one builds on it that a member has sent: then its sender may have left meanwhile. */
  readonly isWanted?: boolean;
  readonly crypto?: Crypto;
};

/**
 * Begins an activity with its first message.
 * @throws NotariumError `activity-message-invalid`, `activity-role`.
 */
export function startActivity(message: Message): Activity {
  const { head, id } = message;
  if (head.type !== 'start') throw early({ group: head.group });
  const { membership, group, sender } = head;
  if (membership.epoch !== 0 || membership.previous !== noHash) throw refused('an activity begins with epoch 0');
  if (memberOf(membership, sender)?.role !== 'initiator')
    throw new NotariumError('activity-role', 'its initiator begins it');
  const versions = new Map([[id, { id, number: 1, builds: [], sender, group }]]);
  return { ...firstEpoch(message, 'initiator'), heads: [id], versions };
}

/**
 * Takes one more message of an activity in. What it refuses changes nothing.
 * @throws NotariumError `activity-message-known` when it was taken before; `activity-message-early` with data.missing; `activity-message-invalid`,
 *   `activity-not-member`, `activity-role`, `trust-certificate-invalid`; `activity-epoch-stale`, which is to be tried again after a change of
 *   the members.
 */
export function takeMessage(
  network: Network,
  activity: Activity,
  message: Message,
  options: TakeOptions = {},
): Activity {
  const { head, id } = message;
  if (head.activity !== activity.id) throw refused('it is of another activity');
  if (activity.taken.has(id)) throw new NotariumError('activity-message-known');
  const taken = grown(activity.taken, id, { sender: head.sender, group: head.group });
  if (head.type === 'start') return { ...rivalStart(activity, message), taken };
  if (head.type === 'members') return { ...changedMembers(activity, message, options), taken };
  const epoch = activity.epochs.get(head.group);
  if (!epoch) throw early({ group: head.group });
  const { membership } = epoch;
  if (membership.epoch !== head.epoch) throw refused('it names another epoch than its group is of');
  checkSender(activity, head, membership, options);
  const context = { network, activity, message, epoch, membership, crypto: options.crypto ?? portableCrypto };
  return { ...activity, ...changeBy(context), statements: withStatement(context), taken };
}

/**
 * What a device has said twice by its operator is taken, for others may have taken either; who sends in its name looks here first.
 */
function withStatement({ network, activity, message, crypto }: Context): Activity['statements'] {
  const said = statementOf(network, message, crypto);
  if (said === undefined) return activity.statements;
  const have = activity.statements.get(said);
  return grown(activity.statements, said, have !== undefined && have < message.id ? have : message.id);
}

type Context = {
  readonly network: Network;
  readonly activity: Activity;
  readonly message: Message;
  /** To which it is sealed. */
  readonly epoch: OpenedEpoch;
  readonly membership: Membership;
  readonly crypto: Crypto;
};

function changeBy(context: Context): Partial<Activity> {
  const { head } = context.message;
  switch (head.type) {
    case 'update':
      return update(context, head);
    case 'note':
      return note(context, head);
    case 'countersignature':
      return countersignature(context, head);
    case 'certificate':
      return certificate(context, head);
    case 'proposal':
      return proposal(context, head);
    case 'vote':
      return vote(context, head);
    case 'leave':
      return leave(context, head);
    default:
      throw refused(`${head.type} is none of an activity that has begun`);
  }
}

/**
 * Another change by who was removed since is taken only where it holds, or where somebody has built on it: else there would be no end to what
 * it can say of the time before.
 */
function changedMembers(activity: Activity, message: Message, { isWanted }: TakeOptions): Activity {
  const changed = takeMembers(activity, message);
  const { sender, membership } = message.head as HeadOf<'members'>;
  const holds = changed.group !== activity.group;
  if (isWanted || holds || hasStayed(activity, { sender, group: membership.previous })) return changed;
  throw new NotariumError('activity-epoch-stale', 'its sender was removed since');
}

function checkSender(
  activity: Activity,
  { sender, group }: Pick<Version, 'sender' | 'group'>,
  membership: Membership,
  { isWanted }: TakeOptions,
): void {
  if (!memberOf(membership, sender)) throw new NotariumError('activity-not-member', undefined, { data: { sender } });
  if (isWanted || hasStayed(activity, { sender, group })) return;
  throw new NotariumError('activity-epoch-stale', 'its sender has left since');
}

function update({ activity, message, epoch, membership }: Context, head: HeadOf<'update'>): Partial<Activity> {
  forbidRegulator(membership, head.sender, 'a regulator reads and notes');
  const { builds } = head;
  if (new Set(builds).size !== builds.length) throw refused('it builds on a version twice');
  const unknown = builds.filter((id) => !activity.versions.has(id));
  // Who was added without what was before knows none of these.
  if (unknown.length > 0 && !(activity.since > 0 && !epoch.terms.rules.history)) throw early({ messages: unknown });
  const known = builds.flatMap((id) => activity.versions.get(id) ?? []);
  const least = nextNumber(known.map(({ number }) => number));
  if (unknown.length === 0 ? head.number !== least : head.number < least)
    throw refused('its number is not the next one');
  const { id } = message;
  const version: Version = { id, number: head.number, builds, sender: head.sender, group: head.group };
  const changed = { ...activity, versions: grown(activity.versions, id, version) };
  return { versions: changed.versions, heads: headsAfter(activity, changed, version) };
}

function note({ activity, message }: Context, { on, sender }: HeadOf<'note'>): Partial<Activity> {
  needVersion(activity, on);
  return { notes: grown(activity.notes, message.id, { on, sender }) };
}

function countersignature(context: Context, head: HeadOf<'countersignature'>): Partial<Activity> {
  const { activity, epoch, network, crypto } = context;
  const { on, sender, signature } = head;
  if (!wantsTrust(epoch)) throw refused('nobody has asked to countersign');
  const version = needVersion(activity, on);
  const recipients = recipientsOf(activity, version);
  if (!recipients.includes(sender)) throw new NotariumError('activity-role', 'the version did not go to this member');
  if (
    recovered(crypto, trustDigest(network, { message: on, members: recipients }, crypto.keccak256), signature) !==
    sender
  )
    throw refused('the countersignature is not by its sender');
  const had = activity.countersignatures.get(on)?.get(sender);
  // Of several, which say the same, all have the same one.
  const kept = had !== undefined && had < signature ? had : signature;
  const ofVersion = new Map(activity.countersignatures.get(on)).set(sender, kept);
  return { countersignatures: grown(activity.countersignatures, on, ofVersion) };
}

function certificate(
  context: Context,
  { on, members, signatures, group, sender }: HeadOf<'certificate'>,
): Partial<Activity> {
  const { activity, message, epoch, network, crypto } = context;
  if (!wantsTrust(epoch)) throw refused('nobody has asked to countersign');
  const version = needVersion(activity, on);
  if (!activity.epochs.has(version.group)) throw early({ group: version.group });
  const recipients = recipientsOf(activity, version);
  if (members.join() !== recipients.join()) throw refused('it names others than those whom the version went to');
  checkTrust(network, { message: on, members }, signatures, trustees(activity, version, group), crypto);
  const ofVersion = new Map(activity.certificates.get(on));
  const have = ofVersion.get(sender);
  const made = { message: message.id, signatures: signatures.length };
  if (!have || byStrength(made, have) < 0) ofVersion.set(sender, made);
  return { certificates: grown(activity.certificates, on, ofVersion) };
}

function proposal({ activity, message, membership }: Context, head: HeadOf<'proposal'>): Partial<Activity> {
  forbidRegulator(membership, head.sender, 'a regulator proposes nothing');
  checkChange(membership, head.change);
  const { change, sender, group } = head;
  return { proposals: grown(activity.proposals, message.id, { change, sender, group, votes: new Map() }) };
}

function checkChange(membership: Membership, change: MemberChange): void {
  if ('add' in change) {
    if (memberOf(membership, change.add.address)) throw refused('it is a member already');
    if (change.add.role === 'initiator') throw refused('there is one initiator');
    return;
  }
  const member = memberOf(membership, change.remove);
  if (!member) throw refused('it is no member');
  if (member.role === 'initiator') throw refused('the initiator can only leave by itself');
}

function vote({ activity, message, membership }: Context, head: HeadOf<'vote'>): Partial<Activity> {
  forbidRegulator(membership, head.sender, 'a regulator has no vote');
  const { on, approve, sender } = head;
  const known = activity.proposals.get(on);
  if (!known) throw early({ messages: [on] });
  if (!isVotedIn(activity, known, head.group)) throw refused('the proposal is of other members');
  const votes = grown(known.votes, message.id, { approve, sender, group: head.group });
  return { proposals: new Map(activity.proposals).set(on, { ...known, votes }) };
}

function leave({ activity, message, membership }: Context, { sender, group }: HeadOf<'leave'>): Partial<Activity> {
  if (membership.members.length === 1) throw new NotariumError('activity-role', 'the last member cannot leave');
  const leaves = grown(activity.leaves, message.id, { sender, group });
  // What it has changed elsewhere may have no weight any more.
  const changed = { ...activity, leaves, group: newestGroup({ ...activity, leaves }) };
  return { leaves, ...(changed.group === activity.group ? {} : { group: changed.group, heads: headsOf(changed) }) };
}

/**
 * Another beginning of the same activity: its initiator has told its members different things. Both are there for everybody who has met
 * both; what holds meanwhile is what follows from the one with the lower id, everywhere.
 */
function rivalStart(activity: Activity, message: Message): Activity {
  const rival = startActivity(message);
  const origin = repeatedOrigin(activity.origin, rival.origin);
  const starts = startsOf(activity);
  if (starts.length === 0) {
    // Who is given what was before was told something else by somebody that had no right to.
    if (isHearsay(activity) && rival.terms.rules.history) return { ...rival, origin };
    throw refused('the activity has begun already');
  }
  const isFirst = starts.every(({ id }) => message.id < id);
  const epochs = withEpoch(activity.epochs, message, 'initiator');
  const changed = {
    ...activity,
    ...{ origin, epochs, group: newestGroup({ ...activity, epochs }) },
    versions: new Map([...activity.versions, ...rival.versions]),
    ...(isFirst ? { terms: rival.terms } : {}),
  };
  return { ...changed, heads: headsOf(changed) };
}

function needVersion(activity: Activity, id: Hash): Version {
  const version = activity.versions.get(id);
  if (!version) throw early({ messages: [id] });
  return version;
}

function forbidRegulator(membership: Membership, sender: Address, detail: string): void {
  if (memberOf(membership, sender)?.role === 'regulator') throw new NotariumError('activity-role', detail);
}
