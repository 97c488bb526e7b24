import type { JobRun } from './runJob.ts';
import type { Step } from './testSteps.ts';

export type Counts = { readonly passed: number; readonly failed: number };

/** Characters of a failure that are told again. */
const mostSaid = 4_000;

/** What a job of a step came to, by its exit code and by what it has said. */
export function judgeJob(step: Step, { code, output }: JobRun): Counts {
  const one = (isPassed: boolean): Counts => (isPassed ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
  if (step.mustFailWith) return one(code !== 0 && step.mustFailWith.test(output));
  if (step.kind === 'check') return one(code === 0 && (step.mustSay === undefined || step.mustSay.test(output)));
  const sum = (pattern: RegExp): number =>
    [...output.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
  const passed = sum(/^\s*(\d+) passing\b/gm);
  const failed = sum(/^\s*(\d+) failing\b/gm);
  // A run that tested nothing, or that ended badly without naming a failed test, has failed.
  return failed === 0 && (code !== 0 || passed === 0) ? { passed, failed: 1 } : { passed, failed };
}

/** What a failed job says of its failures: of a run of mocha all from `N failing` on, else the end of what it wrote. */
export function failureIn(output: string): string {
  const text = output.replaceAll(/^FILE .+\n/gm, '');
  const from = text.search(/^\s*\d+ failing\b/m);
  return from === -1 ? text.slice(-mostSaid) : text.slice(from, from + mostSaid);
}
