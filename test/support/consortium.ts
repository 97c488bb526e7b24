import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Address } from '../../services/core/bytes.ts';
import type { Network } from '../../services/core/eip712.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';
import { type CentreProcess, type CentreSpec, centreKeys, startCentre } from './centreProcess.ts';
import { type DeployedNotarium, deployNotarium, type RunningChain, startChain } from './chains.ts';
import { freePorts } from './freePorts.ts';
import type { Entry } from './governor.ts';
import { type TcpProxy, tcpProxy } from './tcpProxy.ts';
import { wire } from './wires.ts';

/** A chain and the centres of a committee, each a real process with its own data folder and ports. */
export type Consortium = AsyncDisposable & {
  readonly chain: RunningChain;
  readonly deployed: DeployedNotarium;
  readonly network: Network;
  readonly members: readonly Member[];
  /** Only with `wires`: cuts or mends every wire between the two groups. */
  partition(one: readonly number[], other: readonly number[]): void;
  heal(): void;
};

/** One centre of a {@link Consortium}; it is started and stopped by the test. */
export type Member = {
  readonly address: Address;
  readonly dataDir: string;
  readonly url: string;
  /** How the registry has it, or will. */
  readonly entry: Entry;
  readonly spec: CentreSpec;
  /** The process that was started last. */
  readonly process: CentreProcess;
  /** Whether it runs, as far as the test has started and ended it. */
  readonly isRunning: boolean;
  start(changes?: Partial<CentreSpec>): Promise<CentreProcess>;
  kill(): Promise<void>;
  stop(): Promise<void>;
};

/** By what way bytes went: the places of the centres that have part in it; of HTTP, of the one that was asked. */
export type OnBytes = (way: 'wire' | 'http' | 'chain', centres: readonly number[], bytes: Buffer) => void;

/** Starts a chain and a committee. Centres given in `idle` are not started. */
export async function startConsortium(options: {
  centres: number;
  periodSeconds?: number;
  graceSeconds?: number;
  idle?: readonly number[];
  /** How many of them the registry knows, the first ones; all by default. */
  registered?: number;
  args?: readonly string[];
  chainArgs?: readonly string[];
  /** Centres reach each other only through wires that the test can cut, and not by HTTP. */
  wires?: boolean;
  /** What stands between a centre and the chain; the chain itself by default. */
  rpcUrlOf?: (index: number, rpcUrl: string) => Promise<string>;
  /** Folder of the data folders; the temporary folder by default. */
  folder?: string;
  /**
   * Is told every byte that goes over the wires between two centres (which this lays), over HTTP from one centre to another one, and
   * between a centre and the chain. Whom a test asks by `url`, it asks past that.
   */
  onBytes?: OnBytes;
}): Promise<Consortium> {
  const { centres, periodSeconds = 1, graceSeconds = 30, idle = [], args = [], chainArgs, rpcUrlOf } = options;
  const { registered = centres, onBytes } = options;
  const hasWires = options.wires === true || onBytes !== undefined;
  const base = await mkdtemp(join(options.folder ?? tmpdir(), 'notarium consortium '));
  const ports = await freePorts(centres);
  const keys = await Promise.all(ports.map((_, index) => centreKeys(join(base, `centre ${index + 1}`))));
  const chain = await startChain({ kind: 'anvil', ...(chainArgs ? { args: chainArgs } : {}) });
  const relays: TcpProxy[] = [];
  const relayTo = async (way: 'http' | 'chain', index: number, port: number): Promise<number> => {
    const relay = await tcpProxy(port, (bytes) => onBytes?.(way, [index], bytes));
    relays.push(relay);
    return relay.port;
  };
  const httpPorts = onBytes ? await Promise.all(ports.map((port, index) => relayTo('http', index, port))) : ports;
  const entries = keys.map(({ address, encryptionPublicKey: encryptionKey, noteKey }, index) => ({
    account: address,
    name: `Centre ${index + 1}`,
    encryptionKey,
    noteKey,
    // Nobody answers at port 9 (discard).
    endpoint: `http://127.0.0.1:${options.wires ? 9 : httpPorts[index]}`,
  }));
  const committee = entries.slice(0, registered).map((entry) => ({ ...entry, address: entry.account }));
  const deployed = await deployNotarium(chain.rpcUrl, { committee, periodSeconds, graceSeconds });
  const rpc = jsonRpc(chain.rpcUrl);
  const [from] = (await rpc('eth_accounts', [])) as string[];
  for (const { address } of keys) {
    // 100 ether of a development account.
    await rpc('eth_sendTransaction', [{ from, to: address, value: '0x56bc75e2d63100000' }]);
  }
  const dataDirs = keys.map((_, index) => join(base, `centre ${index + 1}`));
  const told = onBytes && ((from: number, to: number, bytes: Buffer) => onBytes('wire', [from, to], bytes));
  const wires = hasWires ? await wire(dataDirs, told) : undefined;
  const chainUrl = async (index: number): Promise<string> => {
    if (!onBytes) return chain.rpcUrl;
    return `http://127.0.0.1:${await relayTo('chain', index, Number(new URL(chain.rpcUrl).port))}`;
  };
  const members: Member[] = [];
  for (const [index, entry] of entries.entries()) {
    const spec: CentreSpec = {
      dataDir: dataDirs[index]!,
      rpcUrl: rpcUrlOf ? await rpcUrlOf(index, chain.rpcUrl) : await chainUrl(index),
      contract: deployed.contract,
      port: ports[index]!,
      args: ['--log-level', 'info', '--threads', '1', ...(wires?.argsOf(index) ?? []), ...args],
    };
    members.push(memberOf(entry, spec));
  }
  const consortium: Consortium = {
    chain,
    deployed,
    network: { chainId: deployed.chainId, contract: deployed.contract },
    members,
    partition: (one, other) => wires?.partition(one, other),
    heal: () => wires?.heal(),
    async [Symbol.asyncDispose]() {
      await Promise.all(members.map((member) => member.kill()));
      await chain.kill('SIGKILL');
      await Promise.all([wires?.close(), ...relays.map((relay) => relay.close())]);
      await rm(base, { recursive: true, force: true });
    },
  };
  try {
    await Promise.all(members.filter((_, index) => !idle.includes(index)).map((member) => member.start()));
  } catch (error) {
    await consortium[Symbol.asyncDispose]();
    throw error;
  }
  return consortium;
}

function memberOf(entry: Entry, spec: CentreSpec): Member {
  let running: CentreProcess | undefined;
  let last: CentreProcess | undefined;
  return {
    address: entry.account,
    entry,
    dataDir: spec.dataDir,
    url: `http://127.0.0.1:${spec.port}`,
    spec,
    get process() {
      if (!last) throw new Error('this member was never started');
      return last;
    },
    get isRunning() {
      return running !== undefined;
    },
    async start(changes = {}) {
      last = await startCentre({ ...spec, ...changes });
      running = last;
      return last;
    },
    async kill() {
      await running?.kill();
      running = undefined;
    },
    async stop() {
      await running?.stop();
      running = undefined;
    },
  };
}
