import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launcher } from '../../scripts/support/launcher.ts';
import type { Address, Hash } from '../../services/core/bytes.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';
import { type CentreProcess, centreKeys, startListening } from './centreProcess.ts';
import { devKey, type RunningChain, startChain } from './chains.ts';
import { deployChannels } from './channels.ts';
import { freePorts } from './freePorts.ts';

/** What a command has left behind. */
export type Finished = {
  readonly code: number | null;
  readonly json: Record<string, unknown>;
  readonly output: string;
};

/** A command that runs. */
export type Begun = { readonly child: ChildProcess; readonly done: Promise<Finished> };

/** A chain, a verifier process, and commands of a requester, in a folder of their own. */
export type RequesterCommands = {
  readonly folder: string;
  readonly chain: RunningChain;
  readonly contract: Address;
  readonly verifier: CentreProcess;
  /** The verifier's account. */
  readonly account: Address;
  /** The requester's private key. */
  readonly requesterKey: string;
  /** The folder of a channel of the requester. */
  channelFolder(channelId: Hash | string): string;
  begin(...args: string[]): Begun;
  /** A command with `--json`, to its end. */
  run(...args: string[]): Promise<Finished>;
  /** `notarium channel …` of the requester. */
  channel(command: string, ...args: string[]): Promise<Finished>;
  beginChannel(command: string, ...args: string[]): Begun;
  startVerifier(): Promise<CentreProcess>;
  stop(): Promise<void>;
};

const node = [process.execPath, '--disable-warning=ExperimentalWarning', launcher];
const requesterKey = `0x${Buffer.from(devKey(3)).toString('hex')}`;

/** Starts them. */
export async function startRequesterCommands(): Promise<RequesterCommands> {
  const chain = await startChain({ kind: 'anvil' });
  const { contract } = (await deployChannels(chain.rpcUrl)).network;
  const folder = await mkdtemp(join(tmpdir(), 'notarium-channels-'));
  const [port] = await freePorts(1);
  const prices = { perItem: '1000000000', perMebibyte: '5000000000' };
  const challengeSeconds = { least: 60, most: 86_400 };
  await writeFile(join(folder, 'policy.json'), JSON.stringify({ prices, challengeSeconds }));
  const { address: account } = await centreKeys(join(folder, 'verifier'));
  await jsonRpc(chain.rpcUrl)('anvil_setBalance', [account, '0xde0b6b3a7640000']);
  const startVerifier = (): Promise<CentreProcess> =>
    startListening([
      ...node,
      ...['verifier', '--data', join(folder, 'verifier'), '--policy', join(folder, 'policy.json')],
      ...['--password-file', join(folder, 'verifier', 'password'), '--rpc', chain.rpcUrl, '--channels', contract],
      ...['--port', String(port), '--no-rate-limit', '--log-level', 'warn'],
    ]);
  let verifier = await startVerifier();
  const begin = (...args: string[]): Begun => {
    const [program, ...rest] = [...node, ...args, '--json'];
    const env = { ...process.env, NOTARIUM_CHANNELS: contract, HOME: folder };
    const child = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'pipe'], env });
    let [stdout, stderr] = ['', ''];
    child.stdout!.on('data', (chunk: Buffer) => {
      stdout += chunk;
    });
    child.stderr!.on('data', (chunk: Buffer) => {
      stderr += chunk;
    });
    const done = once(child, 'close').then(([code]) => ({
      code: code as number | null,
      json: (stdout.startsWith('{') ? JSON.parse(stdout) : {}) as Record<string, unknown>,
      output: stderr + stdout,
    }));
    return { child, done };
  };
  const home = join(folder, 'home');
  // What is said last of an option counts.
  const beginChannel = (command: string, ...args: string[]): Begun =>
    begin('channel', command, '--data', home, '--rpc', chain.rpcUrl, '--key', requesterKey, ...args);
  return {
    ...{ folder, chain, contract, account, requesterKey, begin, beginChannel },
    get verifier() {
      return verifier;
    },
    channelFolder: (channelId) => join(home, 'requester', channelId),
    run: (...args) => begin(...args).done,
    channel: (command, ...args) => beginChannel(command, ...args).done,
    async startVerifier() {
      verifier = await startVerifier();
      return verifier;
    },
    async stop() {
      await verifier.stop();
      await chain.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
