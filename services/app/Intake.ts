import { promiseDigest } from '../core/acceptance.ts';
import { type Address, type Hash, type RecordId, toHex } from '../core/bytes.ts';
import { slotAt } from '../core/committee.ts';
import type { Network } from '../core/eip712.ts';
import { isNotariumError, NotariumError } from '../core/errors.ts';
import type { Signer } from '../core/signature.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { AdmitOutcome, PoolRow } from '../store/PoolRow.ts';
import type { Store } from '../store/Store.ts';
import { Arrivals } from './Arrivals.ts';
import type { BriefResult, IntakeResult } from './Centre.ts';
import type { CheckedLine, CheckedLines } from './checkLines.ts';
import type { IntakeTask } from './intakeWorker.ts';
import { PoolShares } from './PoolShares.ts';
import { keptAcceptance, poolAcceptance, unsignedPromise, watchPooled } from './poolAcceptance.ts';

/** What intake needs of the rest. */
export type IntakeParts = {
  readonly store: Pick<Store, 'admit' | 'poolStatus' | 'promise'>;
  readonly workers: { readonly threadCount: number; check(task: IntakeTask): Promise<CheckedLines> };
  readonly network: Network;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly periodSeconds: number;
  /** How many slots ahead an acceptance promises inclusion. */
  readonly promiseSlots: number;
  /** Records that may wait for a block; beyond that, `pool-full`. */
  readonly poolLimit: number;
  /** Part of `poolLimit` up to which other centres may fill the pool, and what one of them may have of it. */
  readonly othersPoolPart: number;
  readonly peerPoolPart: number;
  /** Told the entries that have just come to be on disk. */
  readonly onAccepted?: (entries: readonly Uint8Array[]) => void;
};

/** One call of accept, until all its lines have a result. */
type Job = {
  readonly results: BriefResult[];
  /** Whether acceptances are wanted. */
  readonly signs: boolean;
  remaining: number;
  readonly done: () => void;
};
type Line = { readonly text: string; readonly job: Job; readonly index: number };

const maxTaskLines = 512;
// Fewer are not worth a message to a thread as long as one is at work: they wait for more.
const minTaskLines = 16;
// Text on its way through the intake, in characters; beyond that, `pool-full`, whoever sent it.
const maxWaitingChars = 64 * 1024 * 1024;

/**
 * Takes records in: checks them in threads, stores them in one durable group commit at a time, and only then answers.
 * While a commit is on its way to the disk, what arrives gathers for the next one, so the cost of an fsync is shared by
 * all who wait for it.
 */
