import type { ServerResponse } from 'node:http';

/**
 * Bytes of answers that clients have not taken yet, over all connections: each has its own bounds, but many of them
 * together would still fill the memory.
 */
export class UnsentAnswers {
  /** Those that have waited longest come first. */
  readonly #waiting = new Set<ServerResponse>();
  readonly #limitBytes: number;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Counts an answer after a write to it. Beyond the limit, the clients that have kept us waiting longest are cut. */
  count(response: ServerResponse): void {
    if (response.writableLength === 0) return;
    this.#waiting.add(response);
    let sizeBytes = 0;
    for (const each of this.#waiting) {
      if (each.destroyed || each.writableLength === 0) this.#waiting.delete(each);
      else sizeBytes += each.writableLength;
    }
    for (const each of this.#waiting) {
      if (sizeBytes <= this.#limitBytes) break;
      sizeBytes -= each.writableLength;
      this.#waiting.delete(each);
      each.destroy();
    }
  }
}
