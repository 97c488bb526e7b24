import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Fragment, HDNodeWallet, Interface, type JsonFragment } from 'ethers';
import { type Address, fromHex, type Hash, type Hex, toHex } from '../../services/core/bytes.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { resolve } = createRequire(import.meta.url);
const startLimitMs = 30_000;

export type ChainKind = 'hardhat' | 'anvil';

/** A real chain process of a test's own. */
export type RunningChain = AsyncDisposable & {
  readonly rpcUrl: string;
  readonly port: number;
  readonly kind: ChainKind;
  readonly pid: number;
  /** Ends it in its own way (anvil then writes its state), and resolves when it is gone. */
  stop(): Promise<void>;
  /** Sends a signal, and resolves when the process is gone; SIGSTOP and SIGCONT resolve at once. */
  kill(signal: NodeJS.Signals): Promise<void>;
};

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Starts a chain on 127.0.0.1, chain id 31337, with the well-known development accounts of {@link devKey}.
 * @param options.port Any free one by default.
 * @param options.stateDir Folder in which anvil keeps its state over a stop and a start (not with `hardhat`).
 * @param options.args More arguments for the command.
 */
export async function startChain(options: {
  kind: ChainKind;
  port?: number;
  stateDir?: string;
  args?: readonly string[];
}): Promise<RunningChain> {
  const { kind, port = 0, stateDir, args = [] } = options;
  if (stateDir) await mkdir(stateDir, { recursive: true });
  const state = stateDir ? ['--state', join(stateDir, 'state.json'), '--state-interval', '1'] : [];
  const place = kind === 'anvil' ? ['--host', '127.0.0.1', '--port', String(port)] : ['--port', String(port)];
  const child =
    kind === 'anvil'
      ? spawn(anvilBinary(), [...place, ...state, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
      : spawn(process.execPath, [hardhatCommand(), 'node', '--hostname', '127.0.0.1', ...place, ...args], {
          cwd: root,
          env: { ...process.env, HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true', NO_COLOR: '1' },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
  running.add(child);
  const gone = once(child, 'exit').then(() => {
    running.delete(child);
  });
  const chosen = await listeningPort(child);
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    // Resolves also when it is gone already.
    child.ref();
    child.kill(signal);
    await gone;
  };
  // A test that fails before its stop() must not keep mocha waiting; the exit handler ends the process then.
  child.unref();
  for (const pipe of [child.stdout, child.stderr] as (Socket | null)[]) pipe?.unref();
  const softly = (): Promise<void> => stop(kind === 'anvil' ? 'SIGINT' : 'SIGTERM');
  return {
    rpcUrl: `http://127.0.0.1:${chosen}`,
    port: chosen,
    kind,
    pid: child.pid!,
    stop: softly,
    [Symbol.asyncDispose]: softly,
    kill: async (signal) => {
      if (signal === 'SIGSTOP' || signal === 'SIGCONT') child.kill(signal);
      else await stop(signal);
    },
  };
}

// The package's own command starts the binary as a child, which a SIGKILL would leave behind.
function anvilBinary(): string {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const folder = dirname(resolve(`@foundry-rs/anvil-${process.platform}-${arch}/package.json`));
  return join(folder, 'bin', 'anvil');
}

function hardhatCommand(): string {
  return join(dirname(resolve('hardhat/package.json')), 'dist', 'src', 'cli.js');
}

function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((done, fail) => {
    let output = '';
    const ended = (why: string): void => {
      clearTimeout(limit);
      child.kill('SIGKILL');
      fail(new Error(`the chain did not start: ${why}\n${output}`));
    };
    const limit = setTimeout(() => ended('time is up'), startLimitMs);
    child.once('error', (error) => ended(error.message));
    const exited = (code: number | null): void => ended(`exit code ${code}`);
    child.once('exit', exited);
    child.stderr!.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    let found = false;
    child.stdout!.on('data', (chunk: Buffer) => {
      // Read on for ever: a full pipe would stop the chain.
      if (found) return;
      output += chunk.toString();
      const match = /(?:Listening on |server at http:\/\/)127\.0\.0\.1:(\d+)/.exec(output);
      if (!match) return;
      found = true;
      clearTimeout(limit);
      child.off('exit', exited);
      done(Number(match[1]));
    });
  });
}

/** A well-known development key (mnemonic `test test … junk`) that both chains give 10,000 ether. NOT a secret. */
export function devKey(index: number): Uint8Array {
  const phrase = 'test test test test test test test test test test test junk';
  return fromHex(HDNodeWallet.fromPhrase(phrase, '', `m/44'/60'/0'/0/${index}`).privateKey);
}

/** Address of {@link devKey}. */
export function devAddress(index: number): Address {
  const phrase = 'test test test test test test test test test test test junk';
  return HDNodeWallet.fromPhrase(phrase, '', `m/44'/60'/0'/0/${index}`).address.toLowerCase() as Address;
}

/** What to deploy; committee in order of turns. */
export type Genesis = {
  readonly committee: readonly {
    readonly address: Address;
    readonly name?: string;
    readonly endpoint?: string;
    readonly encryptionKey?: Hash;
    readonly noteKey?: Hash;
  }[];
  /** Default 1. */
  readonly periodSeconds?: number;
  /** Default 86,400, so that no test fails by being slow. */
  readonly graceSeconds?: number;
};

export type DeployedNotarium = {
  readonly chainId: number;
  /** `BlockAnchor`. */
  readonly contract: Address;
  readonly registry: Address;
  /** First chain block of the deployment. */
  readonly fromBlock: number;
};

/**
 * Deploys NodeRegistry and BlockAnchor with two plain transactions of development account 9, much faster
 * than scripts/deploy.ts. Needs the artifacts of `npx hardhat build`.
 */
export async function deployNotarium(rpcUrl: string, genesis: Genesis): Promise<DeployedNotarium> {
  const { committee, periodSeconds = 1, graceSeconds = 86_400 } = genesis;
  const nodes = committee.map(({ address, name, endpoint, encryptionKey, noteKey }, index) => [
    address,
    name ?? `Centre ${index + 1}`,
    endpoint ?? `http://127.0.0.1:${8080 + index}`,
    encryptionKey ?? toHex(new Uint8Array(32).fill(index + 1)),
    noteKey ?? toHex(new Uint8Array(32).fill(index + 101)),
  ]);
  const registry = await deployContract(rpcUrl, 'NodeRegistry', [nodes]);
  const anchor = await deployContract(rpcUrl, 'BlockAnchor', [registry.address, periodSeconds, graceSeconds]);
  const chainId = Number(await jsonRpc(rpcUrl)('eth_chainId', []));
  return { chainId, contract: anchor.address, registry: registry.address, fromBlock: registry.blockNumber };
}

/** Deploys one contract from its artifact. */
export async function deployContract(
  rpcUrl: string,
  name: string,
  args: readonly unknown[],
): Promise<{ address: Address; blockNumber: number }> {
  const file = join(root, 'artifacts', 'contracts', `${name}.sol`, `${name}.json`);
  const artifact = JSON.parse(await readFile(file, 'utf8')) as { abi: (Fragment | JsonFragment)[]; bytecode: Hex };
  const data = artifact.bytecode + new Interface(artifact.abi).encodeDeploy(args).slice(2);
  const rpc = jsonRpc(rpcUrl, { timeoutMs: 20_000 });
  const accounts = (await rpc('eth_accounts', [])) as Address[];
  const hash = await rpc('eth_sendTransaction', [{ from: accounts[9], data, gas: '0x7a1200' }]);
  for (let attempt = 0; attempt < 500; attempt++) {
    const receipt = (await rpc('eth_getTransactionReceipt', [hash])) as Receipt | null;
    if (receipt?.status === '0x1')
      return { address: receipt.contractAddress, blockNumber: Number(receipt.blockNumber) };
    if (receipt) throw new Error(`${name} was not deployed: its constructor failed`);
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error(`${name} was not mined`);
}

type Receipt = { status: string; contractAddress: Address; blockNumber: string };
