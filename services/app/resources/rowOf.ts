import { nextApplicationState } from '../../core/governance/applicationState.ts';
import type { StoredVersion } from '../../store/ResourceStore.ts';
import type { VersionProjection } from '../governance/projections.ts';
import { leaseOf } from './leaseOf.ts';
import type { ResourceParts } from './ResourceParts.ts';

const othersAtOnce = 100;

/** The row of a version, made where there is none; those of other versions that are under way are passed over. */
export async function rowOf(
  parts: Pick<ResourceParts, 'store' | 'clock' | 'notices'>,
  { resourceSet, version, configurationHash }: VersionProjection,
  name: string | undefined,
): Promise<StoredVersion> {
  const { store, clock } = parts;
  const changedAt = new Date(clock.nowMs()).toISOString();
  const states = ['waiting', 'applying', 'reading', 'rolling-back'] as const;
  const under = await store.resourceVersions({ resourceSet, states, limit: othersAtOnce });
  const skipped = under
    .filter((row) => row.version !== version)
    .map((row) => ({ ...row, state: nextApplicationState(row.state, 'skip'), changedAt }));
  const known = await store.resourceVersion(resourceSet, version);
  const isKnown = known?.configurationHash === configurationHash;
  // After a deep reorganisation the number may stand for something else.
  const fallback = known?.fallback ? { fallback: known.fallback } : {};
  const fresh = { resourceSet, version, configurationHash, state: 'waiting', attempts: 0, changedAt } as const;
  const row: StoredVersion = isKnown ? known : { ...fresh, ...fallback };
  const kept = await store.resourceSet(resourceSet);
  const isNamed = name === undefined || kept?.name === name;
  if (isKnown && skipped.length === 0 && kept && isNamed) return row;
  const set = { ...kept, resourceSet, ...(name === undefined ? {} : { name }) };
  await store.saveResource({ set, versions: [...skipped, row] }, { lease: await leaseOf(parts) });
  return row;
}
