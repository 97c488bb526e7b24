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
  /** What has ended it, where it has not ended by itself: its limit, or a signal. */
  readonly endedBy?: string;
};

// Several times what the longest one takes on two busy cores: a process that hangs must not hang the whole run.
const longestMs = 15 * 60_000;
/** What it has then to end what it has started. */
const graceMs = 5_000;

const running = new Set<ChildProcess>();
process.once('exit', () => {
  // As from the terminal: each then ends what it has started.
  for (const child of running) signalGroup(child, 'SIGINT');
});

/**
 * Runs a job in a process group of its own, and waits for its end.
 * @param env What it gets besides what all jobs get.
 * @param limitMs After which it is ended, with all that it has started.
 */
export async function runJob(
  { command }: Job,
  env: Readonly<Record<string, string>> = {},
  limitMs = longestMs,
): Promise<JobRun> {
  const startMs = performance.now();
  const [program, ...args] = command;
  const child = spawn(program!, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    // What a test has started would outlive its process, and slow down all that comes after.
    detached: true,
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
  let isOverdue = false;
  const limits = [
    setTimeout(() => {
      isOverdue = true;
      child.kill('SIGTERM');
    }, limitMs),
    setTimeout(() => signalGroup(child, 'SIGKILL'), limitMs + graceMs),
  ];
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  for (const limit of limits) clearTimeout(limit);
  if (isOverdue) signalGroup(child, 'SIGKILL');
  running.delete(child);
  const endedBy = isOverdue ? `its limit of ${limitMs / 1000} s` : signal;
  return { code, output, seconds: (performance.now() - startMs) / 1000, ...(endedBy && { endedBy }) };
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch (error) {
    // Nothing of it runs any more.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
