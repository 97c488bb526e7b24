import type { UnrecordedMessage } from '../../store/activities/ActivityStore.ts';
import type { ActivityHost } from './ActivityHost.ts';
import { recordsFound } from './recordsFound.ts';

const atOnce = 256;
const mostPages = 64;

/**
 * Tells of messages whose record does not come: a member can send a message and notarise none, or another one. Before a message is as old
 * as is told, nobody looks for its record but who asks for the message.
 */
export class RecordWatch {
  readonly #parts: Pick<ActivityHost, 'store' | 'search' | 'clock' | 'settings' | 'problems' | 'logger'>;
  /** Where the next look goes on; undefined for a new round. */
  #after: UnrecordedMessage | undefined;
  /** How many had none in the last whole round, and have none so far in this one. */
  #before = 0;
  #count = 0;

  constructor(parts: Pick<ActivityHost, 'store' | 'search' | 'clock' | 'settings' | 'problems' | 'logger'>) {
    this.#parts = parts;
  }

  async look(signal: AbortSignal): Promise<void> {
    const { store, clock, settings } = this.#parts;
    const beforeMs = clock.nowMs() - settings.unrecordedMs;
    for (let page = 0; page < mostPages && !signal.aborted; page++) {
      const after = this.#after && { after: this.#after };
      const messages = await store.unrecorded({ beforeMs, ...after, limit: atOnce });
      this.#count += (await recordsFound(this.#parts, messages)).length;
      this.#after = messages.at(-1);
      if (messages.length === atOnce) continue;
      [this.#before, this.#count, this.#after] = [this.#count, 0, undefined];
      break;
    }
    this.#tell(Math.max(this.#before, this.#count));
  }

  /** Another process of this node tells. */
  rest(): void {
    [this.#before, this.#count, this.#after] = [0, 0, undefined];
    this.#parts.problems.clear('activity-unrecorded');
  }

  /** Problems are read by others, too: they do not say which. */
  #tell(count: number): void {
    const { problems, logger } = this.#parts;
    if (count === 0) problems.clear('activity-unrecorded');
    else if (problems.raise('activity-unrecorded', `${count} messages: see the activities`))
      logger.warn({ count }, 'the log has no record of messages that were taken long ago');
  }
}
