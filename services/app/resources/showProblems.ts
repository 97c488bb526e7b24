import type { Hash } from '../../core/bytes.ts';
import type { ApplicationState } from '../../core/governance/applicationState.ts';
import type { Finding, StoredVersion } from '../../store/ResourceStore.ts';
import type { ResourceParts } from './ResourceParts.ts';

type Parts = Pick<ResourceParts, 'resourceProblems' | 'logger'>;

/** Shows what is wrong with a set now, as problems of the centre. */
export function showProblems(
  { resourceProblems, logger }: Parts,
  {
    id,
    name,
    row,
    finding,
  }: { readonly id: Hash; readonly name: string | undefined; readonly row: StoredVersion; readonly finding: Finding },
): void {
  // Raised by the id: the name may have become known since.
  const about = name ?? id;
  const where = `${about}: version ${row.version}`;
  if (isFailure(row.state) && !finding.matches) {
    resourceProblems.raise('resource-failed', id, `${where} is ${row.state}: ${row.reason ?? ''}`);
  } else {
    resourceProblems.clear('resource-failed', id);
  }
  if (row.state !== 'applied' || finding.matches) {
    resourceProblems.clear('resource-drifted', id);
    return;
  }
  const detail = `${where} differs at ${finding.differences.slice(0, 5).join(', ') || 'all of it'}`;
  if (resourceProblems.raise('resource-drifted', id, detail)) {
    logger.warn({ resourceSet: about, version: row.version, differences: finding.differences }, 'a resource drifted');
  }
}

/** What was wrong with a set is over, or for another process to tell. */
export function clearProblems({ resourceProblems }: Pick<Parts, 'resourceProblems'>, id: Hash): void {
  for (const code of ['resource-failed', 'resource-drifted'] as const) resourceProblems.clear(code, id);
}

/** A state in which the version is not there although it is to be. */
function isFailure(state: ApplicationState): boolean {
  return state === 'rolled-back' || state === 'failed' || state === 'refused';
}
