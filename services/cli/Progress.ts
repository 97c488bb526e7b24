import type { Output } from './Output.ts';

/** Columns of the shortest bar. */
const leastBar = 8;

/** A bar in a terminal, a line now and then elsewhere; nothing in a quiet run, nor for what ends within a second. */
export class Progress {
  readonly #output: Output;
  #label: string;
  readonly #total: number;
  readonly #format: (value: number) => string;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #startMs = performance.now();
  #done = 0;
  #drawn = false;
  #lineMs = 0;

  constructor(output: Output, label: string, total: number, format: (value: number) => string = String) {
    this.#output = output;
    this.#label = label;
    this.#total = total;
    this.#format = format;
    if (output.options.quiet) return;
    this.#timer = setInterval(() => this.#draw(), output.stderr.isTTY ? 120 : 1000);
    this.#timer.unref();
  }

  /** Adds to what is done. */
  advance(step: number): void {
    this.#done += step;
  }

  /** Says how much is done, and of what. */
  at(done: number, label: string): void {
    this.#done = done;
    this.#label = label;
  }

  /** Ends the bar and clears it away. */
  stop(): void {
    clearInterval(this.#timer);
    if (this.#drawn && this.#output.stderr.isTTY) this.#output.stderr.write('\r\u001b[K');
  }

  #draw(): void {
    const nowMs = performance.now();
    if (nowMs - this.#startMs < 950) return;
    const share = this.#total === 0 ? 0 : Math.min(1, this.#done / this.#total);
    const figures = `${this.#format(this.#done)} of ${this.#format(this.#total)}`;
    const percent = `${Math.floor(100 * share)} %`;
    const { stderr } = this.#output;
    if (!stderr.isTTY) {
      // In a log file a line every five seconds is enough.
      if (nowMs - this.#lineMs < 5000 && this.#drawn) return;
      this.#lineMs = nowMs;
      stderr.write(`${this.#label}: ${figures} (${percent})\n`);
    } else {
      const rest = ` ${percent.padStart(5)}  ${figures}`;
      // A line that wraps is never cleared away whole.
      const room = (stderr.columns ?? 80) - 1 - rest.length;
      const label = shortened(this.#label, Math.max(0, room - leastBar - 1));
      const width = Math.max(0, Math.min(30, room - label.length - 1));
      const full = Math.round(width * share);
      const bar = `${'█'.repeat(full)}${'░'.repeat(width - full)}`;
      stderr.write(`\r\u001b[K${label} ${bar}${rest}`);
    }
    this.#drawn = true;
  }
}

/** Without its middle where it is longer: how it begins and how it ends tell most. */
function shortened(text: string, length: number): string {
  if (text.length <= length) return text;
  const tail = Math.floor(length / 2);
  return `${text.slice(0, Math.max(0, length - tail - 1))}…${text.slice(text.length - tail)}`;
}

/** A size for people, in powers of 1000. */
export function sizeText(sizeBytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = sizeBytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
