import { errorTable, NotariumError, toProblem } from '../core/errors.ts';
import { exitCodeOf } from './exitCodes.ts';
import { nextStep } from './nextSteps.ts';
import { printable } from './printable.ts';
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

/** Prints results on stdout and everything else on stderr. */
export class Output {
  readonly options: OutputOptions;
  readonly stderr: TextSink;
  readonly #stdout: TextSink;
  readonly #env: Terminal['env'];

  constructor(terminal: Terminal, options: OutputOptions) {
    this.options = options;
    this.stderr = terminal.stderr;
    this.#stdout = terminal.stdout;
    this.#env = terminal.env;
  }

  /** A line of the result for people; silent with `--json`. */
  line(text = ''): void {
    if (!this.options.json) this.#stdout.write(`${text}\n`);
  }

  /** A line that a quiet run leaves out. */
  note(text: string): void {
    if (!this.options.json && !this.options.quiet) this.stderr.write(`${text}\n`);
  }

  /** Something that must be seen, in every mode. */
  warn(text: string): void {
    this.stderr.write(`${this.paint('strong', 'warning', this.stderr)}: ${text}\n`);
  }

  /** The result as JSON; silent without `--json`. */
  json(value: unknown): void {
    if (this.options.json) this.#stdout.write(`${JSON.stringify(value, null, 2)}\n`);
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
      this.stderr.write(`${this.paint('bad', `error ${error.code}`, this.stderr)}: ${printable(error.message)}\n`);
      if (next) this.stderr.write(`  ${next}\n`);
    }
    if (this.options.debug) this.stderr.write(`${stackOf(error)}\n`);
  }

  /** Text in a tone, where the stream is a terminal and NO_COLOR (no-color.org) is not set. */
  paint(tone: Tone, text: string, sink: TextSink = this.#stdout): string {
    const colours = sink.isTTY === true && !this.#env.NO_COLOR && this.#env.TERM !== 'dumb';
    return colours ? `\u001b[${escapes[tone]}m${text}\u001b[0m` : text;
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
