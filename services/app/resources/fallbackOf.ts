import type { Fallback, StoredVersion } from '../../store/ResourceStore.ts';
import type { Actual } from './inspect.ts';
import type { ResourceParts } from './ResourceParts.ts';
import { versionOf } from './versionsOf.ts';

/** What to go back to, see ADR 18: the newest version applied here that has not failed, else what was there before anything was written. */
export async function fallbackOf(
  { store }: Pick<ResourceParts, 'store'>,
  row: StoredVersion,
  actual: Actual,
): Promise<Fallback> {
  const { resourceSet, version } = row;
  for (let below = version; ; ) {
    const [applied] = await store.resourceVersions({ resourceSet, below, states: ['applied'], limit: 1 });
    if (!applied) break;
    below = applied.version;
    const onChain = await versionOf(store, resourceSet, below);
    if (onChain?.configurationHash !== applied.configurationHash || onChain.state === 'failed') continue;
    return { kind: 'version', version: below, configurationHash: applied.configurationHash };
  }
  if (row.fallback) return row.fallback;
  // Of another version that was begun here something may still be there: what was before it is what to go back to.
  const written = (await store.resourceSet(resourceSet))?.written;
  const begun = written === undefined ? undefined : await store.resourceVersion(resourceSet, written);
  if (begun?.fallback && begun.state !== 'rolled-back') return begun.fallback;
  return actual.kind === 'there' ? { kind: 'found', configuration: actual.configuration } : { kind: 'nothing' };
}

/** Version of a fallback; 0 for what was there before any. */
export function versionIn(fallback: Fallback): number {
  return fallback.kind === 'version' ? fallback.version : 0;
}
