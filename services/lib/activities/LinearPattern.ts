import { patternProgram, type Step } from './patternProgram.ts';

/** What stands for no character: before the text and after it. */
const none = -1;

/**
 * A regular expression that is tested in a time linear in the text: all its ways are gone at once, where the engine of JavaScript goes
 * back and tries them one by one, which an evil pattern makes last for ever.
 */
export class LinearPattern {
  readonly #pattern: string;
  readonly #steps: readonly Step[];
  readonly #atoms: readonly (Atom | undefined)[];
  readonly #spend: (cost: number) => void;
  /** Matches at the beginning of the text only. */
  readonly #isAnchored: boolean;
  readonly #open: number[] = [];

  /**
   * @param spend Told of the work done; may throw to end it.
   * @throws NotariumError `activity-schema-invalid`: see {@link patternProgram}.
   */
  constructor(pattern: string, spend: (cost: number) => void = () => {}) {
    this.#pattern = pattern;
    this.#spend = spend;
    this.#steps = patternProgram(pattern);
    const atoms = new Map<string, Atom>();
    this.#atoms = this.#steps.map((step) => {
      if (step.kind !== 'char') return undefined;
      const atom = atoms.get(step.atom) ?? new Atom(step.atom);
      atoms.set(step.atom, atom);
      return atom;
    });
    this.#isAnchored = isAnchored(this.#steps);
  }

  /** How large its automaton is. */
  get steps(): number {
    return this.#steps.length;
  }

  /** Ajv tells patterns apart by this. */
  toString(): string {
    return `/${this.#pattern}/u`;
  }

  /** Whether it matches anywhere in the text. */
  test(text: string): boolean {
    let now = new Places(this.#steps.length);
    let then = new Places(this.#steps.length);
    let before = none;
    let here = text.codePointAt(0) ?? none;
    for (let at = 0; ; ) {
      if ((before === none || !this.#isAnchored) && this.#reach(now, 0, before, here)) return true;
      this.#spend(1 + now.count);
      if (here === none || (now.count === 0 && this.#isAnchored)) return false;
      at += here > 0xffff ? 2 : 1;
      const after = text.codePointAt(at) ?? none;
      then.count = 0;
      for (let index = 0; index < now.count; index++) {
        const place = now.list[index]!;
        if (!this.#atoms[place]?.takes(here)) continue;
        if (this.#reach(then, (this.#steps[place] as { to: number }).to, here, after)) return true;
      }
      [now, then, before, here] = [then, now, here, after];
    }
  }

  /** Adds a place and all that are reached from there without a character. @returns Whether the end is among them. */
  #reach(places: Places, from: number, before: number, here: number): boolean {
    const open = this.#open;
    open.length = 0;
    open.push(from);
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      if (!places.add(place)) continue;
      const step = this.#steps[place]!;
      if (step.kind === 'match') return true;
      if (step.kind === 'split') open.push(step.or, step.to);
      if (step.kind === 'place' && holds[step.at](before, here)) open.push(step.to);
    }
    return false;
  }
}

const isWord = (char: number): boolean => char !== none && /^\w$/.test(String.fromCodePoint(char));

const holds = {
  start: (before: number) => before === none,
  end: (_: number, here: number) => here === none,
  word: (before: number, here: number) => isWord(before) !== isWord(here),
  inside: (before: number, here: number) => isWord(before) === isWord(here),
};

/** Whether every way from the beginning begins with `^`. */
function isAnchored(steps: readonly Step[]): boolean {
  const open = [0];
  const seen = new Set<number>();
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (seen.has(place)) continue;
    seen.add(place);
    const step = steps[place]!;
    if (step.kind === 'char' || step.kind === 'match') return false;
    if (step.kind === 'split') open.push(step.to, step.or);
    if (step.kind === 'place' && step.at !== 'start') open.push(step.to);
  }
  return true;
}

/** A set of places that is emptied at once: what is in the list is in the set. */
class Places {
  readonly list: Uint16Array;
  readonly #indexes: Uint16Array;
  count = 0;

  constructor(most: number) {
    this.list = new Uint16Array(most);
    this.#indexes = new Uint16Array(most);
  }

  add(place: number): boolean {
    const index = this.#indexes[place]!;
    if (index < this.count && this.list[index] === place) return false;
    this.#indexes[place] = this.count;
    this.list[this.count++] = place;
    return true;
  }
}

/** A character, escape or class: whether it takes a character, which JavaScript knows. */
class Atom {
  readonly #pattern: RegExp;
  /** By ASCII character: 0 for not asked yet, 1 for no, 2 for yes. */
  readonly #known = new Uint8Array(128);

  constructor(text: string) {
    this.#pattern = new RegExp(`^(?:${text})$`, 'u');
  }

  takes(char: number): boolean {
    if (char >= 128) return this.#pattern.test(String.fromCodePoint(char));
    const known = this.#known[char]!;
    if (known !== 0) return known === 2;
    const takes = this.#pattern.test(String.fromCodePoint(char));
    this.#known[char] = takes ? 2 : 1;
    return takes;
  }
}
