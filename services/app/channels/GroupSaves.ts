type Waiting<T> = { readonly change: T; resolve(): void; reject(error: unknown): void };

const maxChanges = 1024;

/** One durable transaction at a time for all who save: what comes while one is on its way to the disk goes with the next. */
export class GroupSaves<T> {
  readonly #saveAll: (changes: readonly T[]) => Promise<void>;
  #waiting: Waiting<T>[] = [];
  #isRunning = false;

  /** @param saveAll All or nothing, and on disk when it resolves. */
  constructor(saveAll: (changes: readonly T[]) => Promise<void>) {
    this.#saveAll = saveAll;
  }

  /** Resolves once the change is on disk. @throws What the saving throws. */
  save(change: T): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, maxChanges);
      try {
        await this.#saveAll(group.map(({ change }) => change));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#isRunning = false;
  }
}
