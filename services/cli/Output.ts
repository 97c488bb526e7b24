import { randomUUID } from 'node:crypto';
import { errorTable, NotariumError, toProblem } from '../core/errors.ts';
import { exitCodeOf } from './exitCodes.ts';
import { nextStep } from './nextSteps.ts';
import { printable, printableJson } from './printable.ts';
import type { Terminal, TextSink } from './Terminal.ts';

/** How to print. */
export type OutputOptions = {
  /** One JSON document on stdout, nothing else there. */
  readonly json?: boolean | undefined;
  /** Results and errors only. */
  readonly quiet?: boolean | undefined;
  /** Stack traces. */
  readonly debug?: boolean | undefined;
};

type Tone = 'good' | 'bad' | 'dim' | 'strong';
const escapes: Readonly<Record<Tone, string>> = { good: '32', bad: '31', dim: '2', strong: '1' };

/**
 * Prints results on stdout and everything else on stderr. What it is given may hold text of others: nothing but the colours
 * of {@link Output.paint} and the ends of its own lines reach a terminal as control characters.
 */
export class Output {
  readonly options: OutputOptions;
  readonly stderr: TextSink;
  readonly #stdout: TextSink;
  readonly #env: Terminal['env'];
  /** Stands for ESC until a text has been cleaned: no text of others can hold it. */
  readonly #escape: string = randomUUID();

  constructor(terminal: Terminal, options: OutputOptions) {
    this.options = options;
    this.stderr = terminal.stderr;
    this.#stdout = terminal.stdout;
    this.#env = terminal.env;
  }

  /** Lines of the result for people; silent with `--json`. */
  line(...lines: readonly string[]): void {
    if (!this.options.json) this.#write(this.#stdout, lines);
  }

  /** Lines that a quiet run leaves out. */
  note(...lines: readonly string[]): void {
    if (!this.options.json && !this.options.quiet) this.#write(this.stderr, lines);
  }

  /** Something that must be seen, in every mode. */
  warn(text: string): void {
    this.#write(this.stderr, [`${this.paint('strong', 'warning', this.stderr)}: ${text}`]);
  }

  /** The result as JSON; silent without `--json`. */
  json(value: unknown): void {
    if (this.options.json) this.#stdout.write(`${printableJson(JSON.stringify(value, null, 2))}\n`);
  }

  /** One of many results as JSON, on a line of its own; silent without `--json`. */
  jsonLine(value: unknown): void {
    if (this.options.json) this.#stdout.write(`${printableJson(JSON.stringify(value))}\n`);
  }

  /** Code, sentence, what to do next; the stack only with `--debug`. */
  error(error: NotariumError): void {
    const next = nextStep(error.code);
    if (this.options.json) {
      const { code, detail, retry, data } = toProblem(error);
      this.json({
        ok: false,
        error: { code, detail, retry, exitCode: exitCodeOf(code), ...(data ? { data } : {}), next },
      });
    } else {
      const line = `${this.paint('bad', `error ${error.code}`, this.stderr)}: ${error.message}`;
      this.#write(this.stderr, next ? [line, `  ${next}`] : [line]);
    }
    if (this.options.debug) this.#write(this.stderr, stackOf(error).split('\n'));
  }

  #write(sink: TextSink, lines: readonly string[]): void {
    sink.write(lines.map((line) => `${printable(line).replaceAll(this.#escape, '\u001b')}\n`).join(''));
  }

  /** Text in a tone for {@link line}, where the stream is a terminal and NO_COLOR (no-color.org) is not set. */
  paint(tone: Tone, text: string, sink: TextSink = this.#stdout): string {
    const colours = sink.isTTY === true && !this.#env.NO_COLOR && this.#env.TERM !== 'dumb';
    return colours ? `${this.#escape}[${escapes[tone]}m${text}${this.#escape}[0m` : text;
  }

  /** A tick, a cross or a dash. */
  mark(status: 'passed' | 'failed' | 'skipped'): string {
    if (status === 'passed') return this.paint('good', '✓');
    return status === 'failed' ? this.paint('bad', '✗') : this.paint('dim', '–');
  }
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}

/** Any thrown value as a {@link NotariumError}; what is none becomes `internal`, or `storage-full` for a full disk. */
export function asNotariumError(error: unknown): NotariumError {
  if (error instanceof NotariumError) return error;
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new NotariumError('storage-full', String(message), { cause: error });
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) {
    return new NotariumError('file-unreadable', String(message), { cause: error, data: { cause: code } });
  }
  return new NotariumError('internal', typeof message === 'string' ? message : errorTable.internal.title, {
    cause: error,
  });
}
