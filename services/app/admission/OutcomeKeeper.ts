import { Readable } from 'node:stream';
import { outcomeRecord } from '../../core/admission/outcomeRecord.ts';
import { type AdmissionRefusal, type Report, sealedReport } from '../../core/admission/report.ts';
import { fromUtf8, type Hash } from '../../core/bytes.ts';
import { signRecord } from '../../core/record.ts';
import { every, type Loop } from '../../lib/every.ts';
import type { AdmissionParts } from './AdmissionParts.ts';

const keptMs = 90 * 86_400_000;
/** What the log did not take is tried again so often. */
const retryMs = 30_000;
const recordsAtOnce = 64;

type Parts = Pick<AdmissionParts, 'store' | 'contents' | 'accept' | 'signer' | 'crypto' | 'clock' | 'logger'>;

/** Keeps what became of each session: on disk first, then in the log, where nobody can take it back. */
export class OutcomeKeeper {
  readonly #parts: Parts;
  readonly #stop = new AbortController();
  #loop: Loop | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** From now on, what the log could not take is handed in again. */
  start(): void {
    const { logger, clock } = this.#parts;
    this.#loop = every(retryMs, () => this.#recordAll(), {
      signal: this.#stop.signal,
      logger,
      name: 'records of admission',
      clock,
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop?.done;
  }

  /**
   * Keeps a report, which others may fetch, or a refusal, which they may not: location and statement of who was refused are
   * nobody else's business. Resolves when it is on disk; its record goes into the log as soon as that takes it.
   * @param network Key that attempts are counted for.
   * @returns hash of the document.
   */
  async keep(document: Report | AdmissionRefusal, network: string): Promise<Hash> {
    const { store, contents, signer, crypto, clock } = this.#parts;
    const { bytes, hash } = sealedReport(document, crypto);
    const isFailed = 'code' in document;
    if (isFailed) await store.evidence.put(Readable.from([bytes]));
    else await contents.put(bytes);
    const { submitter: _, ...unsigned } = outcomeRecord(document, hash);
    const { entry } = await signRecord(unsigned, signer, crypto);
    const nowMs = clock.nowMs();
    const outcome = {
      candidate: document.candidate,
      network,
      outcome: isFailed ? ('failed' as const) : ('passed' as const),
      ...(isFailed ? { code: document.code } : {}),
      purpose: document.purpose,
      timeMs: nowMs,
      documentHash: hash,
      document: fromUtf8(bytes),
      entry: fromUtf8(entry),
    };
    await this.#record(await store.addOutcome(outcome, nowMs - keptMs), outcome.entry);
    return hash;
  }

  async #recordAll(): Promise<void> {
    for (const { seq, entry } of await this.#parts.store.unrecordedOutcomes(recordsAtOnce)) {
      this.#stop.signal.throwIfAborted();
      if (!(await this.#record(seq, entry))) return;
    }
  }

  /** Whether the log has it now. */
  async #record(seq: number, entry: string): Promise<boolean> {
    const { store, accept, logger } = this.#parts;
    const [result] = await accept([entry]);
    if (result!.status === 'failed') {
      logger.warn({ err: result!.error, seq }, 'the log takes no record of an admission now; it is tried again');
      return false;
    }
    await store.outcomeRecorded(seq);
    return true;
  }
}
