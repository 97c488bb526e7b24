/** Runs what has the same name one after the other, in the order of the calls, and what has not side by side. */
export class InOrder {
  readonly #last = new Map<string, Promise<unknown>>();

  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name) ?? Promise.resolve();
    const run = before.then(work, work);
    this.#last.set(name, run);
    try {
      return await run;
    } finally {
      if (this.#last.get(name) === run) this.#last.delete(name);
    }
  }

  /** Whether something with that name runs, or waits. */
  has(name: string): boolean {
    return this.#last.has(name);
  }

  /** Resolves when all that runs or waits now has ended. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }
}
