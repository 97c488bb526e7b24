import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { launcher } from '../../scripts/support/launcher.ts';
import type { CentreStatus } from '../../services/app/Centre.ts';
import type { Address } from '../../services/core/bytes.ts';
import { createKeystore, type KeystorePublic, readKeystore } from '../../services/lib/keystore.ts';

/** Of every keystore that a test makes. */
export const password = 'a password for tests';

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Makes the keys of a centre in its data folder, cheaply, or reads them when they are there. */
export async function centreKeys(dataDir: string): Promise<KeystorePublic> {
  const folder = join(dataDir, 'keystore');
  if (existsSync(folder)) return await readKeystore(folder);
  await mkdir(dataDir, { recursive: true });
  await writeFile(join(dataDir, 'password'), password, { mode: 0o600 });
  return await createKeystore(folder, password, { scryptN: 2 });
}

/** A real centre process with its HTTP API. */
export type CentreProcess = {
  readonly url: string;
  readonly pid: number;
  readonly child: ChildProcess;
  /** All that it wrote to stdout and stderr so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves with exit code or signal when it is gone. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** SIGTERM, and waits for its end. */
  stop(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** SIGKILL, and waits for its end. */
  kill(): Promise<void>;
};

/** How to start a {@link CentreProcess}; its keys must be there ({@link centreKeys}). */
export type CentreSpec = {
  readonly dataDir: string;
  readonly rpcUrl: string;
  readonly contract: Address;
  /** A free one by default. */
  readonly port?: number;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Runs the centre by this command, which gets the centre's own command line as arguments. */
  readonly wrap?: readonly string[];
};

/** Command line of a centre. */
export function centreCommand({ dataDir, rpcUrl, contract, port = 0, args = [], wrap = [] }: CentreSpec): string[] {
  return [
    ...wrap,
    ...[process.execPath, '--disable-warning=ExperimentalWarning', launcher, 'node'],
    ...['--data', dataDir, '--password-file', join(dataDir, 'password'), '--rpc', rpcUrl, '--contract', contract],
    ...['--host', '127.0.0.1', '--port', String(port), '--no-rate-limit', ...args],
  ];
}

/** Starts a centre and waits until it listens; rejects with its stderr when it ends before that. */
export function startCentre(spec: CentreSpec): Promise<CentreProcess> {
  return startListening(centreCommand(spec), spec.env);
}

/** Starts a command and waits until it says where it listens; rejects with its stderr when it ends before that. */
export async function startListening(
  [program, ...args]: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<CentreProcess> {
  const child = spawn(program!, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { NOTARIUM_RECORD_SPREAD: '0', ...process.env, ...env },
  });
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = once(child, 'exit').then(([code, signal]) => {
    running.delete(child);
    return { code: code as number | null, signal: signal as NodeJS.Signals | null };
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      const match = /listening on (http:\/\/\S+)/.exec(stdout);
      if (match) resolve(match[1]!);
    });
    void ended.then(({ code, signal }) => {
      reject(new Error(`it ended with ${signal ?? code} before it listened\n${stdout}${stderr}`));
    });
  });
  return {
    url,
    pid: child.pid!,
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Exit code and output of a centre that is expected not to start. */
export async function failingCentre(spec: CentreSpec): Promise<{ code: number | null; output: string }> {
  const [program, ...args] = centreCommand(spec);
  const child = spawn(program!, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { NOTARIUM_RECORD_SPREAD: '0', ...process.env, ...spec.env },
  });
  running.add(child);
  let output = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    // It starts after all: the output says so, and nobody has to wait.
    if (output.includes('listening on ')) child.kill('SIGKILL');
  });
  child.stderr!.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  running.delete(child);
  return { code, output };
}

/** Status of a centre. */
export async function statusOf(url: string): Promise<CentreStatus> {
  return (await (await fetch(`${url}/v1/status`)).json()) as CentreStatus;
}
