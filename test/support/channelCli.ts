import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launcher } from '../../scripts/support/launcher.ts';
import type { Address } from '../../services/core/bytes.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';
import { type CentreProcess, centreKeys, startListening } from './centreProcess.ts';
import { devKey, type RunningChain, startChain } from './chains.ts';
import { deployChannels } from './channels.ts';

/** How a command ended. */
export type Ended = { readonly code: number | null; readonly stdout: string; readonly output: string };

/** A chain with `EvidenceChannels`, a verifier as a process, and a requester who runs commands. */
export type ChannelPlace = AsyncDisposable & {
  readonly chain: RunningChain;
  readonly contract: Address;
  /** The verifier's account. */
  readonly account: Address;
  readonly verifier: CentreProcess;
  /** For the files of a test; commands run in it. */
  readonly folder: string;
  /** Begins `notarium …` as development account 3; its standard input stays open. */
  begin(args: readonly string[]): { readonly child: ChildProcessWithoutNullStreams; readonly ended: Promise<Ended> };
  /** Runs it, `stdin` being piped in. */
  run(args: readonly string[], stdin?: string | Uint8Array): Promise<Ended>;
};

/** Account of the requester of {@link startChannelPlace}. */
export const requesterIndex = 3;

const node = [process.execPath, '--disable-warning=ExperimentalWarning', launcher];

/** Starts anvil, deploys, and starts a verifier that takes everything for a price. @param policyOf More of its policy. */
export async function startChannelPlace(
  policyOf: (rpcUrl: string) => Promise<Record<string, unknown>> = async () => ({}),
): Promise<ChannelPlace> {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'notarium channels '));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const chain = await startChain({ kind: 'anvil' });
  opened.defer(() => chain.stop());
  const { contract } = (await deployChannels(chain.rpcUrl)).network;
  const place = join(folder, 'verifier');
  const { address: account } = await centreKeys(place);
  await jsonRpc(chain.rpcUrl)('anvil_setBalance', [account, '0xde0b6b3a7640000']);
  const prices = { perItem: '1000', perMebibyte: '5000' };
  const challengeSeconds = { least: 60, most: 86_400 };
  const policy = { prices, challengeSeconds, ...(await policyOf(chain.rpcUrl)) };
  await writeFile(join(folder, 'policy.json'), JSON.stringify(policy));
  const verifier = await startListening([
    ...node,
    ...['verifier', '--data', place, '--policy', join(folder, 'policy.json'), '--port', '0'],
    ...['--password-file', join(place, 'password'), '--rpc', chain.rpcUrl, '--channels', contract],
    ...['--no-rate-limit', '--log-level', 'warn'],
  ]);
  opened.defer(() => verifier.stop().then(() => undefined));
  const cwd = join(folder, 'requester');
  await mkdir(cwd);
  const key = Buffer.from(devKey(requesterIndex)).toString('hex');
  const env = { ...process.env, HOME: folder, NOTARIUM_CHANNELS: contract, NOTARIUM_RPC_URL: chain.rpcUrl };
  const begin: ChannelPlace['begin'] = (args) => {
    const [program, ...rest] = [...node, ...args, ...(args[0] === 'channel' ? ['--key', key] : [])];
    const child = spawn(program!, rest, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.on('error', () => {});
    let stdout = '';
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk;
      output += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk;
    });
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, output }));
    return { child, ended };
  };
  const parts = opened.move();
  return {
    ...{ chain, contract, account, verifier, folder: cwd },
    begin,
    async run(args, stdin = '') {
      const { child, ended } = begin(args);
      child.stdin.end(stdin);
      return await ended;
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
