import type { Hash } from '../../core/bytes.ts';
import type { StoredReport, StoredVersion } from '../../store/ResourceStore.ts';
import type { Store } from '../../store/Store.ts';
import type { VersionProjection } from '../governance/projections.ts';
import type {
  OwnVersionView,
  ResourceSetPage,
  ResourceSetView,
  ResourceVersionView,
  VersionView,
} from './ResourceDesk.ts';
import { headOf, newestVersions, versionOf } from './versionsOf.ts';

type Reads = Pick<
  Store,
  'projection' | 'projections' | 'resourceSet' | 'resourceVersion' | 'resourceReports' | 'resourceVersions'
>;

/** See {@link ResourceSetView}; undefined where the chain has no version of the set. */
export async function setView(store: Reads, id: Hash): Promise<ResourceSetView | undefined> {
  const head = await headOf(store, id);
  if (!head && (await newestVersions(store, id, { limit: 1 })).length === 0) return undefined;
  const kept = await store.resourceSet(id);
  const own = head && (await ownOf(store, head));
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
): Promise<ResourceSetPage['versions']> {
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
  const own = await ownOf(store, found);
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

/** After a reorganisation the number may stand for another configuration, which this node has not looked at yet. */
async function ownOf(store: Reads, version: VersionProjection): Promise<StoredVersion | undefined> {
  const own = await store.resourceVersion(version.resourceSet, version.version);
  return own?.configurationHash === version.configurationHash ? own : undefined;
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
