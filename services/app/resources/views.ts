import type { Address, Hash, RecordId } from '../../core/bytes.ts';
import type { ApplicationState } from '../../core/governance/applicationState.ts';
import type { Finding, ReportState, StoredReport, StoredVersion } from '../../store/ResourceStore.ts';
import type { Store } from '../../store/Store.ts';
import type { Page } from '../Centre.ts';
import type { VersionProjection } from '../governance/projections.ts';
import { headOf, newestVersions, versionOf } from './versionsOf.ts';

/** A version as this node has it. */
export type OwnVersionView = {
  readonly version: number;
  readonly state: ApplicationState;
  readonly changedAt: string;
  readonly reason?: string;
  /** What is to come back, or came back, where it cannot be applied: a version, or 0 for what was there before. */
  readonly fallback?: number;
  readonly check?: Finding;
};

/** A resource set. */
export type ResourceSetView = {
  /** Name; left out while no content tells it. */
  readonly resourceSet?: string;
  /** Keccak-256 of the name. */
  readonly id: Hash;
  /** The version that is to be there, and the one that a quorum reports as right; 0 for none. */
  readonly head: number;
  readonly inForce: number;
  /** The head as this node has it; left out before it has looked. */
  readonly own?: OwnVersionView;
};

/** A version as the chain has it. */
export type VersionView = Omit<VersionProjection, 'resourceSet' | 'added' | 'reports'> & {
  readonly addedAt: number;
  readonly transactionHash: Hash;
  /** Nodes whose latest report says right, and something else. */
  readonly matching: number;
  readonly differing: number;
};

/** A set with a page of its versions, newest first. */
export type ResourceSetPage = ResourceSetView & { readonly versions: Page<VersionView> };

/** One version with every node's latest report. */
export type ResourceVersionView = VersionView & {
  readonly resourceSet?: string;
  readonly id: Hash;
  readonly own?: OwnVersionView;
  readonly reports: readonly {
    readonly reporter: Address;
    readonly matches: boolean;
    readonly sequence: number;
    readonly actualHash: Hash;
    /** Its record in the log, whose digest is that of the full report. */
    readonly recordId: Hash;
    readonly transactionHash: Hash;
    readonly time: number;
  }[];
  /** The newest of this node, also while it is on its way. */
  readonly ownReport?: {
    readonly sequence: number;
    readonly state: ReportState;
    readonly matches: boolean;
    readonly actualHash: Hash;
    readonly recordId: RecordId;
    /** Over EIP-712 `Report` of the resource registry: who has it can hand the report in. */
    readonly signature: string;
    readonly madeAt: string;
    readonly transactionHash?: Hash;
    readonly reason?: string;
  };
};

type Reads = Pick<
  Store,
  'projection' | 'projections' | 'resourceSet' | 'resourceVersion' | 'resourceReports' | 'resourceVersions'
>;

/** See {@link ResourceSetView}; undefined where the chain has no version of the set. */
export async function setView(store: Reads, id: Hash): Promise<ResourceSetView | undefined> {
  const head = await headOf(store, id);
  if (!head && (await newestVersions(store, id, { limit: 1 })).length === 0) return undefined;
  const kept = await store.resourceSet(id);
  const own = head && (await store.resourceVersion(id, head.version));
  return {
    ...(kept?.name === undefined ? {} : { resourceSet: kept.name }),
    id,
    head: head?.version ?? 0,
    inForce: await inForceOf(store, id),
    ...(own ? { own: ownView(own) } : {}),
  };
}

/** A page of versions; the cursor is the place of the last one. */
export async function versionPage(
  store: Reads,
  id: Hash,
  { before, limit }: { readonly before?: number; readonly limit: number },
): Promise<Page<VersionView>> {
  const found = await newestVersions(store, id, {
    ...(before === undefined ? {} : { beforeSeq: before }),
    limit: limit + 1,
  });
  const page = found.slice(0, limit);
  const next = found.length > limit ? { next: String(page.at(-1)!.seq) } : {};
  return { items: page.map(({ version }) => versionView(version)), ...next };
}

/** See {@link ResourceVersionView}; undefined where there is no such version. */
export async function resourceVersionView(
  store: Reads,
  id: Hash,
  version: number,
): Promise<ResourceVersionView | undefined> {
  const found = await versionOf(store, id, version);
  if (!found) return undefined;
  const kept = await store.resourceSet(id);
  const own = await store.resourceVersion(id, version);
  const [report] = await store.resourceReports(id, version, 1);
  return {
    ...(kept?.name === undefined ? {} : { resourceSet: kept.name }),
    id,
    ...versionView(found),
    ...(own ? { own: ownView(own) } : {}),
    reports: found.reports.map(({ place: { transactionHash, timestamp: time }, ...rest }) => ({
      ...rest,
      transactionHash,
      time,
    })),
    ...(report ? { ownReport: reportView(report) } : {}),
  };
}

/** The newest one that a quorum has reported as right: versions do not take the place of newer ones. */
async function inForceOf(store: Reads, id: Hash): Promise<number> {
  let beforeSeq: number | undefined;
  for (;;) {
    const page = await newestVersions(store, id, { ...(beforeSeq === undefined ? {} : { beforeSeq }), limit: 100 });
    const verified = page.find(({ version }) => version.state === 'verified');
    if (verified || page.length === 0) return verified?.version.version ?? 0;
    beforeSeq = page.at(-1)!.seq;
  }
}

function versionView({ resourceSet: _, added, reports, ...rest }: VersionProjection): VersionView {
  const matching = reports.filter(({ matches }) => matches).length;
  return {
    ...rest,
    addedAt: added.timestamp,
    transactionHash: added.transactionHash,
    matching,
    differing: reports.length - matching,
  };
}

function ownView({ version, state, changedAt, reason, fallback, finding }: StoredVersion): OwnVersionView {
  return {
    version,
    state,
    changedAt,
    ...(reason === undefined ? {} : { reason }),
    ...(fallback === undefined || fallback.kind === 'nothing'
      ? {}
      : { fallback: fallback.kind === 'version' ? fallback.version : 0 }),
    ...(finding ? { check: finding } : {}),
  };
}

function reportView(report: StoredReport): NonNullable<ResourceVersionView['ownReport']> {
  const { resourceSet: _set, version: _version, document: _document, entry: _entry, ...rest } = report;
  return rest;
}
