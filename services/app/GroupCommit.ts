import type { AdmitOutcome, PoolRow, Store } from '../store/Store.ts';

type Waiting = {
  readonly rows: readonly PoolRow[];
  readonly resolve: (outcomes: AdmitOutcome[]) => void;
  readonly reject: (error: unknown) => void;
};

const maxRows = 8192;

/**
 * One durable commit at a time for all who bring rows: while one is on its way to the disk, what comes gathers for the
 * next, so the cost of an fsync is shared. Rows are admitted in the order of the calls.
 */
export class GroupCommit {
  readonly #admit: Store['admit'];
  #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(admit: Store['admit']) {
    this.#admit = admit;
  }

  /** Admits rows; their outcomes, once they are on disk. @throws NotariumError what `Store.admit` throws. */
  admit(rows: readonly PoolRow[]): Promise<AdmitOutcome[]> {
    if (rows.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ rows, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const group = this.#take();
      try {
        const outcomes = await this.#admit(group.flatMap(({ rows }) => rows));
        let at = 0;
        for (const { rows, resolve } of group) {
          resolve(outcomes.slice(at, at + rows.length));
          at += rows.length;
        }
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#isRunning = false;
  }

  /** As many calls as fit one commit, at least one. */
  #take(): Waiting[] {
    let count = 0;
    let end = 0;
    for (const { rows } of this.#waiting) {
      if (end > 0 && count + rows.length > maxRows) break;
      count += rows.length;
      end++;
    }
    return this.#waiting.splice(0, end);
  }
}
