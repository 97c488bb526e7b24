import type { BriefResult } from '../../app/Centre.ts';
import type { ErrorCode, NotariumError } from '../../core/errors.ts';
import type { HttpLimits } from '../HttpOptions.ts';
import type { Line } from './LineSplitter.ts';

/** What became of one line. */
export type LineResult = { readonly line: number; readonly result: BriefResult };

/** Codes that are no fault of a line: what follows would fail the same way. */
const wholeCodes: ReadonlySet<ErrorCode> = new Set(['pool-full', 'storage-full', 'storage-failed', 'shutting-down']);

const maxUnderWay = 2;

/** What a {@link BatchRun} works with. */
export type BatchParts = {
  accept(texts: readonly string[]): Promise<BriefResult[]>;
  /** Takes results in the order of their lines; the run goes on when it is done. */
  answer(results: readonly LineResult[]): Promise<void>;
  readonly limits: Pick<HttpLimits, 'chunkLines' | 'chunkBytes'>;
};

/**
 * One batch on its way through the intake. Lines are handed over in chunks, at most two at a time; while the intake is idle
 * whatever has come goes at once, so a slow stream is answered line by line and a fast one in full chunks.
 */
export class BatchRun {
  readonly #parts: BatchParts;
  #waiting: Line[] = [];
  #waitingBytes = 0;
  #underWay = 0;
  // The first chunk goes alone: if nothing can be taken, the request as a whole gets that error.
  #isFirst = true;
  #answered: Promise<void> = Promise.resolve();
  #whole: NotariumError | undefined;
  #failure: { error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(parts: BatchParts) {
    this.#parts = parts;
  }

  /** Takes lines; resolves when more may come. Throws what `answer` threw. */
  async push(lines: readonly Line[]): Promise<void> {
    for (const line of lines) {
      this.#waiting.push(line);
      this.#waitingBytes += line.sizeBytes;
    }
    this.#pump(false);
    while (this.#isFull() && !this.#failure) await this.#change();
    this.#throwFailure();
  }

  /** Resolves when every line is answered. Throws what `answer` threw. */
  async end(): Promise<void> {
    while ((this.#waiting.length > 0 || this.#underWay > 0) && !this.#failure) {
      this.#pump(true);
      await this.#change();
    }
    this.#throwFailure();
  }

  /** Resolves when nothing that was handed to the intake is open any more, whatever became of it. */
  async settle(): Promise<void> {
    this.#waiting = [];
    while (this.#underWay > 0) await this.#change();
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }

  #isFull(): boolean {
    const { chunkLines, chunkBytes } = this.#parts.limits;
    return this.#waiting.length >= chunkLines || this.#waitingBytes >= chunkBytes;
  }

  #pump(isEnd: boolean): void {
    while (
      this.#waiting.length > 0 &&
      !this.#failure &&
      (this.#underWay === 0 || (this.#underWay < maxUnderWay && !this.#isFirst && (isEnd || this.#isFull())))
    ) {
      this.#send(this.#take());
    }
  }

  #take(): Line[] {
    const { chunkLines, chunkBytes } = this.#parts.limits;
    let count = 0;
    let sizeBytes = 0;
    for (const line of this.#waiting) {
      if (count > 0 && (count >= chunkLines || sizeBytes + line.sizeBytes > chunkBytes)) break;
      sizeBytes += line.sizeBytes;
      count++;
    }
    this.#waitingBytes -= sizeBytes;
    return this.#waiting.splice(0, count);
  }

  #send(chunk: readonly Line[]): void {
    this.#underWay++;
    const accepted = this.#accept(chunk);
    this.#answered = this.#answered
      .then(async () => {
        const results = await accepted;
        if (!this.#failure) await this.#parts.answer(results);
      })
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .then(() => {
        this.#underWay--;
        this.#isFirst = false;
        this.#pump(false);
        this.#wake?.();
      });
    accepted.catch(() => {});
  }

  async #accept(chunk: readonly Line[]): Promise<LineResult[]> {
    const whole = this.#whole;
    const texts: string[] = [];
    if (!whole) for (const { text } of chunk) if (text !== undefined) texts.push(text);
    const results = texts.length > 0 ? await this.#parts.accept(texts) : [];
    let at = 0;
    return chunk.map(({ number, error }) => {
      const result = error ? failed(error) : whole ? failed(whole) : results[at++]!;
      if (result.status === 'failed' && wholeCodes.has(result.error.code)) this.#whole ??= result.error;
      return { line: number, result };
    });
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

function failed(error: NotariumError): BriefResult {
  return { status: 'failed', error };
}

/** The error that every one of these results has as a failure of the whole; undefined when one line was answered for itself. */
export function wholeFailure(results: readonly LineResult[]): NotariumError | undefined {
  let found: NotariumError | undefined;
  for (const { result } of results) {
    if (result.status !== 'failed' || !wholeCodes.has(result.error.code)) return undefined;
    found ??= result.error;
  }
  return found;
}
