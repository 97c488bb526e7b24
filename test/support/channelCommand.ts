import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { launcher } from '../../scripts/support/launcher.ts';
import type { Address } from '../../services/core/bytes.ts';
import { devKey } from './chains.ts';

/** What `notarium … --json` has said, and with which exit code it has ended. */
export type CommandEnd = {
  readonly code: number | null;
  readonly json: Record<string, unknown>;
  readonly output: string;
};

/** Where a requester is at home: development account 3 pays and signs. */
export type RequesterHome = {
  readonly dataDir: string;
  readonly rpcUrl: string;
  readonly channels: Address;
  /** Of the process, beside the test's own. */
  readonly env?: Readonly<Record<string, string>>;
};

/** Runs `notarium channel …` in a process of its own. */
export async function channelCommand(home: RequesterHome, ...args: string[]): Promise<CommandEnd> {
  const key = `0x${Buffer.from(devKey(3)).toString('hex')}`;
  const place = ['--data', home.dataDir, '--rpc', home.rpcUrl, '--key', key, '--json'];
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', launcher, 'channel', ...args, ...place],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NOTARIUM_CHANNELS: home.channels, HOME: home.dataDir, ...home.env },
    },
  );
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, json: stdout.startsWith('{') ? JSON.parse(stdout) : {}, output: stderr + stdout };
}
