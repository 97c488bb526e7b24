import type { ApiKeyView, Centre, CentreStatus } from '../app/Centre.ts';
import { isNotariumError, NotariumError } from '../core/errors.ts';
import { allows } from './Access.ts';

/**
 * Whether the caller is the operator: has a key of scope `admin`. Nobody else is told what shows whether the centre takes part in private
 * activities: who compares several centres would see who takes part together.
 */
export function isOperator(key: ApiKeyView | undefined): boolean {
  return key !== undefined && allows(key, 'admin');
}

// A counter of activities, or a label that names a protocol, a route or a code of theirs.
const aboutActivities = /^(?:# [A-Z]+ )?notarium_activity_|="[^"]*activit|="\/v1\/devices/;
// Records of activities are handed in by no request that is counted: at which centre one came into the log would be seen by these.
const aboutRecords = /^(?:# [A-Z]+ )?notarium_records_(?:accepted|refused)_total|\{name="records"/;

/** Metrics, as text of Prometheus, without those by which it is seen who takes part in private activities. */
export function openMetrics(text: string): string {
  return text
    .split('\n')
    .filter((line) => !aboutActivities.test(line) && !aboutRecords.test(line))
    .join('\n');
}

/**
 * The status as who asks may see it: nobody but the operator sees problems of private activities, or that a member was cut off in one.
 * @throws NotariumError `not-ready` with `data.problems`, of which the same holds.
 */
export async function statusFor(
  key: ApiKeyView | undefined,
  { status }: Pick<Centre, 'status'>,
): Promise<CentreStatus> {
  if (isOperator(key)) return await status();
  try {
    const { problems, peers, ...rest } = await status();
    return {
      ...rest,
      problems: problems.filter(isOpen),
      peers: peers.map(({ cutOffReason, ...peer }) =>
        cutOffReason === undefined || !isOpen({ code: cutOffReason }) ? peer : { ...peer, cutOffReason },
      ),
    };
  } catch (error) {
    if (!isNotariumError(error, 'not-ready')) throw error;
    const problems = ((error.data.problems ?? []) as CentreStatus['problems']).filter(isOpen);
    throw new NotariumError('not-ready', error.detail, { data: { ...error.data, problems }, cause: error });
  }
}

function isOpen({ code }: { readonly code: string }): boolean {
  return !code.startsWith('activity-');
}
