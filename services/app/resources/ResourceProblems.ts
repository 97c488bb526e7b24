import type { Problems } from '../Problems.ts';

type Code = 'resource-failed' | 'resource-drifted';

const maxDetailChars = 500;

/** What is wrong with resource sets, as problems of the centre: one for each code, which names all sets that have it. */
export class ResourceProblems {
  readonly #problems: Problems;
  readonly #details = { 'resource-failed': new Map<string, string>(), 'resource-drifted': new Map<string, string>() };

  constructor(problems: Problems) {
    this.#problems = problems;
  }

  /** True when `about` did not have it before. */
  raise(code: Code, about: string, detail: string): boolean {
    const details = this.#details[code];
    const isNew = !details.has(about);
    details.set(about, detail);
    this.#show(code);
    return isNew;
  }

  clear(code: Code, about: string): void {
    if (this.#details[code].delete(about)) this.#show(code);
  }

  #show(code: Code): void {
    const details = [...this.#details[code].values()];
    if (details.length === 0) this.#problems.clear(code);
    else this.#problems.raise(code, details.join('; ').slice(0, maxDetailChars).toWellFormed());
  }
}
