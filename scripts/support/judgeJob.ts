import type { JobRun } from './runJob.ts';
import type { Step } from './testSteps.ts';

export type Counts = { readonly passed: number; readonly failed: number };

/** Characters of a failure that are told again. */
const mostSaid = 4_000;

/** What a job of a step came to, by its exit code and by what it has said. */
export function judgeJob(step: Step, { code, output, endedBy }: JobRun): Counts {
  const one = (isPassed: boolean): Counts => (isPassed ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
  if (step.mustFailWith) return one(code !== 0 && !endedBy && step.mustFailWith.test(output));
  if (step.kind === 'check') {
    return one(code === 0 && !endedBy && (step.mustSay === undefined || step.mustSay.test(output)));
  }
  const sum = (pattern: RegExp): number =>
    [...output.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
  const passed = sum(/^\s*(\d+) passing\b/gm);
  const failed = sum(/^\s*(\d+) failing\b/gm);
  // A run that tested nothing, or that ended badly without naming a failed test, has failed.
  return failed === 0 && (code !== 0 || endedBy || passed === 0) ? { passed, failed: 1 } : { passed, failed };
}

/** What a job wrote for people, without the lines of test/support/fileTimes.ts for this program. */
export function readable(output: string): string {
  return output.replaceAll(/^(FILE|AT|WHY) .+\n/gm, '');
}

/**
 * What a failed job says of its failures: what has ended it, where it was then, and what had failed by then, where it has not
 * ended by itself; of a run of mocha all from `N failing` on, else the end of what it wrote.
 */
export function failureIn({ output, endedBy }: Pick<JobRun, 'output' | 'endedBy'>): string {
  const [, at] = [...output.matchAll(/^AT (.+)$/gm)].at(-1) ?? [];
  const failed = [...output.matchAll(/^WHY (".+")$/gm)].map(([, why]) => JSON.parse(why!).slice(0, mostSaid));
  const end = endedBy ? [`ended by ${endedBy}${at === undefined ? '' : `, at: ${at}`}`, ...failed, ''].join('\n') : '';
  const text = readable(output);
  const from = text.search(/^\s*\d+ failing\b/m);
  return end + (from === -1 ? text.slice(-mostSaid) : text.slice(from, from + mostSaid));
}
