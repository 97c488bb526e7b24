import type { Hash } from '../../../core/bytes.ts';
import { maxCompared } from './items.ts';

/** As many as are found by the look back in the time in which the other side is to ask first. */
export const mostFresh = 16_384;
/** Of those that came to nothing so far. */
export const mostTried = 4_096;
// The rest is for what was tried before: neither keeps the other one from being compared.
const freshAtOnce = (3 * maxCompared) / 4;

/** `number`: see {@link Wanted.mark}. */
type Fresh = { readonly atMs: number; readonly number: number };
type Tried = { nextMs: number; tries: number; number: number };

/**
 * Which activities are to be compared with one member. A peer can name any member in as many activities as it likes: what there is no room for
 * is looked for again, when there is some.
 */
export class Wanted {
  /** Somebody is kept waiting for these: whether they are being compared. */
  readonly #first = new Map<Hash, boolean>();
  /** When they are due. */
  readonly #fresh = new Map<Hash, Fresh>();
  readonly #tried = new Map<Hash, Tried>();
  #isShort = false;
  #mark = 0;

  /** How often something was wanted: what is wanted while it is compared has a greater number than when that began. */
  get mark(): number {
    return this.#mark;
  }

  /** Whether something that there was no room for would have room now. */
  get hasRoomAgain(): boolean {
    return this.#isShort && this.#fresh.size <= mostFresh / 2;
  }

  /** It is looked for what there was no room for. */
  lookedAgain(): void {
    this.#isShort = false;
  }

  want(activity: Hash, atMs: number): void {
    const number = ++this.#mark;
    const tried = this.#tried.get(activity);
    if (tried) {
      tried.number = number;
      return;
    }
    const known = this.#fresh.get(activity);
    if (known === undefined && this.#fresh.size >= mostFresh) this.#isShort = true;
    else this.#fresh.set(activity, { atMs: Math.min(known?.atMs ?? atMs, atMs), number });
  }

  /** Before all others. */
  wantFirst(activity: Hash): void {
    this.#first.set(activity, false);
  }

  /** Some of those that somebody waits for, to be compared now. */
  takeFirst(): Hash[] {
    const open = this.#first.entries().filter(([, isUnderWay]) => !isUnderWay);
    const some = [...open.map(([activity]) => activity).take(maxCompared)];
    for (const activity of some) this.#first.set(activity, true);
    return some;
  }

  /** Some that are due. */
  due(nowMs: number): Hash[] {
    const fresh = this.#fresh.entries().filter(([, { atMs }]) => atMs <= nowMs);
    const some = [...fresh.map(([activity]) => activity).take(freshAtOnce)];
    const tried = this.#tried.entries().filter(([, { nextMs }]) => nextMs <= nowMs);
    return [...some, ...tried.map(([activity]) => activity).take(maxCompared - some.length)];
  }

  /** It came to nothing. @param pauseMs Time until it is tried again, by how often it was tried before. */
  later(activity: Hash, nowMs: number, pauseMs: (tries: number) => number): void {
    const { tries = 0, number = this.#fresh.get(activity)?.number ?? 0 } = this.#tried.get(activity) ?? {};
    // Where the other one has asked meanwhile, and has the same, nothing is left to be done.
    const isWanted = [this.#first, this.#fresh, this.#tried].map((some) => some.delete(activity)).includes(true);
    if (!isWanted) return;
    this.#tried.set(activity, { nextMs: nowMs + pauseMs(tries), tries: tries + 1, number });
    if (this.#tried.size <= mostTried) return;
    const [oldest] = this.#tried.keys();
    this.#tried.delete(oldest!);
    this.#isShort = true;
  }

  /** @param mark What was wanted after that stays. */
  drop(activity: Hash, mark = Infinity): void {
    this.#first.delete(activity);
    for (const some of [this.#fresh, this.#tried]) {
      const { number } = some.get(activity) ?? { number: 0 };
      if (number <= mark) some.delete(activity);
    }
  }
}
