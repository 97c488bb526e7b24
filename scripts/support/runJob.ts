import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root } from './ensureBuilt.ts';
import type { Job } from './testSteps.ts';

/** What a job left behind. */
export type JobRun = {
  /** Null when it was ended by a signal. */
  readonly code: number | null;
  /** All that it wrote, in order. */
  readonly output: string;
  readonly seconds: number;
};

// Several times what the longest one takes on two busy cores: a process that hangs must not hang the whole run.
const limitMs = 15 * 60_000;

const running = new Set<ChildProcess>();
process.once('exit', () => {
  // As from the terminal: mocha then ends what its tests have started.
  for (const child of running) child.kill('SIGINT');
});

/** Runs a job in a process of its own, and waits for its end; `env` is what it gets besides what all jobs get. */
export async function runJob({ command }: Job, env: Readonly<Record<string, string>> = {}): Promise<JobRun> {
  const startMs = performance.now();
  const [program, ...args] = command;
  const child = spawn(program!, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
    env: {
      ...process.env,
      // Hundreds of processes are started, each from the same sources.
      NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled'),
      HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true',
      NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
      ...env,
    },
  });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  running.delete(child);
  return { code, output, seconds: (performance.now() - startMs) / 1000 };
}
