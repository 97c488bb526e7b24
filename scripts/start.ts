/**
 * Starts a Notarium network of one centre on this machine: a local chain, the contracts, and the centre with its HTTP
 * API. Ctrl-C stops everything. See `npm start -- --help`.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { exitCodeOf, exitInterrupted } from '../services/cli/exitCodes.ts';
import type { Address } from '../services/core/bytes.ts';
import { isNotariumError, NotariumError } from '../services/core/errors.ts';
import { jsonRpc } from '../services/lib/jsonRpc.ts';
import { DeployError } from './support/DeployError.ts';
import { ensureBuilt, root } from './support/ensureBuilt.ts';
import { deployLocal, ensureKeys, fund, startLocalCentre } from './support/localCentre.ts';
import { type CentreProcess, nextStepsOf } from './support/nextStepsOf.ts';
import { requireFreePort } from './support/ports.ts';
import { type ChainKind, type RunningChain, startChain } from './support/startChain.ts';
import { stopping, unlessStopped } from './support/stopping.ts';

type Options = {
  readonly chain: ChainKind;
  readonly chainPort: string;
  readonly port: string;
  readonly data: string;
  readonly period: string;
  readonly grace: string;
  readonly rpc?: string;
  readonly contract?: string;
};

/** What is asked for of a network that is deployed now. */
type Timing = { readonly periodSeconds: number; readonly graceSeconds: number };

const say = (line = ''): void => void process.stdout.write(`${line}\n`);

const program = new Command('npm start --')
  .description('A Notarium network of one centre on this machine: chain, contracts, centre and HTTP API.')
  .addOption(
    new Option('--chain <kind>', 'local chain: hardhat forgets everything when it stops, anvil keeps it')
      .choices(['hardhat', 'anvil'])
      .default('hardhat'),
  )
  .option('--chain-port <port>', 'port of the local chain', '8545')
  .option('--port <port>', 'port of the HTTP API', '8080')
  .option('--data <folder>', 'where data folders are made', '.notarium')
  .option('--period <seconds>', 'block period of a newly deployed network', '2')
  .option('--grace <seconds>', 'time that a block of a newly deployed network has to be anchored after its slot', '30')
  .option('--rpc <url>', 'use this chain instead of a local one (needs --contract)')
  .option('--contract <address>', 'BlockAnchor on that chain')
  .exitOverride();

try {
  program.parse();
  await run(program.opts<Options>());
} catch (error) {
  // A signal that came during synchronous work, like that of the compiler, is told only now.
  await new Promise(setImmediate);
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodeOf('usage-invalid');
  if (stopping.aborted) return exitInterrupted;
  if (error instanceof DeployError) {
    process.stderr.write(`\n✘ the contracts could not be deployed: ${error.message}\n`);
    return 1;
  }
  if (!isNotariumError(error)) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  }
  process.stderr.write(`\n✘ ${error.code}: ${error.message}\n`);
  return exitCodeOf(error.code);
}

async function run(options: Options): Promise<void> {
  const port = portOf(options.port, '--port');
  const chainPort = portOf(options.chainPort, '--chain-port');
  const asked = {
    periodSeconds: positive(options.period, '--period'),
    graceSeconds: positive(options.grace, '--grace'),
  };
  await requireFreePort(port, '--port');
  if (options.rpc !== undefined || options.contract !== undefined) {
    if (options.rpc === undefined || options.contract === undefined) {
      throw new NotariumError('usage-invalid', '--rpc and --contract go together');
    }
    return await runOn(options, options.rpc, options.contract.toLowerCase() as Address, port);
  }
  await requireFreePort(chainPort, '--chain-port');
  ensureBuilt(say);
  const base = resolve(options.data);
  await mkdir(base, { recursive: true });
  say(`Starting a local ${options.chain} chain on 127.0.0.1:${chainPort} …`);
  const stateDir = options.chain === 'anvil' ? join(base, 'anvil', 'chain') : undefined;
  const chain = await startChain({
    kind: options.chain,
    port: chainPort,
    // Its own process group: Ctrl-C reaches this process only, which stops the centre first.
    detached: true,
    ...(stateDir ? { stateDir } : {}),
  });
  try {
    await runLocal(options, asked, chain, base, port);
  } finally {
    await chain.stop();
    say('Stopped.');
  }
}

