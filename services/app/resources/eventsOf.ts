import { isUnderWay } from '../../core/governance/applicationState.ts';
import type { StoredVersion } from '../../store/ResourceStore.ts';
import type { NewEvent } from '../../store/WriteOptions.ts';
import { versionIn } from './fallbackOf.ts';

/** What is to be told of a version that has come to an end. */
export function eventsOf(row: StoredVersion, name: string | undefined): NewEvent[] {
  const { resourceSet: id, version, state, reason, configurationHash, fallback, changedAt: time } = row;
  if (isUnderWay(state) || state === 'skipped') return [];
  const data = { ...(name === undefined ? {} : { resourceSet: name }), id, version, configurationHash, state };
  if (state === 'applied') return [{ type: 'resource.applied', time, data }];
  const back = state === 'rolled-back' && fallback ? { fallback: versionIn(fallback) } : {};
  return [{ type: 'resource.failed', time, data: { ...data, ...back, ...(reason === undefined ? {} : { reason }) } }];
}
