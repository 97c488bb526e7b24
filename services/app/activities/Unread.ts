import type { Address, Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { ActivityHost } from './ActivityHost.ts';

type Load = { readonly activities: number; readonly sizeBytes: number };
type Loads = Map<Address, Load>;

/** A message that is to be taken, on whose account (see payerOf.ts), and whether its activity begins here with it. */
type Coming = {
  readonly payer: Address;
  readonly activity: Hash;
  readonly sizeBytes: number;
  readonly isNew: boolean;
};

/** To be called with whether the message has come onto the disk. */
type Settle = (isTaken: boolean) => void;

/** Times as long as it takes to count it is left alone. */
const pauseTimes = 20;

/**
 * Bounds what each node may have here that nobody has looked at: any centre may begin activities with any other one, as many as it likes.
 * What comes is counted as if nobody looked at it, and counted anew from the disk where that would be too much.
 */
export class Unread {
  readonly #parts: Pick<ActivityHost, 'store' | 'settings' | 'clock'>;
  /** On the disk; undefined until it was counted. */
  #loads: Loads | undefined;
  /** As it is being counted, or was. */
  #counted: Loads | undefined;
  /** On its way there. */
  readonly #coming: Loads = new Map();
  #countedMs = 0;
  #tookMs = 0;
  #counting: Promise<void> | undefined;

  constructor(parts: Pick<ActivityHost, 'store' | 'settings' | 'clock'>) {
    this.#parts = parts;
  }

  /** @throws NotariumError `activity-sender-full`. */
  async admit(coming: Coming): Promise<Settle> {
    if (!this.#loads) await this.#count();
    if (this.#fits(coming)) return this.#add(coming);
    const { store, clock, settings } = this.#parts;
    if (!coming.isNew && (await store.activity(coming.activity))?.isRead) return () => {};
    // Some of them may have been looked at since. Where it takes long to count, others read meanwhile.
    const pauseMs = Math.max(settings.lookMs, pauseTimes * this.#tookMs);
    if (Math.abs(clock.nowMs() - this.#countedMs) >= pauseMs) await this.#count();
    if (this.#fits(coming)) return this.#add(coming);
    throw new NotariumError('activity-sender-full', undefined, { data: { payer: coming.payer } });
  }

  #add(coming: Coming): Settle {
    change(this.#coming, coming, 1);
    return (isTaken) => {
      change(this.#coming, coming, -1);
      if (!isTaken) return;
      change(this.#loads!, coming, 1);
      if (this.#counted !== this.#loads) change(this.#counted!, coming, 1);
    };
  }

  #fits({ payer, sizeBytes, isNew }: Coming): boolean {
    const { unreadActivities, unreadBytes } = this.#parts.settings;
    const [there, coming] = [loadOf(this.#loads!, payer), loadOf(this.#coming, payer)];
    const activities = there.activities + coming.activities + (isNew ? 1 : 0);
    return activities <= unreadActivities && there.sizeBytes + coming.sizeBytes + sizeBytes <= unreadBytes;
  }

  async #count(): Promise<void> {
    this.#counting ??= this.#read().finally(() => {
      this.#counting = undefined;
    });
    await this.#counting;
  }

  async #read(): Promise<void> {
    const { store, clock } = this.#parts;
    this.#countedMs = clock.nowMs();
    // What comes onto the disk meanwhile the database may have counted or not: it is counted here, if also twice until the next time.
    const counted: Loads = new Map();
    this.#counted = counted;
    for (const { payer, ...load } of await store.unreadLoads()) add(counted, payer, load);
    this.#loads = counted;
    this.#tookMs = Math.abs(clock.nowMs() - this.#countedMs);
  }
}

function loadOf(loads: Loads, payer: Address): Load {
  return loads.get(payer) ?? { activities: 0, sizeBytes: 0 };
}

function add(loads: Loads, payer: Address, { activities, sizeBytes }: Load): void {
  const before = loadOf(loads, payer);
  loads.set(payer, { activities: before.activities + activities, sizeBytes: before.sizeBytes + sizeBytes });
}

function change(loads: Loads, { payer, isNew, sizeBytes }: Coming, sign: 1 | -1): void {
  add(loads, payer, { activities: isNew ? sign : 0, sizeBytes: sign * sizeBytes });
  const { activities, sizeBytes: bytes } = loadOf(loads, payer);
  if (activities === 0 && bytes === 0) loads.delete(payer);
}
