import { isAckOf } from '../../../core/activities/ack.ts';
import type { Address } from '../../../core/bytes.ts';
import { fromUtf8 } from '../../../core/bytes.ts';
import { type ErrorCode, errorTable, isNotariumError, NotariumError } from '../../../core/errors.ts';
import type { Net } from '../../../net/Net.ts';
import type { Delivery } from '../../../store/activities/ActivityStore.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { activityProtocols, answerSchema, type DeliveryAnswer, framesOf, itemsOf, maxItems } from './items.ts';
import { sealedAnew } from './sealedAnew.ts';

const batchItems = 128;
const batchBytes = 8 << 20;
const answerBytes = 4 << 10;
const wrongAnswerPoints = 10;

type Queued = Delivery & { readonly text: string };
type Outcome = Pick<Delivery, 'sealDigest' | 'member' | 'state' | 'ack' | 'problem'>;

/** What a member's queue is for. */
export type MemberQueueOptions = { readonly net: Net; readonly member: Address; readonly signal: AbortSignal };

/** Delivers to one member, in order, until nothing waits; tries again for ever, after ever longer pauses. */
export class MemberQueue {
  readonly #parts: ActivityParts;
  readonly #options: MemberQueueOptions;
  #running: Promise<void> | undefined;
  #isWanted = false;
  #failures = 0;
  #pause: AbortController | undefined;
  /** Told already, so that a member that is away for days costs no writes. */
  #toldProblem: string | undefined;

  constructor(parts: ActivityParts, options: MemberQueueOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Something waits. During a pause it waits for the end of that. */
  wake(): void {
    this.#isWanted = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      // Woken between its last look and its end.
      if (this.#isWanted && !this.#options.signal.aborted) this.wake();
    });
  }

  /** The member can be reached again. */
  connected(): void {
    this.#failures = 0;
    this.#pause?.abort();
  }

  async done(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal, member } = this.#options;
    const { logger, metrics } = this.#parts;
    while (this.#isWanted && !signal.aborted) {
      this.#isWanted = false;
      try {
        await this.#deliverAll();
        this.#failures = 0;
        this.#toldProblem = undefined;
      } catch (error) {
        if (signal.aborted) return;
        this.#isWanted = true;
        this.#failures++;
        metrics.deliveryFailed();
        logger.debug({ err: error, peer: member, failures: this.#failures }, 'a member did not take its messages');
        await this.#wait();
      }
    }
  }

  async #wait(): Promise<void> {
    const { clock, settings } = this.#parts;
    this.#pause = new AbortController();
    const longest = Math.min(settings.maxRetryMs, settings.retryMs * 2 ** Math.min(this.#failures - 1, 20));
    // With jitter: many members come back at once after an outage.
    const ms = longest * (0.5 + 0.5 * Math.random());
    await clock.sleep(ms, AbortSignal.any([this.#pause.signal, this.#options.signal]));
    this.#pause = undefined;
  }

  /** @throws NotariumError when something still waits that the member could not take now. */
  async #deliverAll(): Promise<void> {
    const { store } = this.#parts;
    const { member, signal } = this.#options;
    while (!signal.aborted) {
      const queued = await store.queued(member, batchItems, batchBytes);
      if (queued.length === 0) return;
      const batch = await Promise.all(queued.map((item) => sealedAnew(this.#parts, item)));
      let answers: DeliveryAnswer[];
      try {
        answers = await this.#ask(batch);
      } catch (error) {
        await this.#tell(batch, error);
        throw error;
      }
      const outcomes = batch.map((item, index) => this.#outcome(item, answers[index]!));
      await store.delivered(outcomes);
      const waiting = outcomes.find(({ state }) => state === 'queued');
      if (waiting) throw new NotariumError('peer-busy', waiting.problem?.code, { data: { peer: member } });
    }
  }

  async #ask(batch: readonly Queued[]): Promise<DeliveryAnswer[]> {
    const { net, member, signal } = this.#options;
    const frames = net.request(member, activityProtocols.deliver, framesOf(batch.map(({ text }) => text)), {
      timeoutMs: this.#parts.settings.requestMs,
      signal,
    });
    const answers: DeliveryAnswer[] = [];
    for await (const item of itemsOf(frames, {
      itemBytes: answerBytes,
      items: maxItems,
      bytes: answerBytes * maxItems,
    })) {
      answers.push(this.#read(item));
    }
    if (answers.length !== batch.length) throw this.#wrong('not an answer for each message');
    return answers;
  }

  #read(item: Uint8Array): DeliveryAnswer {
    try {
      return answerSchema.parse(JSON.parse(fromUtf8(item)));
    } catch {
      throw this.#wrong('not the expected answer');
    }
  }

  #outcome({ sealDigest, activity }: Queued, answer: DeliveryAnswer): Outcome {
    const { network, crypto, metrics } = this.#parts;
    const { member } = this.#options;
    if ('ack' in answer) {
      const { ack } = answer;
      if (!isAckOf(network, ack, { seal: sealDigest, member }, crypto)) throw this.#wrong('not its acknowledgement');
      return { sealDigest, member, state: ack.stage, ack };
    }
    if (!('code' in answer)) throw this.#wrong('not an acknowledgement');
    const { code, detail } = answer;
    const problem = { code, detail };
    if (canChange(code)) return { sealDigest, member, state: 'queued', problem };
    if (code === 'activity-forked') this.#parts.disputed(activity, member);
    metrics.refusedByMember();
    return { sealDigest, member, state: 'refused', problem };
  }

  async #tell(batch: readonly Queued[], error: unknown): Promise<void> {
    const code = isNotariumError(error) ? error.code : 'internal';
    if (this.#toldProblem === code) return;
    this.#toldProblem = code;
    const problem = { code, detail: isNotariumError(error) ? error.detail : '' };
    const { member } = this.#options;
    await this.#parts.store.delivered(
      batch.map(({ sealDigest }) => ({ sealDigest, member, state: 'queued' as const, problem })),
    );
  }

  #wrong(detail: string): NotariumError {
    const { net, member } = this.#options;
    net.blame(member, 'activity-answer', wrongAnswerPoints);
    return new NotariumError('peer-answer-invalid', detail, { data: { peer: member } });
  }
}

/** Whether the same message may be taken later. A key that does not fit may be one that the registry has not told us yet. */
function canChange(code: string): boolean {
  if (code === 'activity-message-unreadable') return true;
  if (!Object.hasOwn(errorTable, code)) return false;
  const { retry, status } = errorTable[code as ErrorCode];
  return retry || status >= 500;
}
