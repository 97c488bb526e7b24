import type { LimitTask } from './limitThread.ts';
import { median } from './Row.ts';
import { processors, runThread } from './runThread.ts';

/** What signatures alone allow, each in operations a second. */
export type Limits = {
  /** A record's signature checked and an acceptance signed, on all processors, with nothing else done. */
  readonly intake: number;
  /** A signature checked, on one processor. */
  readonly recover: number;
};

const runs = 3;
const seconds = 1;

/** Measures the limits that the machine sets. */
export async function measureLimits(): Promise<Limits> {
  const intake: number[] = [];
  const recover: number[] = [];
  for (let run = 0; run < runs; run++) {
    const parts = await Promise.all(Array.from({ length: processors }, () => measure('intake')));
    intake.push(parts.reduce((sum, part) => sum + part));
    recover.push(await measure('recover'));
  }
  return { intake: median(intake), recover: median(recover) };
}

function measure(work: LimitTask['work']): Promise<number> {
  return runThread<number>(new URL('./limitThread.ts', import.meta.url), { work, seconds } satisfies LimitTask);
}