export class Intake {
  #parts: IntakeParts;
  #arrivals: Arrivals;
  #lines: Line[] = [];
  #checking = 0;
  #pumping = false;
  #closed = false;
  #open = 0;
  #idle: (() => void) | undefined;
  /** Lines taken whose result is still out; bounds memory together with the pool limit. */
  #waiting = 0;
  #waitingChars = 0;
  #pool = new PoolShares();

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#arrivals = new Arrivals(parts.store);
  }

  /** Lines taken whose result is still out. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Whether so many records more that another centre passes on have room in the pool, and in its share of it. With
   * `beyond`, for a block: so many beyond these limits, and whatever our own clients have filled.
   */
  hasRoomFor(count: number, peer: Address, beyond = 0): boolean {
    const { poolLimit, othersPoolPart, peerPoolPart } = this.#parts;
    // Pools that are full of records of their own would keep each centre from voting for the others, for ever.
    const filled = beyond > 0 ? this.#pool.ofOthers : this.#pool.count + this.#waiting;
    return (
      filled + count <= othersPoolPart * poolLimit + beyond &&
      this.#pool.of(peer) + count <= peerPoolPart * poolLimit + beyond
    );
  }

  /** Counts records that came into the pool from another centre. */
  addPooled(count: number, peer: Address): void {
    this.#pool.add(count, peer);
  }

  /** Sets how many records are in the pool, so that the limit holds without asking the database each time. */
  setPooled(count: number): void {
    this.#pool.set(count);
  }

  /** See `Centre.accept`. Never rejects: what fails, fails a line. */
  accept(texts: readonly string[]): Promise<IntakeResult[]> {
    return this.#take(texts, true) as Promise<IntakeResult[]>;
  }

  /** See `Centre.acceptBriefly`. Never rejects. */
  acceptBriefly(texts: readonly string[]): Promise<BriefResult[]> {
    return this.#take(texts, false);
  }

  #take(texts: readonly string[], signs: boolean): Promise<BriefResult[]> {
    if (texts.length === 0) return Promise.resolve([]);
    const chars = texts.reduce((sum, text) => sum + text.length, 0);
    const refusal = this.#refusal(texts.length, chars);
    if (refusal) return Promise.resolve(texts.map(() => ({ status: 'failed', error: refusal })));
    const { promise, resolve } = Promise.withResolvers<BriefResult[]>();
    this.#open++;
    const job: Job = {
      results: new Array<BriefResult>(texts.length),
      signs,
      remaining: texts.length,
      done: () => {
        this.#open--;
        resolve(job.results);
        if (this.#open === 0) this.#idle?.();
      },
    };
    this.#waiting += texts.length;
    this.#waitingChars += chars;
    texts.forEach((text, index) => {
      this.#lines.push({ text, job, index });
    });
    this.#pumpSoon();
    return promise;
  }

  /** Takes nothing more, and resolves when everything taken has its answer. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#open === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  #refusal(count: number, chars: number): NotariumError | undefined {
    if (this.#closed) return new NotariumError('shutting-down');
    if (this.#waitingChars > 0 && this.#waitingChars + chars > maxWaitingChars) {
      return new NotariumError('pool-full', 'too much is on its way into the pool', {
        data: { have: this.#waitingChars, want: maxWaitingChars },
      });
    }
    const have = this.#pool.count + this.#waiting;
    if (have + count > this.#parts.poolLimit) {
      return new NotariumError('pool-full', undefined, { data: { have, want: this.#parts.poolLimit } });
    }
    return undefined;
  }

  #settle(line: Line, result: BriefResult): void {
    line.job.results[line.index] = result;
    this.#waiting--;
    this.#waitingChars -= line.text.length;
    if (--line.job.remaining === 0) line.job.done();
  }

  /** What comes in one turn of the event loop, from many connections, goes to the threads together. */
  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      this.#pumpChecks();
    });
  }

  #pumpChecks(): void {
    const { workers } = this.#parts;
    // One task more than threads, so that no thread waits for us between two.
    while (this.#lines.length > 0 && this.#checking <= workers.threadCount) {
      if (this.#checking > 0 && this.#lines.length < minTaskLines) return;
      const share = Math.ceil(this.#lines.length / workers.threadCount);
      const most = Math.min(this.#lines.length, maxTaskLines, Math.max(minTaskLines, share));
      // A task signs all of its lines or none.
      const { signs } = this.#lines[0]!.job;
      let count = 1;
      while (count < most && this.#lines[count]!.job.signs === signs) count++;
      const batch = this.#lines.splice(0, count);
      this.#checking++;
      void this.#check(batch);
    }
  }

  async #check(batch: readonly Line[]): Promise<void> {
    try {
      const { rows, lines, outcomes } = await this.#arrivals.take(batch.length, () => this.#checked(batch));
      const accepted: Uint8Array[] = [];
      await this.#promisePooled(rows, lines, outcomes);
      for (const [index, row] of rows.entries()) {
        const line = lines[index]!;
        const outcome = outcomes[index]!;
        if (outcome.status === 'accepted') accepted.push(row.entry);
        const result = this.#result(line.job, toHex(row.id), row, outcome);
        // Nothing to wait for, as a rule: a turn of the microtask queue for each record is not free.
        this.#settle(line, result instanceof Promise ? await result : result);
      }
      if (accepted.length > 0) {
        this.#pool.add(accepted.length);
        this.#parts.onAccepted?.(accepted);
      }
    } catch (error) {
      // Lines that already have their result keep it; the others fail with this one.
      this.#failAll(
        batch.filter((line) => line.job.results[line.index] === undefined),
        error,
      );
    }
  }

  /** Puts into the outcomes what is promised for rows that were in the pool before, where acceptances are wanted. */
  async #promisePooled(rows: readonly PoolRow[], lines: readonly Line[], outcomes: AdmitOutcome[]): Promise<void> {
    const known: (Extract<AdmitOutcome, { status: 'pooled' }> & { index: number; id: Uint8Array })[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'pooled' && lines[index]!.job.signs)
        known.push({ ...outcome, index, id: rows[index]!.id });
    }
    if (known.length === 0) return;
    const { store, clock, periodSeconds, promiseSlots } = this.#parts;
    const promised = await watchPooled(store, known, slotAt(clock.nowMs(), periodSeconds) + promiseSlots);
    for (const outcome of promised) outcomes[outcome.index] = outcome;
  }

  /** Rows to be stored, each with its line; lines that are wrong have their result. */
  async #checked(batch: readonly Line[]): Promise<{ rows: PoolRow[]; lines: Line[] }> {
    const { workers, clock, periodSeconds, promiseSlots } = this.#parts;
    const nowMs = clock.nowMs();
    const promise = {
      acceptedAt: Math.floor(nowMs / 1000),
      includeBySlot: slotAt(nowMs, periodSeconds) + promiseSlots,
    };
    const { signs } = batch[0]!.job;
    const checking = workers.check({ lines: batch.map(({ text }) => text), nowMs, promise, signs });
    const { checked, failed } = await checking.finally(() => {
      this.#checking--;
      this.#pumpChecks();
    });
    for (const { index, code, detail, data } of failed) {
      this.#settle(batch[index]!, {
        status: 'failed',
        error: new NotariumError(code, detail || undefined, { data }),
      });
    }
    const rows: PoolRow[] = [];
    for (const item of checked) {
      const row = this.#row(item, promise, signs);
      rows.push(row instanceof Promise ? await row : row);
    }
    return { rows, lines: checked.map(({ index }) => batch[index]!) };
  }

  #row(
    item: CheckedLine,
    promise: { acceptedAt: number; includeBySlot: number },
    signs: boolean,
  ): PoolRow | Promise<PoolRow> {
    const acceptance = signs ? item.acceptance : unsignedPromise;
    if (acceptance !== undefined) return rowOf(item, promise, acceptance);
    const { network, signer } = this.#parts;
    return signer.sign(promiseDigest(network, item.id, promise)).then((signature) => rowOf(item, promise, signature));
  }

  #failAll(lines: readonly Line[], error: unknown): void {
    const failure = isNotariumError(error) ? error : new NotariumError('internal', undefined, { cause: error });
    if (failure.code === 'internal') this.#parts.logger.error({ err: error }, 'intake failed');
    for (const line of lines) this.#settle(line, { status: 'failed', error: failure });
  }

  #result(job: Job, id: RecordId, row: PoolRow, outcome: AdmitOutcome): BriefResult | Promise<BriefResult> {
    const failed = (error: NotariumError): IntakeResult => ({ status: 'failed', id, error });
    switch (outcome.status) {
      case 'accepted':
        if (!job.signs) return { status: 'accepted', id };
        return { status: 'accepted', id, acceptance: keptAcceptance(this.#parts.signer.address, id, row) };
      case 'pooled':
        return job.signs ? this.#known(id, outcome) : { status: 'known', id };
      case 'logged':
        return { status: 'logged', id, leafIndex: outcome.leafIndex };
      case 'refused':
        return failed(
          new NotariumError('record-refused', outcome.refusal.reason, { data: { refusal: outcome.refusal } }),
        );
      case 'rival':
        return failed(
          new NotariumError('record-successor-taken', undefined, { data: { winner: toHex(outcome.winner) as Hash } }),
        );
      case 'failed':
        return failed(outcome.error);
      case 'predecessor-unknown':
        return failed(new NotariumError('record-predecessor-unknown'));
      case 'holder-mismatch':
        return failed(
          new NotariumError('record-holder-mismatch', undefined, {
            data: { have: toHex(row.submitter), want: toHex(outcome.holder) },
          }),
        );
    }
  }

  async #known(id: RecordId, outcome: Extract<AdmitOutcome, { status: 'pooled' }>): Promise<IntakeResult> {
    const { network, signer } = this.#parts;
    return { status: 'known', id, acceptance: await poolAcceptance(network, signer, id, outcome) };
  }
}

// Field by field: to spread a line and a promise into each row takes several times as long.
function rowOf(
  { id, entry, leafHash, expiresMs, supersedes, holder, digest, subject, submitter }: CheckedLine,
  { acceptedAt, includeBySlot }: { acceptedAt: number; includeBySlot: number },
  acceptance: Uint8Array,
): PoolRow {
  return {
    id,
    entry,
    leafHash,
    acceptedAt,
    includeBySlot,
    acceptance,
    expiresMs,
    supersedes,
    holder,
    digest,
    subject,
    submitter,
  };
}
