import type { ChannelChange, ChannelStore } from '../../store/channels/ChannelStore.ts';

type Waiting = { readonly change: ChannelChange; resolve(): void; reject(error: unknown): void };

const maxChanges = 1024;

/** One durable transaction at a time for all channels: what comes while one is on its way to the disk goes with the next. */
export class ChannelSaves {
  readonly #store: Pick<ChannelStore, 'save'>;
  #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(store: Pick<ChannelStore, 'save'>) {
    this.#store = store;
  }

  /** Resolves once the change is on disk. @throws NotariumError what `ChannelStore.save` throws. */
  save(change: ChannelChange): Promise<void> {
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
        await this.#store.save(group.map(({ change }) => change));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#isRunning = false;
  }
}
