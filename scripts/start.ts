/**
 * Starts a Notarium network of one centre on this machine: a local chain, the contracts, and the centre with its HTTP
 * API. Ctrl-C stops everything. See `npm start -- --help`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { exitCodeOf } from '../services/cli/exitCodes.ts';
import type { Address } from '../services/core/bytes.ts';
import { isNotariumError, NotariumError } from '../services/core/errors.ts';
import { jsonRpc } from '../services/lib/jsonRpc.ts';
import { createKeystore, type KeystorePublic, readKeystore } from '../services/lib/keystore.ts';
import { deploy } from './deploy.ts';
import { ensureBuilt, root } from './support/ensureBuilt.ts';
import { requireFreePort } from './support/ports.ts';
import { type ChainKind, type RunningChain, startChain } from './support/startChain.ts';

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

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());

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
  .option('--grace <seconds>', 'time that a block has to be anchored after its slot', '30')
  .option('--rpc <url>', 'use this chain instead of a local one (needs --contract)')
  .option('--contract <address>', 'BlockAnchor on that chain')
  .exitOverride();

try {
  program.parse();
  await run(program.opts<Options>());
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode;
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
    await runLocal(options, chain, base, port);
  } finally {
    await chain.stop();
    say('Stopped.');
  }
}

/** Every instance of the chain has a data folder of its own: what one instance anchored, the next does not know. */
async function runLocal(options: Options, chain: RunningChain, base: string, port: number): Promise<void> {
  const rpc = jsonRpc(chain.rpcUrl);
  const genesis = (await rpc('eth_getBlockByNumber', ['0x0', false])) as { hash: string };
  const dataDir = join(base, options.chain === 'anvil' ? 'anvil' : `hardhat-${genesis.hash.slice(2, 10)}`, 'centre-1');
  await mkdir(dataDir, { recursive: true });
  const keys = await ensureKeys(dataDir);
  await fund(rpc, keys.address);
  say('Deploying the contracts …');
  const deployment = await deploy({
    chain: chain.rpcUrl,
    stateDir: join(dataDir, '..', 'ignition'),
    outFile: join(root, 'deployments', 'localhost.json'),
    parameters: {
      committee: [
        {
          address: keys.address,
          name: 'Centre 1',
          endpoint: `http://127.0.0.1:${port}`,
          encryptionKey: keys.encryptionPublicKey,
          noteKey: keys.noteKey,
        },
      ],
      periodSeconds: positive(options.period, '--period'),
      graceSeconds: positive(options.grace, '--grace'),
    },
  });
  const contract = deployment.blockAnchor.toLowerCase() as Address;
  await mentionOldFolders(base, dataDir);
  await runCentre({ dataDir, port, rpcUrl: chain.rpcUrl, contract }, chain);
}

async function runOn(options: Options, rpcUrl: string, contract: Address, port: number): Promise<void> {
  const dataDir = join(resolve(options.data), `network-${contract.slice(2, 10)}`, 'centre-1');
  await mkdir(dataDir, { recursive: true });
  const { address } = await ensureKeys(dataDir);
  say(`This centre is ${address}; it must be in the committee of ${contract}, and able to pay for gas.`);
  await runCentre({ dataDir, port, rpcUrl, contract });
}

/** A keystore with a random password beside it, readable by this user only: enough for a centre that runs unattended. */
async function ensureKeys(dataDir: string): Promise<KeystorePublic> {
  const passwordFile = join(dataDir, 'password');
  if (!existsSync(passwordFile))
    await writeFile(passwordFile, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 });
  const folder = join(dataDir, 'keystore');
  if (existsSync(folder)) return await readKeystore(folder);
  say('Making the keys of the centre …');
  return await createKeystore(folder, (await readFile(passwordFile, 'utf8')).trim());
}

/** The local chain's first account, whose key the whole world knows, pays for the centre's gas. */
async function fund(rpc: ReturnType<typeof jsonRpc>, address: Address): Promise<void> {
  const balance = BigInt(String(await rpc('eth_getBalance', [address, 'latest'])));
  if (balance >= 10n ** 18n) return;
  const [from] = (await rpc('eth_accounts', [])) as Address[];
  await rpc('eth_sendTransaction', [{ from, to: address, value: `0x${(100n * 10n ** 18n).toString(16)}` }]);
}

async function mentionOldFolders(base: string, dataDir: string): Promise<void> {
  const current = resolve(dataDir, '..');
  const old = (await readdir(base)).filter((name) => name.startsWith('hardhat-') && join(base, name) !== current);
  if (old.length === 0) return;
  say(
    `${old.length} data folder${old.length === 1 ? '' : 's'} of earlier Hardhat networks, which are gone, can be deleted: ${join(base, 'hardhat-*')}`,
  );
}

type CentreProcess = {
  readonly dataDir: string;
  readonly port: number;
  readonly rpcUrl: string;
  readonly contract: Address;
};

async function runCentre({ dataDir, port, rpcUrl, contract }: CentreProcess, chain?: RunningChain): Promise<void> {
  const args = [
    ...process.execArgv,
    join(root, 'services', 'bin', 'notarium.js'),
    'node',
    ...['--data', dataDir, '--password-file', join(dataDir, 'password'), '--rpc', rpcUrl, '--contract', contract],
    ...['--host', '127.0.0.1', '--port', String(port), '--no-rate-limit', '--log-level', 'warn'],
  ];
  const centre = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'], detached: true });
  const ended = once(centre, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  try {
    if (!(await answers(`http://127.0.0.1:${port}/healthz`, ended))) throw await failure(ended);
    printNextSteps({ dataDir, port, rpcUrl, contract }, chain);
    const stopped = new Promise<void>((done) => {
      if (stop.signal.aborted) done();
      stop.signal.addEventListener('abort', () => done(), { once: true });
    });
    await Promise.race([stopped, ended, chain?.ended ?? stopped]);
    if (!stop.signal.aborted) throw await failure(ended);
  } finally {
    if (stop.signal.aborted) say('\nStopping: the centre first, then the chain …');
    await terminate(centre, ended);
  }
}

/** Waits until the centre answers, or has ended, or somebody pressed Ctrl-C. */
async function answers(url: string, ended: Promise<unknown>): Promise<boolean> {
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  for (let attempt = 0; attempt < 600 && !isOver; attempt++) {
    if (stop.signal.aborted) return true;
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return true;
    await new Promise((done) => setTimeout(done, 100));
  }
  return false;
}

async function failure(ended: Promise<[number | null, NodeJS.Signals | null]>): Promise<Error> {
  const [code, signal] = await Promise.race([ended, Promise.resolve([null, null] as const)]);
  if (code !== null) process.exitCode = code;
  return new NotariumError('internal', `the centre ended by itself (${signal ?? `exit code ${code}`}); see above`);
}

async function terminate(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await ended;
}

function printNextSteps({ dataDir, port, rpcUrl, contract }: CentreProcess, chain?: RunningChain): void {
  const keep = chain?.kind === 'anvil' ? 'kept over a restart' : chain ? 'gone when you stop it' : 'your own';
  say(`
Notarium is running.

  HTTP API     http://127.0.0.1:${port}      reference: http://127.0.0.1:${port}/docs
  chain        ${rpcUrl}      (${keep})
  contract     ${contract}
  data         ${dataDir}

Try it, in another terminal:

  npx notarium notarize README.md --wait
  npx notarium verify README.md README.md.receipt.json --rpc ${rpcUrl}

Ctrl-C stops everything.`);
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
