import type { Problems } from './Problems.ts';

const fewestRecords = 1_000;
const mostSteps = 4;
const worrying = 3;

/**
 * How many records the next block may have. A block that takes too long to be sealed and sent is void, and the same records
 * come first again: with as many of them it would take as long, for ever. So each void block makes the next one a quarter
 * as large, and each anchored one makes it larger again.
 */
export class BlockSize {
  readonly #problems: Problems;
  readonly #mostRecords: number;
  #voids = 0;
  #height = 0;

  constructor(problems: Problems, mostRecords: number) {
    this.#problems = problems;
    this.#mostRecords = mostRecords;
  }

  get records(): number {
    const steps = Math.min(this.#voids, mostSteps);
    return Math.min(this.#mostRecords, Math.max(fewestRecords, Math.ceil(this.#mostRecords / 4 ** steps)));
  }

  /** A block of ours became void. */
  wasVoid(height: number): void {
    this.#voids++;
    if (this.#voids < worrying) return;
    this.#problems.raise('blocks-void', `${this.#voids} blocks in a row, the newest at height ${height}`);
  }

  /** The height of the committed log, ours or another centre's. */
  reached(height: number): void {
    if (height <= this.#height) return;
    this.#height = height;
    this.#voids = Math.max(0, Math.min(this.#voids, mostSteps) - 1);
    this.#problems.clear('blocks-void');
  }
}
