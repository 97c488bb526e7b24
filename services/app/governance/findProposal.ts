import type { GovernanceEvent } from '../../chain/Governance.ts';
import { NotariumError } from '../../core/errors.ts';
import type { ProposalId } from '../../core/governance/signing.ts';
import type { Store } from '../../store/Store.ts';
import { Waiters } from '../Waiters.ts';
import type { GovernanceParts } from './GovernanceParts.ts';
import type { ProposalProjection } from './projections.ts';

/** Longest wait for what stands on the chain to be confirmed. */
const waitMs = 15_000;
const pollMs = 500;

/** A proposal as the confirmed events of the chain have it; undefined where there is none. */
export async function projectedProposal(
  store: Pick<Store, 'projection'>,
  proposalId: ProposalId,
): Promise<ProposalProjection | undefined> {
  const found = await store.projection(proposalId);
  return found?.kind === 'proposal' ? (found.body as ProposalProjection) : undefined;
}

/** Waits until a look at a proposal gives something; undefined when that takes too long. */
export async function awaitProposal<T>(
  { store, notices }: Pick<GovernanceParts, 'store' | 'notices'>,
  proposalId: ProposalId,
  look: (proposal: ProposalProjection) => T | undefined,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const waiters = new Waiters();
  // Not by the clock, which may be set meanwhile.
  const untilMs = performance.now() + waitMs;
  for (;;) {
    const proposal = await projectedProposal(store, proposalId);
    const seen = proposal && look(proposal);
    if (seen !== undefined || performance.now() >= untilMs || signal?.aborted) return seen;
    notices.lookSoon();
    await waiters.wait(pollMs, signal);
  }
}

/**
 * A proposal to act on. One that the chain has already, but not yet with its confirmations, is waited for.
 * @throws NotariumError `proposal-unknown`.
 */
export async function findProposal(
  parts: Pick<GovernanceParts, 'store' | 'notices' | 'governance'>,
  proposalId: ProposalId,
  signal?: AbortSignal,
): Promise<ProposalProjection> {
  const known = await projectedProposal(parts.store, proposalId);
  if (known) return known;
  const isThere = (await parts.governance.proposal(proposalId)) !== undefined;
  const confirmed = isThere ? await awaitProposal(parts, proposalId, (proposal) => proposal, signal) : undefined;
  if (confirmed) return confirmed;
  throw new NotariumError('proposal-unknown', isThere ? 'it is not confirmed yet' : undefined, {
    data: { proposalId },
  });
}

/** The event that a proposal was made by, as the contract's calls want it. */
export function createdEvent(proposal: ProposalProjection): Extract<GovernanceEvent, { type: 'proposal.created' }> {
  const { proposalId, proposer, kind, contentHash, voteStart, voteEnd, validUntil, signature, calls, description } =
    proposal;
  return {
    type: 'proposal.created',
    place: proposal.created,
    proposalId,
    proposer,
    kind,
    contentHash,
    voteStart,
    voteEnd,
    validUntil,
    signature,
    calls,
    description,
  };
}
