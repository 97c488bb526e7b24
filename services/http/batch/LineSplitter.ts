import { isAscii, isUtf8 } from 'node:buffer';
import { NotariumError } from '../../core/errors.ts';

/** A line of a batch: its text, or why it has none. `number` counts from 1, blank lines included. */
export type Line = { readonly number: number; readonly sizeBytes: number } & (
  | { readonly text: string; readonly error?: undefined }
  | { readonly text?: undefined; readonly error: NotariumError }
);

const newline = 0x0a;

/** Cuts bytes into lines. A line over the bound is passed over, and costs no memory beyond it. */
export class LineSplitter {
  readonly #maxLineBytes: number;
  #number = 1;
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** Number of the line that is being read. */
  get number(): number {
    return this.#number;
  }

  /** Lines that these bytes complete, blank ones left out. */
  push(chunk: Buffer): Line[] {
    const first = chunk.indexOf(newline);
    if (first < 0) {
      this.#keep(chunk);
      return [];
    }
    const lines: Line[] = [];
    this.#keep(chunk.subarray(0, first));
    this.#takeRest(lines);
    const last = chunk.lastIndexOf(newline);
    if (last > first) this.#takeBlock(chunk.subarray(first + 1, last), lines);
    if (last + 1 < chunk.length) this.#keep(chunk.subarray(last + 1));
    return lines;
  }

  /** The last line, where no newline ended it. */
  end(): Line[] {
    const lines: Line[] = [];
    if (this.#restBytes > 0) this.#takeRest(lines);
    return lines;
  }

  #keep(part: Buffer): void {
    this.#restBytes += part.length;
    if (this.#restBytes > this.#maxLineBytes) this.#rest = [];
    else this.#rest.push(part);
  }

  #takeRest(lines: Line[]): void {
    const sizeBytes = this.#restBytes;
    const bytes = this.#rest.length === 1 ? this.#rest[0]! : Buffer.concat(this.#rest);
    this.#rest = [];
    this.#restBytes = 0;
    this.#take(sizeBytes, bytes, lines);
  }

  // Whole lines at once: decoding and splitting a block of ASCII is several times faster than line by line.
  #takeBlock(block: Buffer, lines: Line[]): void {
    if (isAscii(block)) {
      for (const text of block.toString('latin1').split('\n')) this.#takeText(text.length, text, lines);
      return;
    }
    for (let start = 0; start <= block.length; ) {
      const found = block.indexOf(newline, start);
      const end = found < 0 ? block.length : found;
      this.#take(end - start, block.subarray(start, end), lines);
      start = end + 1;
    }
  }

  #take(sizeBytes: number, bytes: Buffer, lines: Line[]): void {
    if (sizeBytes > this.#maxLineBytes || isUtf8(bytes)) this.#takeText(sizeBytes, bytes.toString('utf8'), lines);
    else lines.push({ number: this.#number++, sizeBytes, error: new NotariumError('text-not-utf8') });
  }

  #takeText(sizeBytes: number, text: string, lines: Line[]): void {
    const number = this.#number++;
    if (sizeBytes > this.#maxLineBytes) {
      const data = { have: sizeBytes, want: this.#maxLineBytes };
      lines.push({ number, sizeBytes: 0, error: new NotariumError('record-too-large', undefined, { data }) });
    } else if (!isBlank(text)) {
      lines.push({ number, sizeBytes, text });
    }
  }
}

function isBlank(text: string): boolean {
  return text === '' || text === '\r' || text.trim() === '';
}