/** Every instance of the chain has a data folder of its own: what one instance anchored, the next does not know. */
async function runLocal(
  options: Options,
  asked: Timing,
  chain: RunningChain,
  base: string,
  port: number,
): Promise<void> {
  stopping.throwIfAborted();
  const rpc = jsonRpc(chain.rpcUrl);
  const genesis = (await rpc('eth_getBlockByNumber', ['0x0', false])) as { hash: string };
  const dataDir = join(base, options.chain === 'anvil' ? 'anvil' : `hardhat-${genesis.hash.slice(2, 10)}`, 'centre-1');
  if (!existsSync(dataDir)) say('Making the keys of the centre …');
  const keys = await ensureKeys(dataDir);
  await fund(chain.rpcUrl, keys.address);
  say('Deploying the contracts …');
  const deployment = await unlessStopped(
    deployLocal({
      rpcUrl: chain.rpcUrl,
      keys,
      endpoint: `http://127.0.0.1:${port}`,
      stateDir: join(dataDir, '..', 'ignition'),
      ...asked,
      outFile: join(root, 'deployments', 'localhost.json'),
    }),
  );
  const { periodSeconds, graceSeconds } = deployment;
  if (periodSeconds !== asked.periodSeconds || graceSeconds !== asked.graceSeconds) {
    say(
      `This network keeps the period of ${periodSeconds} s and the grace of ${graceSeconds} s that it was deployed with.`,
    );
  }
  const contract = deployment.blockAnchor.toLowerCase() as Address;
  await mentionOldFolders(base, dataDir);
  await runCentre({ dataDir, port, rpcUrl: chain.rpcUrl, contract }, chain);
}

async function runOn(options: Options, rpcUrl: string, contract: Address, port: number): Promise<void> {
  const dataDir = join(resolve(options.data), `network-${contract.slice(2, 10)}`, 'centre-1');
  const { address } = await ensureKeys(dataDir);
  say(`This centre is ${address}; it must be in the committee of ${contract}, and able to pay for gas.`);
  await runCentre({ dataDir, port, rpcUrl, contract });
}

async function mentionOldFolders(base: string, dataDir: string): Promise<void> {
  const current = resolve(dataDir, '..');
  const old = (await readdir(base)).filter((name) => name.startsWith('hardhat-') && join(base, name) !== current);
  if (old.length === 0) return;
  say(
    `${old.length} data folder${old.length === 1 ? '' : 's'} of earlier Hardhat networks, which are gone, can be deleted: ${join(base, 'hardhat-*')}`,
  );
}

async function runCentre(place: CentreProcess, chain?: RunningChain): Promise<void> {
  say('Starting the centre …');
  const centre = await startLocalCentre({ ...place, signal: stopping });
  stopping.throwIfAborted();
  // It has said why on stderr, and its exit code is ours.
  if (!centre) return;
  try {
    say(nextStepsOf(place, chain));
    const stopped = once(stopping, 'abort');
    await Promise.race([stopped, centre.ended, ...(chain ? [chain.ended] : [])]);
    if (stopping.aborted) say('\nStopping: the centre first, then the chain …');
    else throw new NotariumError('internal', 'the centre or the chain ended by itself; see above');
  } finally {
    await centre.stop();
  }
}

function portOf(text: string, flag: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new NotariumError('usage-invalid', `${flag} ${text}`);
  return port;
}

function positive(text: string, flag: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1_000_000)
    throw new NotariumError('usage-invalid', `${flag} ${text}`);
  return value;
}
