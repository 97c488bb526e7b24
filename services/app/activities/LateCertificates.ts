import type { Hash } from '../../core/bytes.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { certify } from './certify.ts';
import { makerOf } from './followUps.ts';

/**
 * Certificates of this node's that a change of the members has made possible. They are no part of it: there may be thousands, and nobody is
 * to stay a member because of them. After a crash `Overdue` makes them.
 */
export class LateCertificates {
  readonly #parts: ActivityParts;
  readonly #signal: AbortSignal;
  /** Where the members have changed since it was looked last. */
  readonly #wanted = new Set<Hash>();
  readonly #runs = new Map<Hash, Promise<void>>();

  constructor(parts: ActivityParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  add(activity: Hash): void {
    this.#wanted.add(activity);
    if (!this.#runs.has(activity)) this.#runs.set(activity, this.#run(activity));
  }

  async close(): Promise<void> {
    await Promise.all(this.#runs.values());
  }

  async #run(id: Hash): Promise<void> {
    const { caughtUp, logger, signer } = this.#parts;
    try {
      await caughtUp(id);
      while (this.#wanted.delete(id) && !this.#signal.aborted)
        await certify(
          this.#parts,
          id,
          { isWanted: (activity, version) => makerOf(activity, version) === signer.address },
          this.#signal,
        );
    } catch (error) {
      if (this.#signal.aborted) return;
      logger.error({ err: error, activity: id }, 'certificates could not be made');
    } finally {
      this.#runs.delete(id);
    }
  }
}
