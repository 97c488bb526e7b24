import { quorumOf } from '../../core/committee.ts';
import { type ErrorCode, isNotariumError, type NotariumError } from '../../core/errors.ts';
import type { VerifiedResult } from '../../core/governance/proposalResult.ts';
import type { ProposalDetail } from '../../lib/client/governanceAnswers.ts';
import type { Notarium } from '../../lib/client/Notarium.ts';

/** What this machine itself finds about the result that a centre shows. */
export type ResultVerdict = {
  /**
   * `undecided`: there is none yet. `confirmed`: a quorum of the electorate has signed it. `unconfirmed`: fewer so far.
   * `unchecked`: nothing is known to check it by, or the centre lacks a part. `failed`: it is not what it should be.
   */
  readonly status: 'undecided' | 'confirmed' | 'unconfirmed' | 'unchecked' | 'failed';
  /** What the check rests on. */
  readonly basis: string;
  readonly verified?: VerifiedResult & { readonly members: number };
  /** Signatures that confirm. */
  readonly quorum?: number;
  readonly error?: NotariumError;
  /** Whether the chain could still say that the proposer is a contract wallet, which takes the signature. */
  readonly needsChain?: true;
};

/** They say that this machine lacks something, and nothing of the result. */
const unknownCodes: ReadonlySet<ErrorCode> = new Set([
  'network-untrusted',
  'content-unavailable',
  'signature-needs-chain',
]);

/** Checks result data by the chain, or by the trusted network: never by the word of the centre that shows it. */
export async function judgeResult(
  client: Notarium,
  proposal: ProposalDetail,
  { isByChain, signal }: { isByChain: boolean; signal: AbortSignal },
): Promise<ResultVerdict> {
  const basis = isByChain ? 'the chain' : 'the trusted network';
  try {
    const found = await client.proposals.verify(proposal, { signal });
    const members = proposal.electorate.length;
    const verified = { ...found, members };
    if (!found.outcome) return { status: 'undecided', basis, verified };
    return { status: found.isConfirmed ? 'confirmed' : 'unconfirmed', basis, verified, quorum: quorumOf(members) };
  } catch (error) {
    if (!isNotariumError(error)) throw error;
    const needsChain = error.code === 'signature-needs-chain' || error.data.needsChain === true;
    const status = unknownCodes.has(error.code) ? 'unchecked' : 'failed';
    return { status, basis, error, ...(needsChain ? { needsChain } : {}) };
  }
}
