import type { Problems } from './Problems.ts';

const fewestRecords = 1_000;
const step = 4;
const worrying = 3;

/**
 * How many records the next block may have. A block that takes too long to be signed by a quorum, or to be sent, is lost, and
 * the same records come first again: with as many of them it would take as long, for ever. So each lost block makes the next
 * one a quarter as large, and each anchored one makes it larger again.
 */
export class BlockSize {
  readonly #problems: Problems;
  readonly #mostRecords: number;
  #records: number;
  #voids = 0;
  #height = 0;

  constructor(problems: Problems, mostRecords: number) {
    this.#problems = problems;
    this.#mostRecords = mostRecords;
    this.#records = mostRecords;
  }

  get records(): number {
    return this.#records;
  }

  /** A block of ours became void. */
  wasVoid(height: number): void {
    this.#shrink(this.#records);
    this.#voids++;
    if (this.#voids < worrying) return;
    this.#problems.raise('blocks-void', `${this.#voids} blocks in a row, the newest at height ${height}`);
  }

  /** A slot ended before a quorum had signed a block of ours, with so many records waiting. */
  hadNoQuorum(waiting: number): void {
    this.#shrink(Math.min(this.#records, waiting));
  }

  /** The height of the committed log, ours or another centre's. */
  reached(height: number): void {
    if (height <= this.#height) return;
    this.#height = height;
    this.#records = Math.min(this.#mostRecords, step * this.#records);
    this.#voids = Math.max(0, Math.min(this.#voids, worrying) - 1);
    this.#problems.clear('blocks-void');
  }

  #shrink(from: number): void {
    this.#records = Math.min(this.#mostRecords, Math.max(fewestRecords, Math.ceil(from / step)));
  }
}
