import type { Address } from '../../core/bytes.ts';
import type { Clock } from '../../lib/clock.ts';
import { every, type Loop } from '../../lib/every.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Store } from '../../store/Store.ts';
import type { Lease } from '../../store/WriteOptions.ts';
import type { CentreEvent } from '../Centre.ts';
import type { CentreMetrics } from '../metrics.ts';
import type { Problems } from '../Problems.ts';
import { ProcessLease } from '../ProcessLease.ts';
import { cloudEventOf } from './cloudEvent.ts';
import { postEvent } from './postEvent.ts';
import { defaultWebhookEvents, isTold, type WebhookSettings } from './webhookSettings.ts';

/** What a webhook works with. */
export type WebhookParts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly problems: Problems;
  readonly metrics: Pick<CentreMetrics, 'webhookSent' | 'webhookFailed'>;
  readonly centre: { readonly network: string; readonly address: Address };
};

const pollMs = 250;
const eventsAtOnce = 64;

/**
 * Tells the events of the centre to one URL, in their order, each at least once: the next one is sent when the one before has
 * been taken, and what has been taken is stored. It goes on trying without end, and nothing waits for it.
 */
export class Webhook {
  readonly #parts: WebhookParts;
  readonly #settings: WebhookSettings;
  readonly #stop = new AbortController();
  readonly #lease: ProcessLease;
  readonly #patterns: readonly string[];
  readonly #name: string;
  /** Where this process is, under which lease: another one may have gone on since. */
  #cursor: { readonly token: number; readonly seq: number } | undefined;
  #tries = 0;
  /** By performance.now(). */
  #nextTryMs = 0;
  #loop: Loop | undefined;

  /** @param settings As {@link checkWebhook} has found them right. */
  constructor(parts: WebhookParts, settings: WebhookSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#patterns = settings.events ?? defaultWebhookEvents;
    this.#lease = new ProcessLease('webhook', parts, () => {});
    // Path and query may be the secret by which the receiver knows who may post.
    this.#name = new URL(settings.url).origin;
  }

  /** Marks where it begins, before the centre has new events. */
  async prepare(): Promise<void> {
    await this.#parts.store.webhookCursor();
  }

  start(): void {
    const { logger, clock } = this.#parts;
    this.#loop = every(pollMs, () => this.#run(), { signal: this.#stop.signal, logger, clock, name: 'webhook' });
  }

  /** Ends a try that is under way: the receiver may get that event again. */
  async close(): Promise<void> {
    this.#stop.abort(new DOMException('the webhook is closed', 'AbortError'));
    await this.#loop?.done;
    await this.#lease.release();
  }

  async #run(): Promise<void> {
    const { store } = this.#parts;
    const lease = await this.#lease.hold();
    if (!lease || performance.now() < this.#nextTryMs) return;
    if (this.#cursor?.token !== lease.token) {
      this.#cursor = { token: lease.token, seq: await store.webhookCursor() };
    }
    const events = (await store.eventsAfter(this.#cursor.seq, eventsAtOnce)) as CentreEvent[];
    let passed: number | undefined;
    for (const event of events) {
      if (isTold(event.type, this.#patterns)) {
        if (!(await this.#tell(event))) break;
        await this.#moveTo(event.seq, lease);
        passed = undefined;
      } else passed = event.seq;
    }
    if (passed !== undefined) await this.#moveTo(passed, lease);
  }

  async #moveTo(seq: number, lease: Lease): Promise<void> {
    // What other processes see is whose it is: without the lease nothing is written.
    await this.#parts.store.moveWebhookCursor(seq, { lease });
    this.#cursor = { token: lease.token, seq };
  }

  async #tell(event: CentreEvent): Promise<boolean> {
    const { clock, logger, problems, metrics, centre } = this.#parts;
    const { timeoutMs = 10_000, firstDelayMs = 1_000, maxDelayMs = 300_000 } = this.#settings;
    this.#stop.signal.throwIfAborted();
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(timeoutMs)]);
    const failure = await postEvent(this.#settings, cloudEventOf(event, centre), { nowMs: clock.nowMs(), signal });
    if (!failure) {
      this.#tries = 0;
      metrics.webhookSent.inc();
      if (problems.clear('webhook-failed')) logger.info({ webhook: this.#name }, 'the webhook takes events again');
      return true;
    }
    this.#stop.signal.throwIfAborted();
    metrics.webhookFailed.inc();
    this.#tries++;
    const fullMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (this.#tries - 1));
    // Half fixed, half random; a receiver that asks for more time gets it.
    const delayMs = Math.max(fullMs * (0.5 + Math.random() / 2), Math.min(failure.retryAfterMs ?? 0, maxDelayMs));
    this.#nextTryMs = performance.now() + delayMs;
    const detail = `${this.#name}: ${failure.reason}, event ${event.seq} (${event.type}), try ${this.#tries}`;
    if (problems.raise('webhook-failed', detail)) logger.warn({ webhook: this.#name, seq: event.seq }, detail);
    return false;
  }
}
