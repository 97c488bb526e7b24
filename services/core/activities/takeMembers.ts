import type { Hash } from '../bytes.ts';
import { canonicalText } from '../canonicalJson.ts';
import { NotariumError } from '../errors.ts';
import type { Activity, OpenedEpoch, Proposal } from './activity.ts';
import { headsOf } from './heads.ts';
import { groupDigest, type Member, type Membership, memberOf } from './members.ts';
import type { HeadOf, MemberChange } from './message.ts';
import type { Message } from './parcel.ts';
import { early, refused } from './refused.ts';

/** What is another one in a membership than in the one before. */
type Difference = {
  readonly added: readonly Member[];
  readonly removed: readonly Member[];
  /** Those with another key, as they are now. */
  readonly rekeyed: readonly Member[];
  readonly isOther: boolean;
};

/** Takes a new epoch in. @throws NotariumError as `takeMessage`. */
export function takeMembers(activity: Activity, message: Message): Activity {
  const head = message.head as HeadOf<'members'>;
  const { membership, terms } = head;
  checkOpening(head);
  if (canonicalText(terms) !== canonicalText(activity.terms)) throw refused('the terms of an activity never change');
  const before = activity.epochs.get(membership.previous);
  if (!before) throw early({ group: membership.previous });
  if (membership.epoch !== before.membership.epoch + 1) throw refused('epochs come one after the other');
  for (const version of head.heads) if (!isKnown(activity, version)) throw early({ messages: [version] });
  checkRight(activity, head, before.membership);
  const epochs = new Map(activity.epochs).set(head.group, openedBy(message));
  const changed = { ...activity, epochs, group: newestGroup(epochs) };
  return { ...changed, heads: headsOf(changed) };
}

/** The epoch that a message opens. */
export function openedBy({ id, head }: Message): OpenedEpoch {
  if (head.type !== 'start' && head.type !== 'members') throw new RangeError(`${head.type} opens no epoch`);
  const { membership, secret, sender } = head;
  return { membership, secret, sender, by: id, heads: head.type === 'members' ? head.heads : [] };
}

/**
 * An activity as somebody has it that was added without what was before.
 * @throws NotariumError as `takeMessage`.
 */
export function joinActivity(message: Message): Activity {
  const head = message.head as HeadOf<'members'>;
  const { activity, terms, group, epoch, sender } = head;
  checkOpening(head);
  return {
    ...{ id: activity, terms, group, since: epoch, heads: [] },
    epochs: new Map([[group, openedBy(message)]]),
    versions: new Map(),
    notes: new Map(),
    countersignatures: new Map(),
    certificates: new Map(),
    proposals: new Map(),
    leaves: new Map(),
    taken: new Map([[message.id, { sender, group }]]),
  };
}

/**
 * An activity as somebody has it that had left, and was added again without what was meanwhile.
 * @throws NotariumError as `takeMessage`.
 */
export function rejoinActivity(activity: Activity, message: Message): Activity {
  const head = message.head as HeadOf<'members'>;
  const { terms, group, epoch, sender } = head;
  checkOpening(head);
  if (canonicalText(terms) !== canonicalText(activity.terms)) throw refused('the terms of an activity never change');
  if (epoch <= activity.epochs.get(activity.group)!.membership.epoch) throw refused('it is of an earlier epoch');
  const epochs = new Map(activity.epochs).set(group, openedBy(message));
  const taken = new Map(activity.taken).set(message.id, { sender, group });
  const changed = { ...activity, epochs, group: newestGroup(epochs), since: epoch, taken };
  return { ...changed, heads: headsOf(changed) };
}

/** That a message which opens an epoch is sealed to those whom it names. @throws NotariumError `activity-message-invalid`. */
export function checkOpening(head: HeadOf<'start' | 'members'>): void {
  if (groupDigest(head) !== head.group || head.membership.epoch !== head.epoch)
    throw refused('it is not sealed to the members that it names');
}

/** Whether so many have approved a proposal that it may be carried out. */
export function isApproved({ terms }: Activity, { votes }: Pick<Proposal, 'votes'>, membership: Membership): boolean {
  const voters = membership.members.filter(({ role }) => role !== 'regulator');
  const approving = voters.filter(({ address }) => votes.get(address)?.approve).length;
  return terms.rules.approval === 'unanimity' ? approving === voters.length : 2 * approving > voters.length;
}

