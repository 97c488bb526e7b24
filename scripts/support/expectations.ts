import { exitInterrupted } from '../../services/cli/exitCodes.ts';
import { canonicalText } from '../../services/core/canonicalJson.ts';
import { stopping } from './stopping.ts';

/** One thing that must come about, and what did. */
type Row = { readonly what: string; readonly want: string; readonly have: string; readonly isRight: boolean };

/** What a demonstration promises, checked one by one, and shown together in the end. */
export class Expectations {
  readonly #rows: Row[] = [];
  readonly #say: (line?: string) => void;

  constructor(say: (line?: string) => void) {
    this.#say = say;
  }

  /** Compares what was seen with what must be. */
  check(what: string, have: unknown, want: unknown): void {
    const [wantText, haveText] = [textOf(want), textOf(have)];
    const isRight = wantText === haveText;
    this.#rows.push({ what, want: wantText, have: haveText, isRight });
    this.#say(`${isRight ? '✔' : '✘'} ${what}: ${haveText}${isRight ? '' : `, and not ${wantText}`}`);
  }

  /** Ends a demonstration: all of them in a table, and the exit code that follows; or that it was interrupted. */
  conclude(): void {
    if (stopping.aborted) {
      this.#say('\nInterrupted.');
      process.exitCode = exitInterrupted;
      return;
    }
    this.#say();
    const failures = this.#summary();
    this.#say(failures === 0 ? '\nEverything was as it must be.' : `\n${failures} things were not as they must be.`);
    process.exitCode = failures === 0 ? 0 : 1;
  }

  /** Prints all of them. @returns how many were not as they must be. */
  #summary(): number {
    const head: Row = { what: 'what', want: 'expected', have: 'seen', isRight: true };
    const width = (of: 'what' | 'want'): number => Math.max(...[head, ...this.#rows].map((row) => row[of].length));
    const [first, second] = [width('what'), width('want')];
    for (const row of [head, ...this.#rows]) {
      const mark = row === head ? ' ' : row.isRight ? '✔' : '✘';
      this.#say(`${mark} ${row.what.padEnd(first)}  ${row.want.padEnd(second)}  ${row.have}`);
    }
    return this.#rows.filter(({ isRight }) => !isRight).length;
  }
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(', ');
  return typeof value === 'string' ? value : canonicalText(value ?? null);
}
