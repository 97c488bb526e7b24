import type { Hash } from '../../core/bytes.ts';
import type { Clock } from '../../lib/clock.ts';
import type { KeptEvidence } from './EvidenceKeeper.ts';

type Waiting = { readonly item: KeptEvidence; isRipe: boolean };

/** How long a bill with its first statement alone waits for the second one, which mostly comes with the next update: one write then does for both. */
const patienceMs = 500;

/** Statements of one channel on their way to the evidence, and evidence that is to be let go: in order for each bill. */
export class StatementLane {
  readonly #clock: Clock;
  readonly #waiting = new Map<Hash, Waiting>();
  readonly #unpaid: Hash[] = [];
  /** Evidence that is not let go yet. */
  #unpaidCount = 0;
  #writing: ReadonlySet<Hash> = new Set();
  #isHurried = false;
  #hurry = new AbortController();
  #progress = Promise.withResolvers<void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Bills that are not written yet. */
  get size(): number {
    return new Set([...this.#waiting.keys(), ...this.#writing]).size;
  }

  /** Takes a bill with its statements; more statements of it take the place of fewer. */
  put(item: KeptEvidence): void {
    const isRipe = item.statements.length > 1 || this.#isHurried;
    this.#waiting.set(item.bill.id, { item, isRipe });
    if (isRipe) this.#hurry.abort();
  }

  /** Nothing is written any more of a bill that was not paid. */
  drop({ id, digest }: { readonly id: Hash; readonly digest: Hash }): void {
    this.#waiting.delete(id);
    this.#unpaid.push(digest);
    this.#unpaidCount++;
    this.#hurry.abort();
  }

  /** From now on nothing waits for anything else. */
  hurry(): void {
    this.#isHurried = true;
    for (const one of this.#waiting.values()) one.isRipe = true;
    this.#hurry.abort();
  }

  /** Resolves when something more has been written. */
  progress(): Promise<void> {
    return this.#progress.promise;
  }

  /** Resolves once all that waits now is written. */
  async written(): Promise<void> {
    const asked = [...this.#waiting.keys(), ...this.#writing];
    for (const one of this.#waiting.values()) one.isRipe = true;
    this.#hurry.abort();
    while (this.#unpaidCount > 0 || asked.some((id) => this.#waiting.has(id) || this.#writing.has(id)))
      await this.progress();
  }

  /**
   * Writes until there is nothing left.
   * @param write Does not throw.
   * @param onEnd Called at that moment: what is put into it later would not be written.
   */
  async run(
    write: (items: readonly KeptEvidence[], unpaid: readonly Hash[]) => Promise<void>,
    onEnd: () => void,
  ): Promise<void> {
    while (this.#waiting.size + this.#unpaid.length > 0) {
      const ripe = [...this.#waiting.values()].filter(({ isRipe }) => isRipe).map(({ item }) => item);
      if (ripe.length + this.#unpaid.length === 0) await this.#ripen();
      else {
        for (const { bill } of ripe) this.#waiting.delete(bill.id);
        this.#writing = new Set(ripe.map(({ bill }) => bill.id));
        const unpaid = this.#unpaid.splice(0);
        await write(ripe, unpaid);
        this.#unpaidCount -= unpaid.length;
        this.#writing = new Set();
        this.#progress.resolve();
        this.#progress = Promise.withResolvers();
      }
    }
    onEnd();
  }

  async #ripen(): Promise<void> {
    this.#hurry = new AbortController();
    const begun = [...this.#waiting.values()];
    await this.#clock.sleep(patienceMs, this.#hurry.signal);
    if (this.#hurry.signal.aborted) return;
    for (const one of begun) one.isRipe = true;
  }
}
