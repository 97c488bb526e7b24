import { type ErrorCode, isNotariumError } from '../../core/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Problems } from '../Problems.ts';
import type { RegistryWatch } from '../RegistryWatch.ts';
import type { Replication } from './Replication.ts';

/** What a seat is taken with. */
export type SeatParts = {
  readonly registry: Pick<RegistryWatch, 'others' | 'onRead'>;
  readonly problems: Problems;
  readonly logger: Logger;
  /** Joins the network; undefined where this process must stay out of it. */
  readonly join: (() => Promise<Replication>) | undefined;
};

/**
 * This centre's place among the others. It is taken as soon as the registry has another active centre, and kept: one that
 * is alone needs no network.
 */
export class Seat {
  readonly #parts: SeatParts;
  readonly #handlers: ((replication: Replication) => void)[] = [];
  #replication: Replication | undefined;
  #failedWith: ErrorCode | undefined;

  constructor(parts: SeatParts) {
    this.#parts = parts;
  }

  /** undefined while this centre is alone. */
  get replication(): Replication | undefined {
    return this.#replication;
  }

  /** Calls once: at once where the seat is taken, else as soon as it is. */
  onJoin(handler: (replication: Replication) => void): void {
    if (this.#replication) handler(this.#replication);
    else this.#handlers.push(handler);
  }

  /**
   * Takes the seat where it is needed now, or in any case with `atOnce`; else as soon as the registry names another centre.
   * @throws NotariumError of the network, `port-taken` for instance; later that is a problem of the centre, and tried again.
   */
  async take(atOnce: boolean): Promise<void> {
    const { registry, join, problems, logger } = this.#parts;
    if (!join) return;
    const isNeeded = (): boolean => this.#replication === undefined && registry.others().length > 0;
    if (atOnce || isNeeded()) this.#joined(await join());
    registry.onRead(async () => {
      if (!isNeeded()) return this.#isWell();
      try {
        this.#joined(await join());
        logger.info({ others: registry.others().length }, 'this centre has joined the others');
        this.#isWell();
      } catch (error) {
        this.#failedWith = isNotariumError(error) ? error.code : 'internal';
        if (problems.raiseError(error)) logger.error({ err: error }, 'this centre cannot join the others');
      }
    });
  }

  #joined(replication: Replication): void {
    this.#replication = replication;
    for (const handler of this.#handlers.splice(0)) handler(replication);
  }

  /** No seat is wanted in vain: neither where it has been taken, nor where the others have gone. */
  #isWell(): void {
    if (this.#failedWith) this.#parts.problems.clear(this.#failedWith);
    this.#failedWith = undefined;
  }

  async close(): Promise<void> {
    await this.#replication?.close();
  }
}
