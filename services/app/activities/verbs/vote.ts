import { isVotedIn } from '../../../core/activities/decided.ts';
import type { Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import type { ActivityCaller, SentMessage } from '../ActivityDesk.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { hasKeyOfItsOwn } from '../parties.ts';
import { sendIn } from '../sendIn.ts';

/** See `ActivityDesk.vote`. */
export async function vote(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  { on, approve }: { readonly on: Hash; readonly approve: boolean },
): Promise<SentMessage> {
  const own = parts.signer.address;
  return await sendIn(parts, by, id, (activity) => {
    const proposal = activity.proposals.get(on);
    if (!proposal) throw new NotariumError('not-found', 'the activity has no such proposal', { data: { on } });
    if (!isVotedIn(activity, proposal, activity.group))
      throw new NotariumError('activity-epoch-stale', 'the proposal is of other members');
    const before = [...proposal.votes.values()].filter(({ sender }) => sender === own);
    // What was approved, others may have done by it already.
    if (before.some((vote) => vote.approve || vote.approve === approve))
      throw new NotariumError('activity-message-known', 'this node has voted before');
    const { change } = proposal;
    if (approve && 'add' in change && hasKeyOfItsOwn(parts, change.add)) {
      const { address } = change.add;
      throw new NotariumError('party-unfit', `the registry has another key for ${address} than the one proposed`, {
        data: { address },
      });
    }
    return { head: { type: 'vote', on, approve } };
  });
}
