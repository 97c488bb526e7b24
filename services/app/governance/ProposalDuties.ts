import { type ErrorCode, isNotariumError } from '../../core/errors.ts';
import type { ProposalId } from '../../core/governance/signing.ts';
import { every, type Loop } from '../../lib/every.ts';
import type { Attempts } from './Attempts.ts';
import type { BallotExchange } from './BallotExchange.ts';
import { executeProposal } from './changeProposal.ts';
import { projectedProposal } from './findProposal.ts';
import type { GovernanceParts, GovernanceWorker } from './GovernanceParts.ts';
import { decides, handInBallots, openBallots } from './handInBallots.ts';
import { type OutcomeExchange, outcomeSignatures } from './OutcomeExchange.ts';
import { lastCallAt, placeInOrder } from './order.ts';
import type { ProposalProjection } from './projections.ts';
import { attemptsOf, isIdle, type Unfinished, UnfinishedProposals } from './UnfinishedProposals.ts';

const periodMs = 1_000;
const pullMs = 5_000;
/**
 * Questions to the other centres about different proposals, begun in one look and under way. Each centre takes some dozens at a
 * time from another one, and blames who asks more: hundreds of proposals at once must not set the centres against each other.
 */
const asksAtOnce = 8;
/** What has passed can be executed for so long after its last second: `EXECUTION_SECONDS` of the contract. */
const executionSeconds = 30 * 86_400;

/** Somebody was faster, or something is away, which others say already. */
const quietCodes: ReadonlySet<ErrorCode> = new Set(['proposal-state', 'content-unavailable', 'chain-unreachable']);

/** How the duties are done. */
export type DutyOptions = {
  /** How much longer than the one before it each centre waits, in the order of their places. */
  readonly stepMs: number;
  readonly executes: boolean;
};

/**
 * What a centre does about proposals by itself, and does again after a crash: asks for ballots that it missed, hands collected
 * ones in, signs outcomes, gathers the signatures of the others, executes what has passed. All of it can be done twice.
 */
export class ProposalDuties implements GovernanceWorker {
  readonly #parts: GovernanceParts;
  readonly #exchanges: { readonly ballots: BallotExchange; readonly outcomes: OutcomeExchange };
  readonly #options: DutyOptions;
  readonly #unfinished: UnfinishedProposals;
  readonly #stop = new AbortController();
  #loops: Loop[] = [];
  #begunAsks = 0;
  #openAsks = 0;

