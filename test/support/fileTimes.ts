import Mocha from 'mocha';

/** A line of mocha's output for each file: `FILE <seconds> <path from here>`; `npm test` reads it. */
class FileTimes extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const seconds = new Map<string, number>();
    let current = '';
    let sinceMs = performance.now();
    const close = (): void => {
      const nowMs = performance.now();
      seconds.set(current, (seconds.get(current) ?? 0) + (nowMs - sinceMs) / 1000);
      sinceMs = nowMs;
    };
    runner.on(Mocha.Runner.constants.EVENT_SUITE_BEGIN, ({ file }) => {
      if (file === undefined || file === current) return;
      close();
      current = file;
    });
    runner.on(Mocha.Runner.constants.EVENT_RUN_END, () => {
      close();
      seconds.delete('');
      for (const [file, spent] of seconds) {
        process.stdout.write(`FILE ${spent.toFixed(1)} ${file.replace(`${process.cwd()}/`, '')}\n`);
      }
    });
  }
}

// Mocha loads a reporter by require().
export { FileTimes as 'module.exports' };