/** The members after a change. */
export function changedMembers(members: readonly Member[], change: MemberChange): Member[] {
  const others = members.filter(({ address }) => address !== addressOf(change));
  return 'add' in change ? [...others, change.add].toSorted((a, b) => (a.address < b.address ? -1 : 1)) : others;
}

function checkRight(activity: Activity, head: HeadOf<'members'>, before: Membership): void {
  const sender = memberOf(before, head.sender);
  if (!sender) throw new NotariumError('activity-not-member', undefined, { data: { sender: head.sender } });
  const { added, removed, rekeyed, isOther } = differenceOf(before, head.membership);
  const forbidden = (detail: string): NotariumError => new NotariumError('activity-role', detail);
  // It would know the secret of an epoch that is not for it.
  if (!memberOf(head.membership, head.sender)) throw forbidden('nobody opens an epoch without being in it');
  if (sender.role === 'initiator') return;
  if (isOther) throw forbidden('roles do not change');
  const isOwnKey = added.length + removed.length === 0 && rekeyed.length === 1 && rekeyed[0]!.address === head.sender;
  if (isOwnKey) return;
  if (head.left) {
    const unknown = head.left.filter((id) => !activity.leaves.has(id));
    if (unknown.length > 0) throw early({ messages: unknown });
    const leaves = head.left.map((id) => activity.leaves.get(id)!);
    if (leaves.some(({ group }) => group !== head.membership.previous)) throw forbidden('they left another epoch');
    const have = new Set(leaves.map((leave) => leave.sender));
    const isThose = removed.length === have.size && removed.every(({ address }) => have.has(address));
    if (!isThose || added.length + rekeyed.length > 0) throw forbidden('it is not just those who have left');
    return;
  }
  if (!head.proposal) throw forbidden('only the initiator changes the members without a proposal');
  const proposal = activity.proposals.get(head.proposal.id);
  if (!proposal) throw early({ messages: [head.proposal.id] });
  const unknown = head.proposal.votes.filter((id) => !activity.taken.has(id));
  if (unknown.length > 0) throw early({ messages: unknown });
  const want = changedMembers(before.members, proposal.change);
  if (canonicalText(want) !== canonicalText(head.membership.members)) throw forbidden('it is not what was proposed');
  if (proposal.group !== head.membership.previous) throw forbidden('the proposal is of another epoch');
  const named = new Map([...proposal.votes].filter(([, { id }]) => head.proposal!.votes.includes(id)));
  if (!isApproved(activity, { votes: named }, before)) throw forbidden('the proposal is not approved');
}

function differenceOf(before: Membership, after: Membership): Difference {
  const added = after.members.filter(({ address }) => !memberOf(before, address));
  const removed = before.members.filter(({ address }) => !memberOf(after, address));
  const stayed = after.members.flatMap((member) => {
    const was = memberOf(before, member.address);
    return was ? [{ was, member }] : [];
  });
  return {
    ...{ added, removed },
    rekeyed: stayed.filter(({ was, member }) => was.key !== member.key).map(({ member }) => member),
    isOther: stayed.some(({ was, member }) => was.role !== member.role),
  };
}

/** Of two changes of the same members, sent at the same time, the one with the lower id holds everywhere. */
export function newestGroup(epochs: Activity['epochs']): Hash {
  const next = new Map<Hash, { readonly group: Hash; readonly by: Hash }>();
  for (const [group, { membership, by }] of epochs) {
    const rival = next.get(membership.previous);
    if (!rival || by < rival.by) next.set(membership.previous, { group, by });
  }
  // The first one that is known has none before it here; who was away and came back without what was meanwhile begins anew.
  let newest: Hash | undefined;
  for (const [group, { membership, by }] of epochs) {
    if (epochs.has(membership.previous)) continue;
    if (!newest || isLater({ membership, by }, epochs.get(newest)!)) newest = group;
  }
  if (!newest) throw new RangeError('no epoch has none before it');
  for (let one = next.get(newest); one; one = next.get(newest)) newest = one.group;
  return newest;
}

function isLater(one: Pick<OpenedEpoch, 'membership' | 'by'>, other: OpenedEpoch): boolean {
  const more = one.membership.epoch - other.membership.epoch;
  return more > 0 || (more === 0 && one.by < other.by);
}

function isKnown(activity: Activity, version: Hash): boolean {
  return activity.versions.has(version) || activity.since > 0;
}

function addressOf(change: MemberChange): string {
  return 'add' in change ? change.add.address : change.remove;
}
