import { NotariumError } from '../../core/errors.ts';

/** One step of a pattern's automaton; `to` and `or` are places of other steps. */
export type Step =
  | { readonly kind: 'char'; readonly atom: string; readonly to: number }
  | { readonly kind: 'split'; to: number; or: number }
  | { readonly kind: 'place'; readonly at: 'start' | 'end' | 'word' | 'inside'; readonly to: number }
  | { readonly kind: 'match' };

/** Most steps of one pattern: `{n,m}` repeats what is before it so many times. */
export const maxSteps = 2000;

const fail = (pattern: string, detail: string, cause?: unknown): NotariumError =>
  new NotariumError('activity-schema-invalid', `pattern ${pattern.slice(0, 80)}: ${detail}`, { cause });

/**
 * Compiles a regular expression (ECMA-262 with the flag u) into an automaton without memory (Thompson 1968), which can be run in linear
 * time. What needs memory or looks around is refused: back references, lookahead, lookbehind, and flags within.
 * @returns Steps; the first is the one to begin with.
 * @throws NotariumError `activity-schema-invalid`.
 */
export function patternProgram(pattern: string): readonly Step[] {
  try {
    // Whatever is read below is of good form.
    new RegExp(pattern, 'u');
  } catch (cause) {
    throw fail(pattern, 'it is no regular expression', cause);
  }
  return new Compiler(pattern).compile();
}

/** Part of an automaton: given where to go on, writes its steps and says where it begins. */
type Part = (next: number) => number;

class Compiler {
  readonly #pattern: string;
  readonly #steps: Step[] = [{ kind: 'match' }];
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  compile(): readonly Step[] {
    const begin = this.#alternatives()(0);
    // The first step leads to the beginning wherever that is.
    return [{ kind: 'split', to: begin + 1, or: begin + 1 }, ...this.#steps.map(shifted)];
  }

  #add(step: Step): number {
    if (this.#steps.length >= maxSteps) throw fail(this.#pattern, `it has more than ${maxSteps} steps`);
    return this.#steps.push(step) - 1;
  }

  #take(text: string): boolean {
    if (!this.#pattern.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #alternatives(): Part {
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    return (next) => parts.map((part) => part(next)).reduceRight((or, to) => this.#add({ kind: 'split', to, or }));
  }

  #sequence(): Part {
    const parts: Part[] = [];
    while (this.#at < this.#pattern.length && !'|)'.includes(this.#pattern[this.#at]!)) {
      parts.push(this.#repeated(this.#term()));
    }
    return (next) => parts.reduceRight((after, part) => part(after), next);
  }

  #term(): Part {
    if (this.#take('^')) return this.#place('start');
    if (this.#take('$')) return this.#place('end');
    if (this.#take('\\b')) return this.#place('word');
    if (this.#take('\\B')) return this.#place('inside');
    if (this.#take('(')) return this.#group();
    const atom = this.#atom();
    return (next) => this.#add({ kind: 'char', atom, to: next });
  }

  #place(at: 'start' | 'end' | 'word' | 'inside'): Part {
    return (next) => this.#add({ kind: 'place', at, to: next });
  }

  #group(): Part {
    if (this.#take('?')) {
      const isNamed = /^<[^=!]/.test(this.#pattern.slice(this.#at, this.#at + 2));
      if (isNamed) this.#at = this.#pattern.indexOf('>', this.#at) + 1;
      else if (!this.#take(':')) throw fail(this.#pattern, 'it looks around, or sets flags');
    }
    const inner = this.#alternatives();
    this.#take(')');
    return inner;
  }

  /** One character, escape or class, as it is written. */
  #atom(): string {
    const rest = this.#pattern.slice(this.#at);
    if (/^\\[1-9k]/.test(rest)) throw fail(this.#pattern, 'it refers back');
    const text =
      /^(?:\[(?:\\.|[^\]\\])*\]|\\(?:u\{[^}]*\}|[pP]\{[^}]*\}|u[dD][89abAB]..\\u[dD][c-fC-F]..|u.{4}|x..|c.|.)|.)/su.exec(
        rest,
      )![0];
    this.#at += text.length;
    return text;
  }

  #repeated(part: Part): Part {
    const found = /^(?:[*+?]|\{(\d+)(,(\d*))?\})\??/.exec(this.#pattern.slice(this.#at));
    if (!found) return part;
    this.#at += found[0].length;
    const [text, first, comma, last] = found;
    if (first === undefined)
      return { '*': this.#many(part, 0), '+': this.#many(part, 1), '?': this.#some(part, 0, 1) }[text[0]!]!;
    const least = Number(first);
    if (comma === undefined) return this.#some(part, least, least);
    return last === '' ? this.#many(part, least) : this.#some(part, least, Number(last));
  }

  /** At least so many. */
  #many(part: Part, least: number): Part {
    return (next) => {
      const loop: Step = { kind: 'split', to: 0, or: next };
      const again = this.#add(loop);
      loop.to = part(again);
      return this.#times(part, least, again);
    };
  }

  #some(part: Part, least: number, most: number): Part {
    return (next) => {
      let begin = next;
      for (let count = least; count < most; count++) begin = this.#add({ kind: 'split', to: part(begin), or: next });
      return this.#times(part, least, begin);
    };
  }

  #times(part: Part, count: number, next: number): number {
    let begin = next;
    for (let done = 0; done < count; done++) {
      const before = this.#steps.length;
      begin = part(begin);
      // An empty part stays empty, however often.
      if (this.#steps.length === before) return begin;
    }
    return begin;
  }
}

function shifted(step: Step): Step {
  if (step.kind === 'match') return step;
  return step.kind === 'split' ? { ...step, to: step.to + 1, or: step.or + 1 } : { ...step, to: step.to + 1 };
}
