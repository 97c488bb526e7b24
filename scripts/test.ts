/**
 * Runs every check and every test of the project, several at a time, and ends with a line `N passed, N failed`.
 *
 * usage: npm test                 everything
 *        npm test -- NAME …      only the steps whose names contain one of the words (`npm test -- lint types`)
 *        npm test -- --lanes N   so many processes at a time (default 4)
 */
import { parseArgs } from 'node:util';
import { buildForTests, type TestBuild } from './support/buildForTests.ts';
import { ensureBuilt } from './support/ensureBuilt.ts';
import { type Counts, failureIn, judgeJob, readable } from './support/judgeJob.ts';
import { inLanes } from './support/lanes.ts';
import { runJob } from './support/runJob.ts';
import { type Job, rankOf, type Step, steps } from './support/testSteps.ts';

type Result = Counts & { readonly step: Step; readonly name: string; readonly seconds: number };

const slowestShown = 12;

const { values, positionals: words } = parseArgs({
  options: { lanes: { type: 'string', default: '4' } },
  allowPositionals: true,
});
const lanes = Number(values.lanes);
if (!Number.isInteger(lanes) || lanes < 1) throw new Error(`--lanes takes a number from 1, not ${values.lanes}`);
const chosen = steps.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
if (chosen.length === 0)
  throw new Error(`no step is named like ${words.join(' ')}: ${steps.map(({ name }) => name).join(', ')}`);

const say = (line = ''): void => void process.stdout.write(`${line}\n`);
const marked = ({ passed, failed }: Counts, text: string): string =>
  `${failed === 0 && passed > 0 ? '✔' : '✘'} ${text}`;
const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);

const startMs = performance.now();
const results: Result[] = [];
const fileTimes: { readonly file: string; readonly seconds: number; readonly processor: number }[] = [];
/** What the failed jobs say of it: told again in the end, where nobody has to search for it. */
const failures: string[] = [];

// The jobs and the build of the tests go with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** What the tests need before they begin; without it none of them can pass. */
async function prepare(): Promise<TestBuild | undefined> {
  try {
    ensureBuilt(say);
    return chosen.some((step) => step.needsBuild) ? await buildForTests() : undefined;
  } catch (error) {
    say(`✘ the build failed: ${error instanceof Error ? error.message : error}\n\n0 passed, 1 failed`);
    process.exit(1);
  }
}
using build = await prepare();

async function work({ step, name, ...job }: Job & { readonly step: Step }): Promise<void> {
  const run = await runJob({ name, ...job }, step.needsBuild && build?.env);
  const counts = judgeJob(step, run);
  for (const [, seconds, processor, file] of run.output.matchAll(/^FILE (\S+) (\S+) (.+)$/gm)) {
    fileTimes.push({ file: file!, seconds: Number(seconds), processor: Number(processor) });
  }
  results.push({ ...counts, step, name, seconds: run.seconds });
  if (counts.failed > 0) failures.push(`${name}\n${failureIn(run)}`);
  // All that it wrote stands together, after its end: several processes run at a time.
  say(`\n=== ${name === step.name ? name : `${step.name}: ${name}`}`);
  if (!step.mustFailWith) process.stdout.write(readable(run.output));
  else if (counts.failed > 0) say(`${run.output}\nthis check should have failed with ${step.mustFailWith}`);
  if (run.endedBy) say(`${name} did not end by itself: ended by ${run.endedBy}`);
  say(marked(counts, `${name}: ${counts.passed} passed, ${counts.failed} failed (${run.seconds.toFixed(1)} s)`));
}

const queue = chosen.flatMap((step) => step.jobs.map((job) => ({ ...job, step })));
await inLanes(
  queue.sort((one, other) => rankOf(one) - rankOf(other)),
  lanes,
  work,
);

if (fileTimes.length > 0) say('\n=== the slowest test files, in seconds of the clock and of the processors');
for (const { file, seconds, processor } of fileTimes
  .sort((one, other) => other.seconds - one.seconds)
  .slice(0, slowestShown)) {
  say(`${seconds.toFixed(1).padStart(7)} s ${processor.toFixed(1).padStart(7)} s  ${file}`);
}
for (const failure of failures) say(`\n=== failed: ${failure}`);
say('\n=== summary');
for (const step of chosen) {
  const own = results.filter((result) => result.step === step);
  const counts = { passed: sum(own, ({ passed }) => passed), failed: sum(own, ({ failed }) => failed) };
  const seconds = sum(own, (result) => result.seconds).toFixed(1);
  say(
    marked(
      counts,
      `${step.name.padEnd(32)} ${String(counts.passed).padStart(5)} passed ${String(counts.failed).padStart(3)} failed ${seconds.padStart(7)} s`,
    ),
  );
}
const total = { passed: sum(results, ({ passed }) => passed), failed: sum(results, ({ failed }) => failed) };
say(`\n${((performance.now() - startMs) / 1000).toFixed(0)} s in ${lanes} lanes`);
say(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
