import { type Packet, workLimits } from '../../core/admission/packet.ts';
import { NotariumError } from '../../core/errors.ts';
import type { AdmissionRules } from '../../core/governance/proposalContent.ts';

type Unsent<P> = P extends unknown ? Omit<P, 'index' | 'nonce'> : never;

/** A packet but for what is fresh in each session. */
export type PlannedPacket = Unsent<Packet>;

/** Each takes about a second at the minimum, so that one lucky moment is not all that is seen. */
const hashingPackets = 2;
const passes = 8;
/** At the lower of the two minimums. */
const diskSeconds = 2;
const leastDiskMiB = 16;

/** How long an answer may take, for work of so many seconds at the minimum. */
function windowOf(secondsAtMinimum: number): number {
  return Math.ceil(1.5 * 1000 * secondsAtMinimum) + 2_000;
}

/**
 * The packets of a session by the rules on chain, in their order; what has no minimum is not asked for.
 * @throws NotariumError `admission-rules-unusable` with data { field, have, want } where the rules ask for work beyond
 *   {@link workLimits}: no candidate would do it.
 */
export function planPackets(rules: AdmissionRules): readonly PlannedPacket[] {
  const { minHashesPerSecond, memoryMiB, minMemoryPassesPerMinute } = rules;
  const { minWrittenMiBPerSecond, minReadMiBPerSecond } = rules;
  const planned: PlannedPacket[] = [{ check: 'manifest', windowMs: windowOf(0) }];
  if (minHashesPerSecond > 0) {
    const checkpoints = Math.min(workLimits.checkpoints, minHashesPerSecond);
    const checkpointEvery = Math.ceil(minHashesPerSecond / checkpoints);
    const windowMs = windowOf((checkpoints * checkpointEvery) / minHashesPerSecond);
    for (let count = 0; count < hashingPackets; count++) {
      planned.push({ check: 'hashing', checkpoints, checkpointEvery, windowMs });
    }
  }
  if (minMemoryPassesPerMinute > 0) {
    within('memoryMiB', memoryMiB, 1, workLimits.memoryMiB);
    const windowMs = windowOf((60 * passes) / minMemoryPassesPerMinute);
    // So slow a minimum makes no difference between machines.
    const least = Math.ceil((60 * passes * 1.5 * 1000) / (workLimits.windowMs - windowOf(0)));
    within('minMemoryPassesPerMinute', minMemoryPassesPerMinute, least, Number.POSITIVE_INFINITY);
    planned.push({ check: 'memory', memoryMiB, passes, windowMs });
  }
  const disk = [minWrittenMiBPerSecond, minReadMiBPerSecond].filter((minimum) => minimum > 0);
  if (disk.length > 0) {
    const slower = Math.min(...disk);
    const mebibytes = Math.min(workLimits.diskMiB, Math.max(leastDiskMiB, diskSeconds * slower));
    // What is to be read has to be written first, also where nobody asks how fast.
    const windowMs = windowOf(mebibytes / (minWrittenMiBPerSecond || slower));
    planned.push({ check: 'disk-write', mebibytes, windowMs });
    if (minReadMiBPerSecond > 0) {
      planned.push({ check: 'disk-read', windowMs: windowOf(mebibytes / minReadMiBPerSecond) });
    }
  }
  return planned;
}

function within(field: keyof AdmissionRules, have: number, least: number, most: number): void {
  if (have >= least && have <= most) return;
  const want = have < least ? least : most;
  throw new NotariumError(
    'admission-rules-unusable',
    `${field} is ${have}, ${have < least ? 'at least' : 'at most'} ${want}`,
    {
      data: { field, have, want },
    },
  );
}
