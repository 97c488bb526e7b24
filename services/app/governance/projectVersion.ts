import type { Address } from '../../core/bytes.ts';
import type { NewNotice } from '../../store/GovernanceStore.ts';
import { eventOf } from './noticeOf.ts';
import type { VersionProjection } from './projections.ts';

/**
 * A version of a resource set as it follows from its notices; undefined where none of them says that it was added.
 * @param notices In chain order.
 */
export function projectVersion(notices: readonly NewNotice[]): VersionProjection | undefined {
  const events = notices.map(eventOf);
  const added = events.find((event) => event.type === 'version.added');
  if (!added) return undefined;
  const { type, place, ...said } = added;
  const reports = new Map<Address, VersionProjection['reports'][number]>();
  let state: VersionProjection['state'] = 'passed';
  for (const event of events) {
    if (event.type === 'version.state') state = event.state;
    if (event.type !== 'version.reported') continue;
    const { reporter, matches, sequence, actualHash, recordId, place: where } = event;
    // Taken out first: the latest stand in chain order.
    reports.delete(reporter);
    reports.set(reporter, { reporter, matches, sequence, actualHash, recordId, place: where });
  }
  return { ...said, state, added: place, reports: [...reports.values()] };
}
