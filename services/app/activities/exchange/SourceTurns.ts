import type { Address } from '../../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../../core/errors.ts';
import { unlessAborted } from '../../../lib/unlessAborted.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { lengthen, type Pause } from './Pause.ts';

/** Members that are asked for what is missing: each answers one request at a time, and one that does not answer is left alone for a while. */
export class SourceTurns {
  readonly #parts: Pick<ActivityParts, 'clock' | 'settings'>;
  readonly #turns = new Map<Address, Promise<void>>();
  readonly #silent = new Map<Address, Pause>();

  constructor(parts: Pick<ActivityParts, 'clock' | 'settings'>) {
    this.#parts = parts;
  }

  /**
   * Asks a member when it is its turn.
   * @throws NotariumError `peer-unreachable` for one that has not answered lately, `peer-busy` where the signal ends the waiting; as the work
   *   does.
   */
  async take(source: Address, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const before = this.#turns.get(source) ?? Promise.resolve();
    const { promise: done, resolve } = Promise.withResolvers<void>();
    // Over when those before it are, too: who gives up waiting lets nobody pass by them.
    const turn = before.then(() => done);
    this.#turns.set(source, turn);
    void turn.then(() => {
      if (this.#turns.get(source) === turn) this.#turns.delete(source);
    });
    try {
      await unlessAborted(before, signal, () => new NotariumError('peer-busy', 'others ask the same member'));
      if ((this.#silent.get(source)?.nextMs ?? 0) > this.#parts.clock.nowMs())
        throw new NotariumError('peer-unreachable', 'it has not answered lately', { data: { peer: source } });
      await work();
      this.#silent.delete(source);
    } catch (error) {
      if (isNotariumError(error, 'peer-timeout') || isNotariumError(error, 'peer-unreachable')) this.#isSilent(source);
      throw error;
    } finally {
      resolve();
    }
  }

  #isSilent(source: Address): void {
    const pause = this.#silent.get(source) ?? { failures: 0, nextMs: 0 };
    this.#silent.set(source, pause);
    if (pause.nextMs <= this.#parts.clock.nowMs()) lengthen(pause, this.#parts);
  }
}
