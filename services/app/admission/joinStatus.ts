import type { AdmissionNode } from '../../chain/Admission.ts';
import type { Chain } from '../../chain/Chain.ts';
import type { Address, Hash, Hex } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import { onceOnly } from '../../lib/client/backOff.ts';
import type { ProposalDetail } from '../../lib/client/governanceAnswers.ts';
import { Notarium } from '../../lib/client/Notarium.ts';

/**
 * `none`: never applied. `applied`: not published yet. `published`: nobody has proposed it. `voting`: a vote is open, or what has
 * passed is to be executed. `refused`: a vote has. `expired`: nobody has decided in time. `active`: a centre. `out`: suspended,
 * removed or banned.
 */
export type JoinState = 'none' | 'applied' | 'published' | 'voting' | 'refused' | 'expired' | 'active' | 'out';

/** Where a candidate stands. Times in Unix seconds. */
export type JoinStatus = {
  readonly candidate: Address;
  readonly state: JoinState;
  /** As the registry has it. */
  readonly status: string;
  /** What a vote on it names. */
  readonly application?: Hex;
  /** The last second in which it can be admitted. */
  readonly expiry?: number;
  readonly score?: number;
  /** Epoch of the committee with which it became active the last time. */
  readonly activeSince?: number;
  readonly proposal?: {
    readonly proposalId: Hash;
    readonly state: string;
    readonly voteEnd: number;
    readonly votes: readonly { readonly voter: Address; readonly support: string; readonly reason: string }[];
  };
  /** Why nothing is known of a vote: no centre has answered. */
  readonly unasked?: string;
  /** From when it may apply again. */
  readonly retryAt?: number;
};

/**
 * Where an account stands with its application, by the chain, and by any centre that tells of the vote.
 * @throws NotariumError of the chain; the signal's reason.
 */
export async function joinStatus(
  chain: Chain,
  candidate: Address,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<JoinStatus> {
  const [node, rules, time] = await Promise.all([
    chain.admission.node(candidate),
    chain.admission.rules(),
    chain.chainTime(),
  ]);
  const nowSeconds = time.pendingSeconds ?? time.latestSeconds;
  const { status, application, published, appliedAt } = node;
  const known = {
    candidate,
    status,
    ...(application ? { application } : {}),
    ...(published ? { expiry: published.expiry, score: published.score } : {}),
  };
  if (status === 'active') return { ...known, state: 'active', activeSince: await activeSince(chain, candidate) };
  const retryAt = appliedAt === 0 ? {} : { retryAt: appliedAt + rules.reapplySeconds };
  if (status !== 'candidate') return { ...known, ...retryAt, state: status === 'none' ? 'none' : 'out' };
  if (!application || !published) return { ...known, ...retryAt, state: application ? 'applied' : 'none' };
  const asked = await askForVote(chain, node, signal);
  const vote = typeof asked === 'string' ? { unasked: asked } : asked ? { proposal: voteOf(asked) } : {};
  const voteState = typeof asked === 'object' ? asked.state : undefined;
  const isOver = nowSeconds > published.expiry;
  return { ...known, ...retryAt, ...vote, state: stateOf(voteState, isOver) };
}

function stateOf(vote: string | undefined, isOver: boolean): JoinState {
  if (vote === 'defeated') return 'refused';
  if (isOver) return 'expired';
  return vote === 'pending' || vote === 'active' || vote === 'succeeded' ? 'voting' : 'published';
}

function voteOf({ proposalId, state, voteEnd, votes }: ProposalDetail): NonNullable<JoinStatus['proposal']> {
  return {
    proposalId,
    state,
    voteEnd,
    votes: votes.map(({ voter, support, reason }) => ({ voter, support, reason })),
  };
}

async function activeSince(chain: Chain, account: Address): Promise<number> {
  const committees = await chain.committees();
  const before = committees.findLast(({ members }) => !members.includes(account))?.epoch ?? 0;
  return before + 1;
}

/** The newest proposal on an application, as the first centre that answers has it; why none did. */
async function askForVote(
  chain: Chain,
  { address, application }: AdmissionNode,
  signal: AbortSignal | undefined,
): Promise<ProposalDetail | string | undefined> {
  let failure = 'the registry has no centre with an address';
  for (const { status, endpoint } of await chain.nodes()) {
    if (status !== 'active' || endpoint === '') continue;
    try {
      const { admissions, proposals } = new Notarium({
        url: endpoint,
        backOff: onceOnly,
        timeoutMs: 10_000,
      });
      const view = await admissions.application(address, { signal });
      if (view.application !== application || !view.proposal) return undefined;
      return await proposals.get(view.proposal.proposalId, { signal });
    } catch (error) {
      if (!isNotariumError(error)) throw error;
      failure = `${endpoint}: ${error.message}`;
    }
  }
  return failure;
}
