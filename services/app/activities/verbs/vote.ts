import type { Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import type { ActivityCaller, SentMessage } from '../ActivityDesk.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { sendIn } from '../sendIn.ts';

/** See `ActivityDesk.vote`. */
export async function vote(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  { on, approve }: { readonly on: Hash; readonly approve: boolean },
): Promise<SentMessage> {
  return await sendIn(parts, by, id, ({ proposals, group }) => {
    const proposal = proposals.get(on);
    if (!proposal) throw new NotariumError('activity-unknown', 'it has no such proposal', { data: { on } });
    if (proposal.group !== group) throw new NotariumError('activity-epoch-stale', 'the proposal is of other members');
    return { head: { type: 'vote', on, approve } };
  });
}
