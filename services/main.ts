import { homedir } from 'node:os';
import { exitInterrupted } from './cli/exitCodes.ts';
import { runCli } from './cli/runCli.ts';
import type { Terminal } from './cli/Terminal.ts';
import { keepPoolAwake } from './lib/keepPoolAwake.ts';
import { lazyActions } from './main/lazyActions.ts';

keepPoolAwake();
// The one place that reads the environment and listens to signals.
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // Whoever asks twice does not want to wait. What was acknowledged is on disk.
    if (stop.signal.aborted) process.exit(exitInterrupted);
    stop.abort(new DOMException(`stopped by ${signal}`, 'AbortError'));
  });
}
// A reader that has seen enough (`notarium … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const terminal: Terminal = {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  // Not before somebody reads it: from then on it keeps the process from ending.
  get stdin() {
    return process.stdin;
  },
  cwd: process.cwd(),
  home: homedir(),
  signal: stop.signal,
  interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
};

process.exitCode = await runCli(process.argv.slice(2), lazyActions(terminal), terminal);
