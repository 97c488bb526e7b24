import { networkName } from '../../core/eip712.ts';
import { NotariumError } from '../../core/errors.ts';
import { maxContentBytes, type ProposalContent, readProposalContent } from '../../core/governance/proposalContent.ts';
import type { GovernanceParts } from './GovernanceParts.ts';
import type { ProposalProjection } from './projections.ts';

/**
 * The content of a proposal, once it is here and is what the chain would do: without that nobody knows what is voted for.
 * @throws NotariumError `content-unavailable`; the `json-…` codes and `proposal-invalid` for what is no content;
 *   `proposal-mismatch` with data.field.
 */
export async function checkContent(
  { contents, crypto, governance, network }: Pick<GovernanceParts, 'contents' | 'crypto' | 'governance' | 'network'>,
  proposal: ProposalProjection,
  signal?: AbortSignal,
): Promise<ProposalContent> {
  const options = { maxBytes: maxContentBytes, ...(signal ? { signal } : {}) };
  const bytes = await contents.get(proposal.contentHash, options);
  const { content, hash } = readProposalContent(bytes, crypto);
  // Another hash: the bytes are not canonical.
  same('content', hash, proposal.contentHash);
  same('kind', content.kind, proposal.kind);
  same('proposer', content.proposer, proposal.proposer);
  same('network', content.network, networkName(network));
  same('effect', governance.callsOf(content).join(), proposal.calls.join());
  return content;
}

function same(field: string, have: string, want: string): void {
  if (have !== want) throw new NotariumError('proposal-mismatch', field, { data: { field } });
}
