import { readFileSync } from 'node:fs';
import Mocha from 'mocha';

/** What clock ticks of /proc are counted in: a constant of Linux for all that run there. */
const ticksPerSecond = 100;

/** What a process has by default to end in when its tests are done: nothing of theirs is open then. */
const usualEndMs = 60_000;

/** Processor time of this process and of those of its own that have ended, in seconds; 0 where there is no /proc. */
function processorSeconds(): number {
  if (process.platform !== 'linux') return 0;
  const stat = readFileSync('/proc/self/stat', 'utf8');
  // Fields utime, stime, cutime and cstime, counted from behind the name, which may hold blanks: proc_pid_stat(5).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond;
}

/**
 * Lines in mocha's output that `npm test` reads: `AT <test or hook>` before each, so that it can tell where a process was that
 * did not end, and `WHY <JSON string>` for each that has failed, which mocha itself tells in the end alone; in the end
 * `FILE <seconds> <seconds of processor time> <path from here>` for each file. A process that does not end when its tests have
 * says what holds it open, and fails; `--reporter-option endMs=…` for another time to end in.
 */
class FileTimes extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const endMs = Number((options.reporterOptions as { endMs?: string } | undefined)?.endMs ?? usualEndMs);
    const spentOf = new Map<string, { readonly seconds: number; readonly processor: number }>();
    let current = '';
    let sinceMs = performance.now();
    let since = processorSeconds();
    const close = (): void => {
      const nowMs = performance.now();
      const now = processorSeconds();
      const { seconds, processor } = spentOf.get(current) ?? { seconds: 0, processor: 0 };
      spentOf.set(current, { seconds: seconds + (nowMs - sinceMs) / 1000, processor: processor + now - since });
      [sinceMs, since] = [nowMs, now];
    };
    const at = (place: string): void => void process.stdout.write(`AT ${place.replaceAll('\n', ' ')}\n`);
    // What tests have started is ended when this process exits, not when a signal ends it.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
    runner.on(Mocha.Runner.constants.EVENT_TEST_BEGIN, (test) => at(test.fullTitle()));
    runner.on(Mocha.Runner.constants.EVENT_HOOK_BEGIN, (hook) => at(hook.fullTitle()));
    runner.on(Mocha.Runner.constants.EVENT_TEST_FAIL, (test, error: Error) => {
      const why = `${test.fullTitle()}: ${error.stack ?? error.message}`;
      process.stdout.write(`WHY ${JSON.stringify(why)}\n`);
    });
    runner.on(Mocha.Runner.constants.EVENT_SUITE_BEGIN, ({ file }) => {
      if (file === undefined || file === current) return;
      close();
      current = file;
    });
    runner.on(Mocha.Runner.constants.EVENT_RUN_END, () => {
      close();
      spentOf.delete('');
      for (const [file, { seconds, processor }] of spentOf) {
        const path = file.replace(`${process.cwd()}/`, '');
        process.stdout.write(`FILE ${seconds.toFixed(1)} ${processor.toFixed(1)} ${path}\n`);
      }
      at('the end of all tests');
      setTimeout(() => {
        const open = process.getActiveResourcesInfo().join(', ');
        process.stdout.write(`\nall tests have ended, but not this process: ${open} are still open\n`);
        // Mocha sets the code at the exit by the tests alone.
        process.once('exit', () => {
          process.exitCode = 1;
        });
        process.exit();
      }, endMs).unref();
    });
  }
}

// Mocha loads a reporter by require().
export { FileTimes as 'module.exports' };
