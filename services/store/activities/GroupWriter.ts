/** What one caller writes; changes that come one after the other are written together. */
type Job<Trx, Change> = {
  readonly what:
    | { readonly change: Change; readonly sizeBytes: number }
    | { readonly work: (trx: Trx) => Promise<unknown> };
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
};

/** How a group is written. */
type GroupWriterParts<Trx, Change> = {
  /** Runs work in a transaction that is durable when it resolves. */
  readonly transaction: (work: (trx: Trx) => Promise<unknown[]>) => Promise<unknown[]>;
  readonly write: (trx: Trx, changes: readonly Change[]) => Promise<void>;
  /** Whether a group may have failed for one of its own, so that the others are tried alone; all fail where the database does. */
  readonly isOwnFault: (error: unknown) => boolean;
};

const maxJobs = 512;
const maxBytes = 32 << 20;

/**
 * One transaction at a time for all who write: what comes while one is on its way to the disk gathers for the next, so the cost of an
 * fsync is shared. In the order of the calls. Where a group fails for what one of it brings, each is tried alone.
 */
export class GroupWriter<Trx, Change> {
  readonly #parts: GroupWriterParts<Trx, Change>;
  #waiting: Job<Trx, Change>[] = [];
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: GroupWriterParts<Trx, Change>) {
    this.#parts = parts;
  }

  /** Writes a change. @param sizeBytes About as much as it needs in memory. */
  async save(change: Change, sizeBytes: number): Promise<void> {
    await this.#add({ change, sizeBytes });
  }

  /** Runs work in a transaction that it shares with others. It may be run a second time, when the first transaction came to nothing. */
  async run<T>(work: (trx: Trx) => Promise<T>): Promise<T> {
    return (await this.#add({ work })) as T;
  }

  /** Ends after what has been asked for; nothing more is taken. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }

  #add(what: Job<Trx, Change>['what']): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(new RangeError('the store is closed'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ what, resolve, reject });
      this.#running ??= this.#runAll();
    });
  }

  async #runAll(): Promise<void> {
    // What is asked for in the same turn goes together from the first time on.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#take();
      try {
        const answers = await this.#commit(group);
        group.forEach(({ resolve }, index) => void resolve(answers[index]));
      } catch (error) {
        if (group.length === 1 || !this.#parts.isOwnFault(error)) for (const { reject } of group) reject(error);
        else for (const job of group) await this.#commit([job]).then(([answer]) => job.resolve(answer), job.reject);
      }
    }
    this.#running = undefined;
  }

  #commit(group: readonly Job<Trx, Change>[]): Promise<unknown[]> {
    return this.#parts.transaction(async (trx) => {
      const answers: unknown[] = [];
      for (let at = 0; at < group.length; at = answers.length) {
        const { what } = group[at]!;
        if ('work' in what) {
          answers.push(await what.work(trx));
          continue;
        }
        const changes = changesFrom(group, at);
        await this.#parts.write(trx, changes);
        answers.push(...changes.map(() => undefined));
      }
      return answers;
    });
  }

  /** As many jobs as fit one transaction, at least one. */
  #take(): Job<Trx, Change>[] {
    let sizeBytes = 0;
    let end = 0;
    for (const { what } of this.#waiting) {
      sizeBytes += 'work' in what ? 0 : what.sizeBytes;
      if (end === maxJobs || (end > 0 && sizeBytes > maxBytes)) break;
      end++;
    }
    return this.#waiting.splice(0, end);
  }
}

/** The changes that come one after the other from there on. */
function changesFrom<Trx, Change>(group: readonly Job<Trx, Change>[], start: number): Change[] {
  const changes: Change[] = [];
  for (let at = start; at < group.length; at++) {
    const { what } = group[at]!;
    if ('work' in what) break;
    changes.push(what.change);
  }
  return changes;
}
