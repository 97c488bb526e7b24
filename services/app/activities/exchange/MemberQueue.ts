import { isAckOf } from '../../../core/activities/ack.ts';
import { type Address, fromUtf8 } from '../../../core/bytes.ts';
import { type ErrorCode, errorTable, isNotariumError, NotariumError } from '../../../core/errors.ts';
import { systemClock } from '../../../lib/clock.ts';
import type { Net } from '../../../net/Net.ts';
import type { Delivery } from '../../../store/activities/ActivityStore.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { activityProtocols, answerSchema, type DeliveryAnswer, framesOf, itemsOf, maxItems } from './items.ts';
import { isLostText, madeAgain } from './madeAgain.ts';
import { pauseMs } from './Pause.ts';
import { sealedAnew } from './sealedAnew.ts';
import { wrongAnswer } from './wrongAnswer.ts';

const batchItems = 128;
const mostBatchBytes = 8 << 20;
const leastBatchBytes = 32 << 10;
const answerBytes = 4 << 10;
/** Longest pause in which messages gather for the next request. */
const mostGatherMs = 200;

type Queued = Delivery & { readonly item: Uint8Array };
type Outcome = Parameters<ActivityParts['store']['delivered']>[0][number];

/** What a member's queue is for. */
export type MemberQueueOptions = { readonly net: Net; readonly member: Address; readonly signal: AbortSignal };

/**
 * Delivers to one member, in order, until nothing waits; tries again for ever, after ever longer pauses. While the member cannot be reached all
 * waits; what it cannot take waits for itself.
 */
export class MemberQueue {
  readonly #parts: ActivityParts;
  readonly #options: MemberQueueOptions;
  #running: Promise<void> | undefined;
  #isWanted = false;
  #isBack = false;
  #failures = 0;
  /** While the member cannot be reached. */
  #pause: AbortController | undefined;
  /** Whether something may be there that is to be tried again: from before, too. */
  #mayRest = true;
  /** Until that. */
  #rest: AbortController | undefined;
  /** What the last request took, with what was written for it. */
  #tookMs = 0;
  #endedMs = 0;
  #batchBytes = mostBatchBytes;
  /** Told already, so that a member that is away for days costs no writes. */
  #toldProblem: string | undefined;

  constructor(parts: ActivityParts, options: MemberQueueOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Something waits. While the member cannot be reached it waits for the end of that pause. */
  wake(): void {
    this.#isWanted = true;
    this.#rest?.abort();
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      // Woken between its last look and its end.
      if (this.#isWanted && !this.#options.signal.aborted) this.wake();
    });
  }

  /** The member can be reached again, and may have become another one. */
  connected(): void {
    this.#failures = 0;
    this.#isBack = true;
    this.#pause?.abort();
    this.wake();
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
        await this.#restIfAny();
      } catch (error) {
        if (signal.aborted) return;
        this.#isWanted = true;
        this.#failures++;
        metrics.deliveryFailed();
        logger.debug({ err: error, peer: member, failures: this.#failures }, 'a member did not take its messages');
        // It came back while that was written down, when there was no pause to end.
        if (this.#isBack) continue;
        this.#pause = new AbortController();
        await this.#sleep(this.#jittered(pauseMs(this.#parts.settings, this.#failures - 1)), this.#pause);
        this.#pause = undefined;
      }
    }
  }

  /** Waits where something is to be tried again; what comes meanwhile ends that. */
  async #restIfAny(): Promise<void> {
    const { store, clock, settings } = this.#parts;
    if (!this.#mayRest) return;
    const nextMs = await store.nextTry(this.#options.member);
    this.#mayRest = nextMs !== undefined;
    if (nextMs === undefined) return;
    if (!this.#isWanted) {
      this.#rest = new AbortController();
      // No longer than that, however the clock is set meanwhile.
      await this.#sleep(Math.min(settings.maxRetryMs, Math.max(0, nextMs - clock.nowMs())), this.#rest);
      this.#rest = undefined;
    }
    this.#isWanted = true;
  }

  async #sleep(ms: number, end: AbortController): Promise<void> {
    await this.#parts.clock.sleep(ms, AbortSignal.any([end.signal, this.#options.signal]));
  }

  /** Many members come back at once after an outage. */
  #jittered(ms: number): number {
    return ms * (0.5 + 0.5 * Math.random());
  }

