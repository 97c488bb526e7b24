import type { MinedCall } from '../../chain/SentTransaction.ts';
import { isNotariumError } from '../../core/errors.ts';
import type { ProposalId } from '../../core/governance/signing.ts';
import { awaitProposal, createdEvent, findProposal } from './findProposal.ts';
import type { GovernanceParts } from './GovernanceParts.ts';
import type { Changed } from './ProposalActions.ts';

/**
 * Takes a proposal of this centre's own back before the vote starts; once more is the same answer.
 * @param signal Ends the waiting, not what is under way.
 * @throws NotariumError `proposal-unknown`; of `Governance.cancel`.
 */
export function cancelProposal(parts: GovernanceParts, id: ProposalId, signal?: AbortSignal): Promise<Changed> {
  return change(parts, id, 'canceled', signal);
}

/**
 * Executes what has passed; once more is the same answer.
 * @throws NotariumError as {@link cancelProposal}, of `Governance.execute`.
 */
export function executeProposal(parts: GovernanceParts, id: ProposalId, signal?: AbortSignal): Promise<Changed> {
  return change(parts, id, 'executed', signal);
}

async function change(
  parts: GovernanceParts,
  proposalId: ProposalId,
  want: 'canceled' | 'executed',
  signal: AbortSignal | undefined,
): Promise<Changed> {
  const { governance, notices } = parts;
  const proposal = await findProposal(parts, proposalId, signal);
  const done = proposal[want];
  if (done) return { proposalId, transactionHash: done.transactionHash };
  const options = signal ? { signal } : {};
  let mined: MinedCall;
  try {
    const event = createdEvent(proposal);
    mined = await (want === 'canceled' ? governance.cancel(event, options) : governance.execute(event, options));
  } catch (error) {
    if (!isNotariumError(error, 'proposal-state')) throw error;
    if ((await governance.proposal(proposalId))?.state !== want) throw error;
    // Somebody was faster, or this centre was before a crash.
    const place = await awaitProposal(parts, proposalId, (known) => known[want], signal);
    return { proposalId, ...(place ? { transactionHash: place.transactionHash } : {}) };
  }
  notices.lookSoon();
  return { proposalId, transactionHash: mined.transactionHash };
}
