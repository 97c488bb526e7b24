import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Address } from '../../services/core/bytes.ts';
import { NotariumError } from '../../services/core/errors.ts';
import { systemClock } from '../../services/lib/clock.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';
import { createKeystore, type KeystorePublic, readKeystore } from '../../services/lib/keystore.ts';
import { launcher } from './launcher.ts';

/** Some chains mine every few seconds only. */
const fundLimitMs = 60_000;

/** Of a keystore whose password is 24 random bytes: nobody guesses those, however little a guess costs. */
const drawnScryptN = 1 << 12;

/**
 * A keystore with a random password beside it, readable by this user only: enough for a centre that runs unattended.
 * @throws NotariumError `key-missing` when there is a keystore without its password, or one that is damaged.
 */
export async function ensureKeys(dataDir: string): Promise<KeystorePublic> {
  await mkdir(dataDir, { recursive: true });
  const passwordFile = join(dataDir, 'password');
  const folder = join(dataDir, 'keystore');
  if (existsSync(folder)) {
    if (!existsSync(passwordFile)) {
      throw new NotariumError('key-missing', `${folder} is there, but not its password: write it into ${passwordFile}`);
    }
    return await readKeystore(folder);
  }
  if (existsSync(passwordFile)) return await createKeystore(folder, (await readFile(passwordFile, 'utf8')).trim());
  const password = randomBytes(24).toString('base64url');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  return await createKeystore(folder, password, { scryptN: drawnScryptN });
}

/** The local chain's first account, whose key the whole world knows, pays for a centre's gas. Resolves when it is there. */
export async function fund(rpcUrl: string, address: Address): Promise<void> {
  const rpc = jsonRpc(rpcUrl);
  const isThere = async (): Promise<boolean> =>
    BigInt(String(await rpc('eth_getBalance', [address, 'latest']))) >= 10n ** 18n;
  if (await isThere()) return;
  const [from] = (await rpc('eth_accounts', [])) as Address[];
  await rpc('eth_sendTransaction', [{ from, to: address, value: `0x${(100n * 10n ** 18n).toString(16)}` }]);
  const endMs = performance.now() + fundLimitMs;
  while (!(await isThere())) {
    if (performance.now() > endMs) throw new Error(`the chain has mined no payment for ${fundLimitMs / 1000} s`);
    await systemClock.sleep(50);
  }
}

/** A running centre. */
export type LocalCentre = {
  readonly child: ChildProcess;
  readonly url: string;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Ends it; resolves when it is gone. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
};

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Starts a centre and resolves when it listens, or undefined when it has ended before that (its stderr says why), by itself
 * or by the signal. It has a process group of its own, which Ctrl-C in the terminal does not reach.
 */
export async function startLocalCentre(options: {
  dataDir: string;
  port: number;
  rpcUrl: string;
  contract: Address;
  /** Stands before each line that the centre writes to stderr. */
  label?: string;
  /** Threads that check records; the centre's own default when left out. */
  threads?: number;
  /** More of its command line. */
  args?: readonly string[];
  signal?: AbortSignal;
}): Promise<LocalCentre | undefined> {
  const { dataDir, port, rpcUrl, contract, label, threads, args: more = [], signal: stopping } = options;
  const args = [
    ...['--disable-warning=ExperimentalWarning', launcher, 'node', '--quiet'],
    ...['--data', dataDir, '--password-file', join(dataDir, 'password'), '--rpc', rpcUrl, '--contract', contract],
    ...['--host', '127.0.0.1', '--port', String(port), '--no-rate-limit', '--log-level', 'warn'],
    ...(threads === undefined ? [] : ['--threads', String(threads)]),
    ...more,
  ];
  const stderr = label === undefined ? 'inherit' : 'pipe';
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', stderr], detached: true });
  running.add(child);
  if (child.stderr) {
    createInterface(child.stderr).on('line', (line) => process.stderr.write(`${label}: ${line}\n`));
  }
  const ended = once(child, 'exit').then(([code, signal]) => {
    running.delete(child);
    return { code: code as number | null, signal: signal as NodeJS.Signals | null };
  });
  const giveUp = (): void => void child.kill('SIGTERM');
  stopping?.addEventListener('abort', giveUp);
  if (stopping?.aborted) giveUp();
  const url = await new Promise<string | undefined>((resolve) => {
    let output = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const match = /listening on (http:\/\/\S+)/.exec(output);
      if (match) resolve(match[1]);
    });
    void ended.then(() => resolve(undefined));
  });
  stopping?.removeEventListener('abort', giveUp);
  if (url === undefined) {
    const { code } = await ended;
    process.exitCode = code ?? 1;
    return undefined;
  }
  return {
    child,
    url,
    ended,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      await ended;
    },
  };
}
