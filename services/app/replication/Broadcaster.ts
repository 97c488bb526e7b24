import type { Logger } from '../../lib/logger.ts';
import type { Net } from '../../net/Net.ts';
import { bundlesOf, topics } from './wire.ts';

// Long enough to fill a message under load, short beside a period.
const flushMs = 25;
const maxWaitingBytes = 32 * 1024 * 1024;

/**
 * Sends accepted records to all centres, many in a message. Gossip may lose some of it (a peer is away, a queue is full):
 * {@link Reconciler} brings what was lost.
 */
export class Broadcaster {
  readonly #net: Net;
  readonly #logger: Logger;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(net: Net, logger: Logger) {
    this.#net = net;
    this.#logger = logger;
  }

  /** Entries that have just come to be on disk here. */
  add(entries: readonly Uint8Array[]): void {
    if (this.#waitingBytes > maxWaitingBytes) return;
    for (const entry of entries) {
      this.#waiting.push(entry);
      this.#waitingBytes += entry.length;
    }
    this.#timer ??= setTimeout(() => this.#send(), flushMs);
  }

  /** Sends what waits now, and resolves when it has been handed to the network. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#send();
    await this.#sending;
  }

  #send(): void {
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    const entries = this.#waiting;
    this.#waiting = [];
    this.#sending = this.#sending
      .then(async () => {
        for (const bundle of bundlesOf(entries)) {
          await this.#net.publish(topics.records, bundle);
          this.#waitingBytes -= bundle.length;
        }
      })
      .catch((error: unknown) => this.#logger.warn({ err: error }, 'records could not be sent to the other centres'))
      .finally(() => {
        if (this.#waiting.length === 0) this.#waitingBytes = 0;
      });
  }
}
