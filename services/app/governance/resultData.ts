import { maxContentBytes, maxContentDepth } from '../../core/governance/proposalContent.ts';
import type { ProposalResult } from '../../core/governance/proposalResult.ts';
import { parseStrictJson } from '../../core/strictJson.ts';
import type { GovernanceParts } from './GovernanceParts.ts';
import { outcomeSignatures } from './OutcomeExchange.ts';
import { ownContent } from './openContents.ts';
import type { ProposalProjection } from './projections.ts';

/**
 * Result data of a proposal, `notarium-proposal-result/1`: what `verifyProposalResult` takes, and the transaction that proposed.
 * Undefined while its content is not here (ProposalDuties fetches it), or its transaction is not on the chain.
 */
export async function resultData(
  parts: Pick<GovernanceParts, 'governance' | 'store' | 'crypto'>,
  proposal: ProposalProjection,
): Promise<ProposalResult | undefined> {
  const { proposalId, contentHash, proposer, validUntil, created, outcome } = proposal;
  const transaction = await parts.governance.transactionData(created.transactionHash);
  if (!transaction) return undefined;
  const bytes = await ownContent(parts.store, contentHash);
  if (!bytes) return undefined;
  const signatures = await outcomeSignatures(parts, proposal);
  return {
    format: 'notarium-proposal-result/1',
    transaction,
    data: {
      proposalId,
      participantId: proposer,
      content: parseStrictJson(bytes, { maxSize: maxContentBytes, maxDepth: maxContentDepth }) as Record<
        string,
        unknown
      >,
      contentHash,
      time: created.timestamp,
      validUntil,
      proposerSignature: proposal.signature,
      result: outcome ?? null,
      signatures: signatures.map(({ centre, signature }) => ({ centre, signature })),
    },
  };
}
