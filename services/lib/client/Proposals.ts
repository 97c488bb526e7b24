import type { Address } from '../../core/bytes.ts';
import type { SignedBallot } from '../../core/governance/ballot.ts';
import type { ProposalKind, Support } from '../../core/governance/names.ts';
import type { DraftedProposal } from '../../core/governance/proposalDraft.ts';
import type { VerifiedResult } from '../../core/governance/proposalResult.ts';
import type { ProposalState } from '../../core/governance/proposalState.ts';
import type { ProposalId } from '../../core/governance/signing.ts';
import type { CallOptions, Connection } from './Connection.ts';
import {
  type ChangedAnswer,
  changedAnswerSchema,
  type ProposalAnswer,
  type ProposalDetail,
  type ProposedAnswer,
  proposalDetailSchema,
  proposalPageSchema,
  proposedAnswerSchema,
  type RulesAnswer,
  rulesAnswerSchema,
  type VotedAnswer,
  votedAnswerSchema,
} from './governanceAnswers.ts';
import { verifyProposal } from './verifyProposal.ts';

/** A proposal that was completed and signed elsewhere, with its content as JSON. */
export type SignedProposal = {
  readonly content: Readonly<Record<string, unknown>>;
  readonly signature: string;
  readonly validUntil: number;
};

/** How a centre is asked to vote. */
export type VoteOptions = {
  /** Stays on chain. */
  readonly reason?: string | undefined;
  /** `signature`: collected by the centres and handed in with those of others. */
  readonly by?: 'transaction' | 'signature' | undefined;
};

/**
 * Proposals and votes, asked of one centre. What changes something needs an API key of scope admin: the centre proposes and
 * votes as itself. Each of them may be repeated, and is done once.
 */
export class Proposals {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Proposes what a draft says, completed and signed by the centre, or what a member has signed elsewhere.
   * @throws NotariumError `proposal-invalid`, `proposal-outdated` with data { have, want }, `patch-failed`, `elector-unknown`,
   *   `chain-call-rejected`, `governance-missing`.
   */
  create(proposal: DraftedProposal | SignedProposal, options: CallOptions = {}): Promise<ProposedAnswer> {
    return this.#connection.http.json(
      { method: 'POST', path: '/v1/proposals', body: JSON.stringify(proposal), signal: options.signal },
      proposedAnswerSchema,
    );
  }

  /** Proposals, newest first, page after page. */
  async *list(
    query: { state?: ProposalState | undefined; kind?: ProposalKind | undefined; proposer?: Address | undefined } = {},
    options: CallOptions = {},
  ): AsyncGenerator<ProposalAnswer> {
    for (let cursor: string | undefined; ; ) {
      const given = Object.entries({ ...query, cursor }).filter((entry): entry is [string, string] => !!entry[1]);
      const path = `/v1/proposals?${new URLSearchParams(given)}`;
      const page = await this.#connection.http.json({ path, signal: options.signal }, proposalPageSchema);
      yield* page.items;
      if (page.next === undefined) return;
      cursor = page.next;
    }
  }

  /** One proposal with its votes and its result data. @throws NotariumError `proposal-unknown`. */
  get(proposalId: ProposalId, options: CallOptions = {}): Promise<ProposalDetail> {
    return this.#connection.http.json(
      { path: `/v1/proposals/${proposalId}`, signal: options.signal },
      proposalDetailSchema,
    );
  }

  /**
   * Checks the result data of a proposal: content, proposer, and the centres' signatures over the outcome, by governor and
   * electorate as the chain says (where there is an `rpcUrl`), or as the trusted network has them.
   * @throws NotariumError as `verifyProposalResult`; `network-untrusted` where neither knows the governor or the epoch.
   */
  verify(proposal: ProposalDetail, options: CallOptions = {}): Promise<VerifiedResult> {
    return verifyProposal(this.#connection, proposal, options);
  }

  /**
   * Votes as the centre.
   * @throws NotariumError `proposal-unknown`, `proposal-state`, `elector-unknown`, `vote-cast`, `content-unavailable`,
   *   `proposal-mismatch`.
   */
  vote(
    proposalId: ProposalId,
    support: Support,
    { signal, reason, by }: CallOptions & VoteOptions = {},
  ): Promise<VotedAnswer> {
    return this.#vote(proposalId, { support, reason, by }, signal);
  }

  /** Hands in a vote that was signed elsewhere. @throws NotariumError as {@link vote}; `ballot-invalid`. */
  submitBallot({ proposalId, ...ballot }: SignedBallot, { signal }: CallOptions = {}): Promise<VotedAnswer> {
    return this.#vote(proposalId, ballot, signal);
  }

  /** Takes a proposal of the centre back, before its vote starts. @throws NotariumError `proposal-state`, `elector-unknown`. */
  cancel(proposalId: ProposalId, options: CallOptions = {}): Promise<ChangedAnswer> {
    return this.#change(proposalId, 'cancel', options);
  }

  /** Executes what has passed. @throws NotariumError `proposal-state`, `chain-call-rejected`. */
  execute(proposalId: ProposalId, options: CallOptions = {}): Promise<ChangedAnswer> {
    return this.#change(proposalId, 'execute', options);
  }

  /** How each kind is voted on now, and the weights that differ from 1. */
  rules(options: CallOptions = {}): Promise<RulesAnswer> {
    return this.#connection.http.json({ path: '/v1/rules', signal: options.signal }, rulesAnswerSchema);
  }

  #vote(proposalId: ProposalId, body: object, signal: AbortSignal | undefined): Promise<VotedAnswer> {
    const path = `/v1/proposals/${proposalId}/votes`;
    return this.#connection.http.json({ method: 'POST', path, body: JSON.stringify(body), signal }, votedAnswerSchema);
  }

  #change(proposalId: ProposalId, what: 'cancel' | 'execute', { signal }: CallOptions): Promise<ChangedAnswer> {
    const path = `/v1/proposals/${proposalId}/${what}`;
    return this.#connection.http.json({ method: 'POST', path, body: '{}', signal }, changedAnswerSchema);
  }
}
