import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { Address } from '../../services/core/bytes.ts';
import { launcher } from './launcher.ts';

/** Standing still for so long in each packet of hashing, any machine is too slow (ms). */
export const tooSlowMs = 2_300;

/** How a candidate is started. */
export type JoinCommand = {
  readonly dataDir: string;
  readonly passwordFile: string;
  readonly rpcUrl: string;
  readonly contract: Address;
  /** More of its command line. */
  readonly args: readonly string[];
  /**
   * Makes the machine slow: the process stands still for so long each time it begins on a packet of hashing, as one that has to
   * share its processor with too many would.
   */
  readonly pauseMs?: number;
};

/** How it ended. */
export type JoinRun = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** Runs `notarium join` in a process of its own to its end. */
export async function runJoin({
  dataDir,
  passwordFile,
  rpcUrl,
  contract,
  args,
  pauseMs,
}: JoinCommand): Promise<JoinRun> {
  const child = spawn(
    process.execPath,
    [
      ...[
        '--disable-warning=ExperimentalWarning',
        launcher,
        'join',
        '--data',
        dataDir,
        '--password-file',
        passwordFile,
      ],
      ...['--rpc', rpcUrl, '--contract', contract, ...args],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  createInterface(child.stderr).on('line', (line) => {
    stderr += `${line}\n`;
    if (pauseMs !== undefined && /^packet .*: hashing$/.test(line)) void standStill(child, pauseMs);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

async function standStill(child: ChildProcess, forMs: number): Promise<void> {
  child.kill('SIGSTOP');
  await pause(forMs);
  child.kill('SIGCONT');
}
