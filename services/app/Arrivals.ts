import type { AdmitOutcome, PoolRow } from '../store/PoolRow.ts';
import type { Store } from '../store/Store.ts';
import { GroupCommit } from './GroupCommit.ts';

/**
 * Records on their way into the pool, from clients or from other centres: checked side by side, admitted in the order in which they came (a
 * record may supersede one of the message before) and by common commits.
 */
export class Arrivals {
  readonly #commits: GroupCommit;
  readonly #underWay = new Set<Promise<void>>();
  #count = 0;
  #checks = 0;
  /** Ends when the rows of everything that came so far have been lined up. */
  #turn: Promise<void> = Promise.resolve();

  constructor(store: Pick<Store, 'admit'>) {
    this.#commits = new GroupCommit(
      (rows) => store.admit(rows),
      () => this.#checks > 0,
    );
  }

  /** Records that are not on disk yet. */
  get count(): number {
    return this.#count;
  }

  /**
   * Takes `count` records through their check and, in turn, into the pool. What `check` throws, is thrown, and holds up
   * nobody else.
   */
  async take<T extends { readonly rows: readonly PoolRow[] }>(
    count: number,
    check: () => Promise<T>,
  ): Promise<T & { readonly outcomes: AdmitOutcome[] }> {
    const { promise: done, resolve: end } = Promise.withResolvers<void>();
    const { promise: turn, resolve: endTurn } = Promise.withResolvers<void>();
    const before = this.#turn;
    this.#turn = turn;
    this.#underWay.add(done);
    this.#count += count;
    try {
      this.#checks++;
      const checking = await outcomeOf(check());
      this.#checks--;
      await before;
      const admitting = 'value' in checking ? this.#commits.admit(checking.value.rows) : undefined;
      // Lined up: now the next may.
      endTurn();
      if (!('value' in checking)) throw checking.error;
      return { ...checking.value, outcomes: await admitting! };
    } finally {
      this.#count -= count;
      this.#underWay.delete(done);
      end();
    }
  }

  /** Resolves when everything that is under way now is in the pool, or has failed. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

function outcomeOf<T>(promise: Promise<T>): Promise<Outcome<T>> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}
