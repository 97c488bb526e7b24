import type { ProposalId } from '../../core/governance/signing.ts';
import type { Store } from '../../store/Store.ts';
import { Attempts } from './Attempts.ts';
import { BallotPauses } from './BallotPauses.ts';

/** All proposals are looked at again so often: a deep reorganisation may have opened one. */
const rescanMs = 3_600_000;
const pageSize = 100;
/** Longest pause before ballots are handed in again: the vote may end soon after the chain can be reached again. */
const handInPauseMs = 10_000;

/** A proposal about which there is something to do, or will be. */
export type Unfinished = {
  /** On the monotonic counter: since when the ballots decide, and since when it can be executed. */
  decidesMs?: number;
  passedMs?: number;
  readonly handIn: Attempts;
  readonly pauses: BallotPauses;
  readonly execution: Attempts;
  readonly gathering: Attempts;
};

/** The proposals about which a centre has duties. Who has done them takes the proposal out. */
export class UnfinishedProposals {
  readonly open = new Map<ProposalId, Unfinished>();
  readonly #store: Pick<Store, 'projections'>;
  #seenSeq = 0;
  #scannedMs = Number.NEGATIVE_INFINITY;

  constructor(store: Pick<Store, 'projections'>) {
    this.#store = store;
  }

  /** Looks for proposals that came since the last look. */
  async find(): Promise<void> {
    const isScan = performance.now() - this.#scannedMs >= rescanMs;
    const untilSeq = isScan ? 0 : this.#seenSeq;
    let beforeSeq: number | undefined;
    for (;;) {
      const page = await this.#store.projections({
        kind: 'proposal',
        limit: pageSize,
        ...(beforeSeq === undefined ? {} : { beforeSeq }),
      });
      for (const { seq, subject } of page) {
        if (seq <= untilSeq) return;
        this.#seenSeq = Math.max(this.#seenSeq, seq);
        const proposalId = subject as ProposalId;
        if (this.open.has(proposalId)) continue;
        const attempts = { execution: new Attempts(), gathering: new Attempts() };
        const handIn = new Attempts(handInPauseMs);
        this.open.set(proposalId, { ...attempts, handIn, pauses: new BallotPauses() });
      }
      beforeSeq = page.at(-1)?.seq;
      if (page.length < pageSize) break;
    }
    if (isScan) this.#scannedMs = performance.now();
  }
}

/** All that may be under way about a proposal. */
export function attemptsOf({ handIn, execution, gathering }: Unfinished): Attempts[] {
  return [handIn, execution, gathering];
}

export function isIdle(open: Unfinished): boolean {
  return !attemptsOf(open).some(({ isRunning }) => isRunning);
}
