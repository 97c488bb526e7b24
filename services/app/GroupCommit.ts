import type { AdmitOutcome, PoolRow } from '../store/PoolRow.ts';
import type { Store } from '../store/Store.ts';

type Waiting = {
  readonly rows: readonly PoolRow[];
  readonly resolve: (outcomes: AdmitOutcome[]) => void;
  readonly reject: (error: unknown) => void;
};

const maxRows = 8192;
// A commit costs as much as some twenty rows: with fewer than that it waits for those that are about to come, but not long.
const worthwhileRows = 32;
const defaultGatherMs = 2;

/**
 * One durable commit at a time for all who bring rows: while one is on its way to the disk, what comes gathers for the
 * next, so the cost of an fsync is shared. Rows are admitted in the order of the calls.
 */
export class GroupCommit {
  readonly #admit: Store['admit'];
  readonly #isMoreComing: () => boolean;
  readonly #gatherMs: number;
  #waiting: Waiting[] = [];
  #waitingRows = 0;
  #isRunning = false;
  #wake: (() => void) | undefined;

  /** @param isMoreComing whether rows are on their way, which a small commit waits for: `gatherMs` at the most. */
  constructor(admit: Store['admit'], isMoreComing: () => boolean = () => false, gatherMs = defaultGatherMs) {
    this.#admit = admit;
    this.#isMoreComing = isMoreComing;
    this.#gatherMs = gatherMs;
  }

  /** Admits rows; their outcomes, once they are on disk. @throws NotariumError what `Store.admit` throws. */
  admit(rows: readonly PoolRow[]): Promise<AdmitOutcome[]> {
    if (rows.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ rows, resolve, reject });
      this.#waitingRows += rows.length;
      if (!this.#isRunning) void this.#run();
      else if (!this.#isFewer()) this.#wake?.();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      if (this.#isFewer()) await this.#gather();
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

  /** Whether waiting a moment makes the next commit one that is worth its cost. */
  #isFewer(): boolean {
    return this.#waitingRows < worthwhileRows && this.#isMoreComing();
  }

  #gather(): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(end, this.#gatherMs);
      this.#wake = end;
    });
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
    this.#waitingRows -= count;
    return this.#waiting.splice(0, end);
  }
}
