import type { Address } from '../../core/bytes.ts';

const firstPauseMs = 1_000;
const longestPauseMs = 3_600_000;

/**
 * Voters of one proposal whose ballots came to nothing by themselves, each left alone for longer and longer. Neither may such a
 * ballot hold up those of others, nor may a wallet that takes it only when asked cost gas again and again.
 */
export class BallotPauses {
  readonly #pauses = new Map<Address, { readonly failures: number; readonly untilMs: number }>();

  /** Whether the voter's ballot may be handed in now. */
  isDue(voter: Address): boolean {
    return performance.now() >= (this.#pauses.get(voter)?.untilMs ?? 0);
  }

  postpone(voter: Address): void {
    const { failures } = this.#pauses.get(voter) ?? { failures: 0 };
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** failures);
    this.#pauses.set(voter, { failures: failures + 1, untilMs: performance.now() + pauseMs });
  }

  /** For what has cost gas: the voter can still vote by a transaction. */
  giveUp(voter: Address): void {
    this.#pauses.set(voter, { failures: 0, untilMs: Number.POSITIVE_INFINITY });
  }
}
