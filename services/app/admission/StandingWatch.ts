import type { RegistryNode } from '../../chain/RegistryNode.ts';
import { admissionSubject } from '../../core/admission/outcomeRecord.ts';
import { admissionKind } from '../../core/admission/report.ts';
import type { Address } from '../../core/bytes.ts';
import type { AdmissionRules } from '../../core/governance/proposalContent.ts';
import type { NotariumRecord } from '../../core/recordSchema.ts';
import type { CentreStanding } from '../../store/AdmissionStore.ts';
import type { AdmissionParts } from './AdmissionParts.ts';

const pageSize = 100;
/** How far the clocks of chain and centres may be apart: what is said to have been later than that has not been. */
const apartMs = 3_600_000;

type Parts = Pick<AdmissionParts, 'chain' | 'registry' | 'store' | 'notices' | 'logger' | 'metrics'> & {
  /** Called when clients may find new events. */
  readonly onChange: () => void;
};

/** Where the log has been read to about a centre, and when another authenticator has last seen it pass. */
type Seen = { after?: string; passedMs: number };

/** Watches which centres no longer meet the minimum, or have not shown for too long that they do, and tells it once. */
export class StandingWatch {
  readonly #parts: Parts;
  readonly #seen = new Map<Address, Seen>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async look(): Promise<void> {
    const { chain, registry, store, notices, logger, metrics, onChange } = this.#parts;
    const rules = await chain.admission.rules();
    const nowMs = 1000 * notices.chainSeconds();
    const stored = await store.centreStandings();
    const before = new Map(stored.map((standing) => [standing.address, standing]));
    const standings: CentreStanding[] = [];
    for (const node of registry.others()) {
      const sinceMs = before.get(node.address)?.sinceMs ?? nowMs;
      const reason = await this.#reason(node, { rules, sinceMs, nowMs });
      standings.push({ address: node.address, sinceMs, ...(reason === undefined ? {} : { reason }) });
    }
    metrics.centresBelowMinimum.set(standings.filter(({ reason }) => reason !== undefined).length);
    const changed = standings.filter(({ address, reason }) => before.get(address)?.reason !== reason);
    if (
      changed.length === 0 &&
      standings.length === stored.length &&
      standings.every((each) => before.has(each.address))
    ) {
      return;
    }
    const events = changed.map(({ address, reason }) => ({
      type: 'admission.below-minimum',
      time: new Date(nowMs).toISOString(),
      data: { address, isBelow: reason !== undefined, ...(reason === undefined ? {} : { reason }) },
    }));
    const lease = await notices.lease();
    if (!lease) return;
    await store.saveCentreStandings(standings, { events, lease });
    for (const { address, reason } of changed) {
      if (reason === undefined) logger.info({ address }, 'a centre meets the minimum again');
      else logger.warn({ address, reason }, 'a centre is below the minimum of the network');
    }
    if (events.length > 0) onChange();
  }

  async #reason(
    { address, application }: RegistryNode,
    { rules, sinceMs, nowMs }: { rules: AdmissionRules; sinceMs: number; nowMs: number },
  ): Promise<string | undefined> {
    const { store } = this.#parts;
    const untilMs = nowMs + apartMs;
    const own = await store.lastOutcome(address, 'passed');
    const ownMs = own && own.timeMs <= untilMs ? own.timeMs : 0;
    const passedMs = Math.max(ownMs, await this.#passedElsewhereMs(address, untilMs));
    const failed = await store.lastOutcome(address, 'failed', 'renewal');
    if (failed && failed.timeMs > passedMs) {
      return `failed at ${new Date(failed.timeMs).toISOString()}: ${failed.code}`;
    }
    const shownMs = Math.max(sinceMs, passedMs, 1000 * (application?.appliedAt ?? 0));
    const dueMs = shownMs + 1000 * rules.renewSeconds;
    if (rules.renewSeconds === 0 || nowMs <= dueMs) return undefined;
    return `to be authenticated again since ${new Date(dueMs).toISOString()}`;
  }

  /** What the other authenticators have found out is in the log. */
  async #passedElsewhereMs(address: Address, untilMs: number): Promise<number> {
    const seen = this.#seen.get(address) ?? { passedMs: 0 };
    this.#seen.set(address, seen);
    const authenticators = new Set(
      this.#parts.registry.others().flatMap((node) => (node.isAuthenticator ? [node.address] : [])),
    );
    for (;;) {
      const after = seen.after === undefined ? {} : { after: seen.after };
      const subject = admissionSubject(address);
      const { hits, next } = await this.#parts.store.search({ subject, ...after, limit: pageSize });
      for (const { entry } of hits) {
        const { kind, meta, submitter, time } = JSON.parse(new TextDecoder().decode(entry)) as NotariumRecord;
        // Not of the node itself, should it be an authenticator too; and others may put anything into the log.
        if (kind !== admissionKind || meta?.outcome !== 'passed' || submitter === address) continue;
        const timeMs = Date.parse(time);
        // Nobody takes a centre out of the watch for good by a time that is far off.
        if (authenticators.has(submitter) && timeMs <= untilMs) seen.passedMs = Math.max(seen.passedMs, timeMs);
      }
      const last = hits.at(-1);
      if (last) seen.after = String(last.leafIndex);
      if (next === undefined) return seen.passedMs;
    }
  }
}