  constructor(
    parts: GovernanceParts,
    exchanges: { readonly ballots: BallotExchange; readonly outcomes: OutcomeExchange },
    options: DutyOptions,
  ) {
    this.#parts = parts;
    this.#exchanges = exchanges;
    this.#options = options;
    this.#unfinished = new UnfinishedProposals(parts.store);
    parts.onJoin((net) =>
      net.onConnect(() => {
        for (const { gathering } of this.#unfinished.open.values()) gathering.reset();
      }),
    );
  }

  start(): void {
    const { logger, clock } = this.#parts;
    const common = { signal: this.#stop.signal, logger, clock };
    this.#loops = [
      every(periodMs, () => this.#look(), { ...common, name: 'proposals' }),
      every(pullMs, () => this.#pull(), { ...common, name: 'ballots' }),
    ];
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#exchanges.ballots.close();
    for (const { done } of this.#loops) await done;
    for (const open of this.#unfinished.open.values()) {
      for (const attempts of attemptsOf(open)) await attempts.ended();
    }
  }

  async #look(): Promise<void> {
    // One process of a centre does it.
    if (!(await this.#parts.notices.lease())) return;
    await this.#unfinished.find();
    this.#begunAsks = 0;
    for (const [proposalId, open] of this.#unfinished.open) {
      if (this.#stop.signal.aborted) return;
      const proposal = await projectedProposal(this.#parts.store, proposalId);
      // Gone by a reorganisation, it may come back.
      if (!proposal) continue;
      if (!proposal.outcome) await this.#collect(proposal, open);
      else if (await this.#finish(proposal, open)) this.#unfinished.open.delete(proposalId);
    }
  }

  /** Hands ballots in when they decide, or before it is too late. */
  async #collect(proposal: ProposalProjection, open: Unfinished): Promise<void> {
    const { store, signer, notices } = this.#parts;
    await this.#fetchContent(proposal, open);
    const now = notices.chainSeconds();
    if (now < proposal.voteStart || now > proposal.voteEnd) return;
    const voted = new Set(proposal.votes.map(({ voter }) => voter));
    const { pauses } = open;
    const kept = await store.ballots(proposal.proposalId);
    const ballots = openBallots(kept, voted).filter(({ voter }) => pauses.isDue(voter));
    if (ballots.length === 0) return;
    const place = placeInOrder(proposal, signer.address);
    const { stepMs } = this.#options;
    if (decides(proposal, ballots)) open.decidesMs ??= performance.now();
    else delete open.decidesMs;
    const isDecided = open.decidesMs !== undefined && performance.now() >= open.decidesMs + place * stepMs;
    if (!isDecided && now < lastCallAt(proposal, place, stepMs)) return;
    this.#attempt(open.handIn, proposal, 'collected ballots', async () => {
      const { executes } = this.#options;
      await handInBallots(this.#parts, proposal, { pauses, signal: this.#stop.signal, executes });
      return true;
    });
  }

  /** What is left once the outcome is known; true when that is nothing. */
  async #finish(proposal: ProposalProjection, open: Unfinished): Promise<boolean> {
    const { outcomes } = this.#exchanges;
    const { registry, store } = this.#parts;
    await outcomes.sign(proposal);
    const isExecuted = this.#execute(proposal, open);
    const signed = new Set((await outcomeSignatures(this.#parts, proposal)).map(({ centre }) => centre));
    const active = new Set(registry.active().map(({ address }) => address));
    const lacks = proposal.electorate.some(({ account }) => active.has(account) && !signed.has(account));
    if (!lacks && (await store.hasContent(proposal.contentHash))) return isExecuted && isIdle(open);
    this.#ask(open.gathering, proposal, 'signatures over the outcome', async () => {
      if (lacks) await outcomes.gather(proposal, this.#stop.signal);
      await this.#parts.contents.get(proposal.contentHash, { signal: this.#stop.signal });
      // Whether that was all of them shows at the next look.
      return false;
    });
    return false;
  }

  /** Executes what has passed; true when there is nothing to execute any more. */
  #execute(proposal: ProposalProjection, open: Unfinished): boolean {
    const { notices, signer } = this.#parts;
    const { outcome, executed, kind, voteEnd, proposalId } = proposal;
    if (outcome!.decision !== 'passed' || executed || kind === 'general') return true;
    if (!this.#options.executes || notices.chainSeconds() > voteEnd + executionSeconds) return true;
    open.passedMs ??= performance.now();
    const place = placeInOrder(proposal, signer.address);
    if (performance.now() < open.passedMs + place * this.#options.stepMs) return false;
    this.#attempt(open.execution, proposal, 'execution', async () => {
      // By somebody else, not yet confirmed.
      const now = await this.#parts.governance.proposal(proposalId);
      if (now?.state === 'succeeded') await executeProposal(this.#parts, proposalId, this.#stop.signal);
      return now?.state === 'succeeded';
    });
    return false;
  }

  /** So that its content is here when somebody votes, or asks for the result. */
  async #fetchContent(proposal: ProposalProjection, { gathering }: Unfinished): Promise<void> {
    const { store, contents } = this.#parts;
    const { contentHash } = proposal;
    if (await store.hasContent(contentHash)) return;
    this.#ask(gathering, proposal, 'content', async () => {
      await contents.get(contentHash, { signal: this.#stop.signal });
      return true;
    });
  }

  /** An attempt that asks the other centres; what there is no room for comes at a later look. */
  #ask(attempts: Attempts, proposal: ProposalProjection, what: string, run: () => Promise<boolean>): void {
    if (!attempts.isReady || Math.max(this.#begunAsks, this.#openAsks) >= asksAtOnce) return;
    this.#begunAsks++;
    this.#attempt(attempts, proposal, what, async () => {
      this.#openAsks++;
      try {
        return await run();
      } finally {
        this.#openAsks--;
      }
    });
  }

  #attempt(attempts: Attempts, { proposalId }: ProposalProjection, what: string, run: () => Promise<boolean>): void {
    if (!attempts.isReady || this.#stop.signal.aborted) return;
    attempts.start(run, async (error) => {
      const { logger, store, clock } = this.#parts;
      if (this.#stop.signal.aborted) return;
      if (!isNotariumError(error)) return logger.error({ err: error, proposalId }, `${what}: failed`);
      if (quietCodes.has(error.code)) return logger.debug({ err: error, proposalId }, `${what}: not now`);
      logger.warn({ err: error, proposalId }, `${what}: refused`);
      if (error.code !== 'chain-call-rejected') return;
      // What was voted for cannot be done: the operators must hear of it.
      const data = { code: error.code, proposalId, what, detail: error.detail };
      try {
        await store.appendEvent({ type: 'alert', time: new Date(clock.nowMs()).toISOString(), data });
      } catch (cause) {
        // Nobody waits for this attempt: what it throws would end the process.
        logger.error({ err: cause, proposalId }, 'an alert about a proposal could not be kept');
      }
    });
  }

  async #pull(): Promise<void> {
    if (!(await this.#parts.notices.lease())) return;
    const asked: ProposalId[] = [];
    for (const proposalId of this.#unfinished.open.keys()) {
      const proposal = await projectedProposal(this.#parts.store, proposalId);
      if (proposal && !proposal.outcome && proposal.voteEnd >= this.#parts.notices.chainSeconds())
        asked.push(proposalId);
    }
    await this.#exchanges.ballots.pull(asked);
  }
}
