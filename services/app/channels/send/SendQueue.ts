import type { FileToSend, SentOutcome } from './sendFiles.ts';

/** Sends some files, and says of each, in their order, what became of it. */
export type SendSome = (files: readonly FileToSend[]) => Promise<SentOutcome[]>;

type Waiting = {
  readonly file: FileToSend;
  readonly resolve: (outcome: SentOutcome) => void;
  readonly reject: (error: unknown) => void;
};

/** Most that is sent in one go: what became of the first one is told when the last one is through. */
const mostFiles = 4096;
const mostBytes = 1 << 30;

/**
 * Sends files one by one as they come: what comes while others are on their way goes together next, so that a few go at once and many
 * go in packs. Never two at a time: a content that comes twice is paid for once.
 */
export class SendQueue {
  readonly #send: SendSome;
  readonly #waiting: Waiting[] = [];
  #turn: Promise<unknown> = Promise.resolve();

  constructor(send: SendSome) {
    this.#send = send;
  }

  /** @throws Error of what it sends with; what concerns the file alone is in the outcome. */
  push(file: FileToSend): Promise<SentOutcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ file, resolve, reject });
      // The first one alone: all that comes until its turn goes with it.
      if (this.#waiting.length === 1) void this.inTurn(() => this.#sendWaiting());
    });
  }

  /** Does what must not run beside the sending. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    for (let turn: unknown; turn !== this.#turn; ) {
      turn = this.#turn;
      await this.#turn;
    }
  }

  async #sendWaiting(): Promise<void> {
    const window = this.#takeWindow();
    if (this.#waiting.length > 0) void this.inTurn(() => this.#sendWaiting());
    try {
      const outcomes = await this.#send(window.map(({ file }) => file));
      for (const [index, { resolve }] of window.entries()) resolve(outcomes[index]!);
    } catch (error) {
      for (const { reject } of window) reject(error);
    }
  }

  #takeWindow(): Waiting[] {
    let count = 0;
    let bytes = 0;
    for (const { file } of this.#waiting) {
      bytes += file.sizeBytes;
      if (count === mostFiles || (count > 0 && bytes > mostBytes)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}
