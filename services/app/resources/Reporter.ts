import { type Hash, utf8 } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import { every, type Loop } from '../../lib/every.ts';
import { silentLogger } from '../../lib/logger.ts';
import type { Finding, StoredReport, StoredVersion } from '../../store/ResourceStore.ts';
import type { VersionProjection } from '../governance/projections.ts';
import { leaseOf } from './leaseOf.ts';
import { makeReport } from './makeReport.ts';
import type { ResourceParts } from './ResourceParts.ts';
import { WakefulClock } from './WakefulClock.ts';

const retryMs = 5_000;
const openAtOnce = 64;
/** Reports on one version that wait for nothing; each further one waits twice as long as the one before, up to the longest. */
const freeReports = 6;
const firstPauseMs = 60_000;
const longestPauseMs = 3_600_000;

/**
 * Tells the consortium what is really there: a record in the log with the digest of the full report, and the report itself on
 * chain, signed. Each passes a durable outbox (made, recorded, sending, sent), so that a crash anywhere neither loses nor doubles it.
 */
export class Reporter {
  readonly #parts: ResourceParts;
  readonly #onSent: (resourceSet: Hash) => void;
  readonly #stop = new AbortController();
  readonly #clock: WakefulClock;
  #loop: Loop | undefined;

  /** `onSent` is told which set can be reported on again. */
  constructor(parts: ResourceParts, onSent: (resourceSet: Hash) => void) {
    this.#parts = parts;
    this.#onSent = onSent;
    this.#clock = new WakefulClock(parts.clock);
  }

  start(): void {
    const { resourceProblems, logger } = this.#parts;
    this.#loop = every(retryMs, () => this.#deliver(), {
      signal: this.#stop.signal,
      logger: silentLogger,
      name: 'reports on resource sets',
      clock: this.#clock,
      onFailure: (error) => {
        const detail = isNotariumError(error) ? error.message : String(error);
        if (!resourceProblems.raise('resource-failed', 'reports', `a report cannot be sent: ${detail}`)) return;
        logger.error({ err: error }, 'a report on a resource set cannot be sent');
      },
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop?.done;
  }

  /**
   * Makes a report where what was found is not what this node has reported last. Nothing happens where the node was not in the
   * committee of the version, or where it could not be known what is there.
   */
  async report(
    target: VersionProjection,
    {
      name,
      row,
      finding,
    }: { readonly name: string | undefined; readonly row: StoredVersion; readonly finding: Finding },
  ): Promise<void> {
    const { store, chain, signer, governance, clock } = this.#parts;
    const { resourceSet, version } = target;
    const { actualHash } = finding;
    if (actualHash === undefined) return;
    const { members } = await chain.committee(target.epoch);
    if (!members.includes(signer.address)) return;
    const [last] = await store.resourceReports(resourceSet, version, 1);
    if (last && last.state !== 'sent' && last.state !== 'void') return;
    const onChain = target.reports.find(({ reporter }) => reporter === signer.address);
    if (last?.state === 'sent' && last.actualHash === actualHash) {
      if (onChain?.sequence === last.sequence && onChain.actualHash === actualHash) return;
      const sequence = await governance.reportSequence(resourceSet, version, signer.address);
      if (sequence === last.sequence) return;
      // A reorganisation of the chain has taken it away: it goes out again as it is.
      if (sequence < last.sequence) return await this.#save({ ...last, state: 'recorded' });
    }
    // Negative where the clock was ahead then: that must not keep it silent until then.
    const agoMs = last ? clock.nowMs() - Date.parse(last.madeAt) : Number.POSITIVE_INFINITY;
    if (last && agoMs >= 0 && agoMs < pauseAfter(last.sequence)) return;
    const found = { name, row, finding, actualHash, after: last?.sequence ?? 0 };
    await this.#save(await makeReport(this.#parts, target, found));
  }

  async #save(report: StoredReport): Promise<void> {
    await this.#parts.store.saveReport(report, { lease: await leaseOf(this.#parts) });
    this.#clock.wake();
  }

  async #deliver(): Promise<void> {
    const { store, notices, resourceProblems } = this.#parts;
    let failure: unknown;
    if (await notices.lease()) {
      for (const report of await store.openReports(openAtOnce)) {
        this.#stop.signal.throwIfAborted();
        try {
          await this.#deliverOne(report);
        } catch (error) {
          // The reports on other sets need not wait for it.
          failure ??= error;
        }
      }
    }
    if (failure !== undefined) throw failure;
    resourceProblems.clear('resource-failed', 'reports');
  }

  async #deliverOne(open: StoredReport): Promise<void> {
    let report = open;
    while (report.state !== 'sent' && report.state !== 'void') {
      this.#stop.signal.throwIfAborted();
      report = await this.#advance(report);
      await this.#parts.store.saveReport(report, { lease: await leaseOf(this.#parts) });
    }
    this.#onSent(report.resourceSet);
  }

  async #advance(report: StoredReport): Promise<StoredReport> {
    const { contents, accept, logger } = this.#parts;
    switch (report.state) {
      case 'made': {
        await contents.put(utf8(report.document));
        const [result] = await accept([report.entry]);
        if (result!.status === 'failed') throw result!.error;
        return { ...report, state: 'recorded' };
      }
      case 'recorded':
        return { ...report, state: 'sending' };
      default: {
        const { resourceSet, version, matches, sequence } = report;
        const sent = await this.#send(report);
        logger.info({ id: resourceSet, version, sequence, matches, state: sent.state }, 'a report on a resource set');
        return sent;
      }
    }
  }

  async #send(report: StoredReport): Promise<StoredReport> {
    const { governance, signer } = this.#parts;
    const { resourceSet, version, sequence, actualHash, recordId } = report;
    const call = { resourceSet, version, sequence, actualHash, recordId };
    const reached = async () => {
      const onChain = await governance.reportSequence(resourceSet, version, signer.address);
      if (onChain < sequence) return undefined;
      // A copy of this centre, from a backup, may have used the number for something else; the next check tells.
      return { ...report, state: onChain === sequence ? ('sent' as const) : ('void' as const) };
    };
    const done = await reached();
    if (done) return done;
    try {
      const { transactionHash } = await governance.submitReport(call, { signal: this.#stop.signal });
      return { ...report, state: 'sent', transactionHash };
    } catch (error) {
      if (!isNotariumError(error)) throw error;
      // Not a reporter, or no such version any more.
      if (error.code === 'elector-unknown' || error.code === 'resource-unknown') {
        return { ...report, state: 'void', reason: error.message };
      }
      const stale = error.data.error === 'ReportStale' ? await reached() : undefined;
      if (stale) return stale;
      throw error;
    }
  }
}

function pauseAfter(sequence: number): number {
  if (sequence < freeReports) return 0;
  return Math.min(longestPauseMs, firstPauseMs * 2 ** (sequence - freeReports));
}
