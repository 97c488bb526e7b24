import type { Address, Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { ActivityHost } from './ActivityHost.ts';

type Load = { activities: number; sizeBytes: number };

/** A message that is to be taken, and whether its activity begins here with it. */
type Coming = {
  readonly sender: Address;
  readonly activity: Hash;
  readonly sizeBytes: number;
  readonly isNew: boolean;
};

/**
 * Bounds what each member may have here that nobody has looked at: any centre may begin activities with any other one, as many as it likes.
 * What comes is counted as if nobody looked at it, and counted anew from the disk where that would be too much.
 */
export class Unread {
  readonly #parts: Pick<ActivityHost, 'store' | 'settings' | 'clock'>;
  #loads: Map<Address, Load> | undefined;
  #countedMs = 0;
  #counting: Promise<void> | undefined;

  constructor(parts: Pick<ActivityHost, 'store' | 'settings' | 'clock'>) {
    this.#parts = parts;
  }

  /**
   * Counts a message that is on its way to the disk.
   * @returns Takes it back, where it does not come there.
   * @throws NotariumError `activity-sender-full`.
   */
  async admit(coming: Coming): Promise<() => void> {
    if (!this.#loads) await this.#count();
    if (this.#fits(coming)) return this.#add(coming);
    const { store, clock, settings } = this.#parts;
    if (!coming.isNew && (await store.activity(coming.activity))?.isRead) return () => {};
    // Some of them may have been looked at since.
    if (Math.abs(clock.nowMs() - this.#countedMs) >= settings.lookMs) await this.#count();
    if (this.#fits(coming)) return this.#add(coming);
    throw new NotariumError('activity-sender-full', undefined, { data: { sender: coming.sender } });
  }

  #add({ sender, sizeBytes, isNew }: Coming): () => void {
    const load = this.#loads!.get(sender) ?? { activities: 0, sizeBytes: 0 };
    this.#loads!.set(sender, load);
    const activities = isNew ? 1 : 0;
    load.activities += activities;
    load.sizeBytes += sizeBytes;
    return () => {
      load.activities -= activities;
      load.sizeBytes -= sizeBytes;
    };
  }

  #fits({ sender, sizeBytes, isNew }: Coming): boolean {
    const { unreadActivities, unreadBytes } = this.#parts.settings;
    const load = this.#loads?.get(sender) ?? { activities: 0, sizeBytes: 0 };
    return load.activities + (isNew ? 1 : 0) <= unreadActivities && load.sizeBytes + sizeBytes <= unreadBytes;
  }

  async #count(): Promise<void> {
    this.#counting ??= this.#read().finally(() => {
      this.#counting = undefined;
    });
    await this.#counting;
  }

  async #read(): Promise<void> {
    this.#countedMs = this.#parts.clock.nowMs();
    const loads = await this.#parts.store.unreadLoads();
    this.#loads = new Map(loads.map(({ sender, activities, sizeBytes }) => [sender, { activities, sizeBytes }]));
  }
}
