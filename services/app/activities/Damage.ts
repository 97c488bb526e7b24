import { isNotariumError } from '../../core/errors.ts';
import type { ActivityHost } from './ActivityHost.ts';

const mostRows = 1_000;

/** What on the disk is not as it was written and has been passed over, so that the rest goes on: a problem of this node until it starts again. */
export class Damage {
  readonly #parts: Pick<ActivityHost, 'problems' | 'logger'>;
  readonly #rows = new Set<string>();

  constructor(parts: Pick<ActivityHost, 'problems' | 'logger'>) {
    this.#parts = parts;
  }

  /** Tells of it; false for an error that says nothing of damage. */
  told(error: unknown): boolean {
    if (!isNotariumError(error, 'activity-store-corrupt')) return false;
    const row = String(error.data.row);
    if (this.#rows.has(row) || this.#rows.size >= mostRows) return true;
    this.#rows.add(row);
    const { problems, logger } = this.#parts;
    logger.error({ err: error }, 'what is damaged is passed over');
    const [first] = this.#rows;
    const others = this.#rows.size - 1;
    problems.raise('activity-store-corrupt', others === 0 ? first! : `${first} and ${others} more: see the log`);
    return true;
  }

  /** What some work finds; undefined where that is damaged. */
  async passOver<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      if (!this.told(error)) throw error;
      return undefined;
    }
  }
}
