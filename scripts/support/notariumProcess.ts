import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { launcher } from './launcher.ts';

/** How a command ended, and what it said. */
export type NotariumRun = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** A command under way, in a process group of its own, which Ctrl-C in the terminal does not reach. */
export type NotariumProcess = {
  readonly child: ChildProcess;
  readonly ended: Promise<NotariumRun>;
  /** The first URL that it says it listens on; rejects when it ends before. */
  readonly url: Promise<string>;
  /** Ends it; resolves when it is gone. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
};

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts `notarium` with these arguments. */
export function startNotarium(args: readonly string[]): NotariumProcess {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', launcher, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.add(child);
  const said = { stdout: '', stderr: '' };
  let foundUrl: (url: string) => void = () => {};
  const url = new Promise<string>((resolve) => {
    foundUrl = resolve;
  });
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.on('data', (chunk: Buffer) => {
      said[name] += chunk.toString();
      const match = /listening on (http:\/\/\S+)/.exec(said[name]);
      if (match) foundUrl(match[1]!);
    });
  }
  const ended = once(child, 'close').then(([code, signal]): NotariumRun => {
    running.delete(child);
    return { code: code as number | null, signal: signal as NodeJS.Signals | null, ...said };
  });
  const failed = ended.then(({ code, stderr }): never => {
    throw new Error(`notarium ${args[0]} ended with ${code}: ${stderr}`);
  });
  const listening = Promise.race([url, failed]);
  // Whoever does not wait for it does not hear that it never will be.
  listening.catch(() => {});
  return {
    child,
    ended,
    url: listening,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      await ended;
    },
  };
}

/** Runs `notarium` with these arguments to its end. */
export function runNotarium(args: readonly string[]): Promise<NotariumRun> {
  return startNotarium(args).ended;
}