  /** @throws NotariumError when the member could not be reached, or can take nothing now. */
  async #deliverAll(): Promise<void> {
    const { store } = this.#parts;
    const { member, signal } = this.#options;
    while (!signal.aborted) {
      if (this.#isBack) {
        this.#isBack = false;
        await store.endPauses(member);
      }
      await this.#gather();
      const queued = await this.#next();
      if (queued.length === 0) return;
      const startMs = performance.now();
      const batch = await Promise.all(queued.map((item) => sealedAnew(this.#parts, item)));
      let outcomes: Outcome[];
      try {
        const answers = await this.#ask(batch);
        outcomes = batch.map((item, index) => this.#outcome(item, answers[index]!));
      } catch (error) {
        await this.#failed(batch, error);
        throw error;
      }
      this.#batchBytes = Math.min(mostBatchBytes, 2 * this.#batchBytes);
      await store.delivered(outcomes);
      this.#endedMs = performance.now();
      this.#tookMs = this.#endedMs - startMs;
      this.#mayRest ||= outcomes.some(({ nextMs }) => nextMs !== undefined);
      const busy = outcomes.find(({ state, nextMs }) => state === 'queued' && nextMs === undefined);
      // A member that takes some of it each time takes all in the end: its pauses do not grow.
      if (outcomes.some(({ state }) => state !== 'queued')) this.#failures = 0;
      if (busy) throw new NotariumError('peer-busy', busy.problem?.code, { data: { peer: member } });
      this.#failures = 0;
      this.#toldProblem = undefined;
    }
  }

  /** What is to be sent now; a text that is lost is made again. */
  async #next(): Promise<Queued[]> {
    const { store, clock, settings } = this.#parts;
    const { member, signal } = this.#options;
    while (!signal.aborted) {
      try {
        const pauses = { nowMs: clock.nowMs(), longestMs: settings.maxRetryMs };
        return await store.queued(member, batchItems, this.#batchBytes, pauses);
      } catch (error) {
        if (!isLostText(error)) throw error;
        await madeAgain(this.#parts, member, error);
      }
    }
    return [];
  }

  /**
   * Waits for as long as the last request took, from its end on: what is said meanwhile goes together. A request costs a stream, and a commit
   * at both ends, for one message as for many: so the busier the machines are, the more share one, and what comes after a while goes at once.
   */
  async #gather(): Promise<void> {
    const leftMs = Math.min(mostGatherMs, this.#tookMs) - (performance.now() - this.#endedMs);
    // Measured by the machine's own time, whatever the clock is set to.
    if (leftMs > 0) await systemClock.sleep(leftMs, this.#options.signal);
  }

  async #ask(batch: readonly Queued[]): Promise<DeliveryAnswer[]> {
    const { net, member, signal } = this.#options;
    const frames = net.request(member, activityProtocols.deliver, framesOf(batch.map(({ item }) => item)), {
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

  #outcome({ sealDigest, activity, tries }: Queued, answer: DeliveryAnswer): Outcome {
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
    // Of the member itself: with the next message it would be the same.
    if (/^(peer|storage)-/.test(code) && canChange(code)) return { sealDigest, member, state: 'queued', problem };
    if (canChange(code)) return { sealDigest, member, state: 'queued', problem, nextMs: this.#nextMs(tries) };
    if (code === 'activity-forked') this.#parts.disputed(activity, member);
    metrics.refusedByMember();
    return { sealDigest, member, state: 'refused', problem };
  }

  #nextMs(tries: number): number {
    const { clock, settings } = this.#parts;
    return clock.nowMs() + Math.ceil(this.#jittered(pauseMs(settings, tries)));
  }

  /** A smaller batch may come through in time; where a single message does not, the others do not wait for it. */
  async #failed(batch: readonly Queued[], error: unknown): Promise<void> {
    const code = isNotariumError(error) ? error.code : 'internal';
    const isSlow = code === 'peer-timeout';
    if (isSlow) this.#batchBytes = Math.max(leastBatchBytes, this.#batchBytes / 4);
    const [only] = batch;
    const nextMs = isSlow && batch.length === 1 ? this.#nextMs(only!.tries) : undefined;
    this.#mayRest ||= nextMs !== undefined;
    if (this.#toldProblem === code && nextMs === undefined) return;
    this.#toldProblem = code;
    const problem = { code, detail: isNotariumError(error) ? error.detail : '' };
    const { member } = this.#options;
    await this.#parts.store.delivered(
      batch.map(({ sealDigest }) => ({ sealDigest, member, state: 'queued' as const, problem, nextMs })),
    );
  }

  #wrong(detail: string): NotariumError {
    const { net, member } = this.#options;
    return wrongAnswer(net, member, detail);
  }
}

/** Whether the same message may be taken later. A key that does not fit may be one that the registry has not told us yet. */
function canChange(code: string): boolean {
  if (code === 'activity-message-unreadable') return true;
  if (!Object.hasOwn(errorTable, code)) return false;
  const { retry, status } = errorTable[code as ErrorCode];
  return retry || status >= 500;
}
