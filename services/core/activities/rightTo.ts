import type { Address } from '../bytes.ts';
import { canonicalText } from '../canonicalJson.ts';
import { NotariumError } from '../errors.ts';
import type { Activity, OpeningRight } from './activity.ts';
import { changedMembers, isApproved, isOpen, wantingToLeave } from './decided.ts';
import { type Member, type Membership, memberOf } from './members.ts';
import type { HeadOf } from './message.ts';
import { early } from './refused.ts';

/** What is another one in a membership than in the one before. */
type Difference = {
  readonly added: readonly Member[];
  readonly removed: readonly Member[];
  /** Those with another key. */
  readonly rekeyed: readonly Address[];
  readonly isOtherRole: boolean;
};

/**
 * By what right somebody opens an epoch. All that it depends on comes before it, so it is the same for everybody and for ever.
 * @param before The members that are changed.
 * @throws NotariumError `activity-not-member`, `activity-role`, `activity-message-early`.
 */
export function rightTo(activity: Activity, head: HeadOf<'members'>, before: Membership): OpeningRight {
  const sender = memberOf(before, head.sender);
  if (!sender) throw new NotariumError('activity-not-member', undefined, { data: { sender: head.sender } });
  const { added, removed, rekeyed, isOtherRole } = differenceOf(before, head.membership);
  // It would know the secret of an epoch that is not for it.
  if (!memberOf(head.membership, head.sender)) throw forbidden('nobody opens an epoch without being in it');
  if (isOtherRole) throw forbidden('roles do not change');
  if (rekeyed.some((address) => address !== head.sender)) throw forbidden('the key of a member is its own affair');
  if (sender.role === 'initiator') return 'initiator';
  if (head.left && head.proposal) throw forbidden('one reason is enough');
  if (head.left) return letsGo(activity, head, { added, removed, rekeyed });
  if (head.proposal) return carriesOut(activity, head, before);
  if (added.length + removed.length > 0 || rekeyed.length === 0)
    throw forbidden('only the initiator changes the members without a proposal');
  return 'key';
}

/** As {@link rightTo}, by the message alone: who comes in by it knows nothing of what was before. */
export function rightAsToldBy({ membership, sender, proposal, left }: HeadOf<'members'>): OpeningRight {
  if (memberOf(membership, sender)?.role === 'initiator') return 'initiator';
  if (left) return 'leave';
  return proposal ? 'proposal' : 'key';
}

function letsGo(
  activity: Activity,
  { left = [], membership }: HeadOf<'members'>,
  { added, removed, rekeyed }: Omit<Difference, 'isOtherRole'>,
): OpeningRight {
  const unknown = left.filter((id) => !activity.leaves.has(id));
  if (unknown.length > 0) throw early({ messages: unknown });
  const leaves = left.map((id) => activity.leaves.get(id)!);
  if (!leaves.every(wantingToLeave(activity, membership.previous))) throw forbidden('they have been out since');
  const have = new Set(leaves.map((leave) => leave.sender));
  const isThose = removed.length === have.size && removed.every(({ address }) => have.has(address));
  if (!isThose || added.length + rekeyed.length > 0) throw forbidden('it is not just those who have left');
  return 'leave';
}

function carriesOut(activity: Activity, head: HeadOf<'members'>, before: Membership): OpeningRight {
  const { id, votes } = head.proposal!;
  const proposal = activity.proposals.get(id);
  if (!proposal) throw early({ messages: [id] });
  const unknown = votes.filter((vote) => !activity.taken.has(vote));
  if (unknown.length > 0) throw early({ messages: unknown });
  const { previous } = head.membership;
  if (!isOpen(activity, proposal, previous)) throw forbidden('the proposal has no object any more');
  if (!isApproved(activity, proposal, votes, previous)) throw forbidden('the proposal is not approved');
  const want = changedMembers(before.members, proposal.change);
  if (canonicalText(want) !== canonicalText(head.membership.members)) throw forbidden('it is not what was proposed');
  return 'proposal';
}

function differenceOf(before: Membership, after: Membership): Difference {
  const stayed = after.members.flatMap((member) => {
    const was = memberOf(before, member.address);
    return was ? [{ was, member }] : [];
  });
  return {
    added: after.members.filter(({ address }) => !memberOf(before, address)),
    removed: before.members.filter(({ address }) => !memberOf(after, address)),
    rekeyed: stayed.filter(({ was, member }) => was.key !== member.key).map(({ member }) => member.address),
    isOtherRole: stayed.some(({ was, member }) => was.role !== member.role),
  };
}

function forbidden(detail: string): NotariumError {
  return new NotariumError('activity-role', detail);
}
