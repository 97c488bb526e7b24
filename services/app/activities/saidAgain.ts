import type { Activity, Placed } from '../../core/activities/activity.ts';
import { hasObject, isApproved, isOpen, leaversOf } from '../../core/activities/decided.ts';
import { hasStayed } from '../../core/activities/heads.ts';
import type { Address } from '../../core/bytes.ts';
import { canonicalText } from '../../core/canonicalJson.ts';
import type { Draft } from './Draft.ts';

/**
 * What this node has said of the members, and what does not hold any more in the newest epoch: where nobody is given what was before, who
 * was added meanwhile can know neither that somebody wants to leave, nor that a proposal was approved. So both are said once more.
 */
export function saidAgain(activity: Activity, own: Address): Draft[] {
  const { leaves, proposals, group, terms, epochs, since } = activity;
  if (terms.rules.history) return [];
  // Who was added again has not left since.
  const isOld = ({ group: saidIn }: Placed): boolean => epochs.get(saidIn)!.membership.epoch < since;
  const hasLeft = [...leaves.values()].some(
    (leave) => leave.sender === own && !isOld(leave) && hasStayed(activity, leave),
  );
  if (hasLeft && !leaversOf(activity).has(own)) return [{ head: { type: 'leave' } }];
  const mine = [...proposals.values()].filter(({ sender }) => sender === own);
  return mine.flatMap((proposal) => {
    if (!isApproved(activity, proposal, proposal.votes.keys(), proposal.group)) return [];
    const isLost = hasObject(activity, proposal, group) && !isOpen(activity, proposal, group);
    const isSaid = mine.some(
      (other) => isOpen(activity, other, group) && canonicalText(other.change) === canonicalText(proposal.change),
    );
    return isLost && !isSaid ? [{ head: { type: 'proposal' as const, change: proposal.change } }] : [];
  });
}
