import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launcher } from '../../scripts/support/launcher.ts';
import type { Address } from '../../services/core/bytes.ts';
import type { ChannelNetwork } from '../../services/core/channels/channel.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';
import { type CentreProcess, centreKeys, startListening } from '../../test/support/centreProcess.ts';
import { type RunningChain, startChain } from '../../test/support/chains.ts';
import { deployChannels } from '../../test/support/channels.ts';
import { freePorts } from '../../test/support/freePorts.ts';

const policy = {
  prices: { perItem: '1', perMebibyte: '1' },
  challengeSeconds: { least: 60, most: 86_400 },
  evidence: { lists: true },
};

/** Where a requester finds the verifier, and what both work with. */
export type VerifierPlace = {
  readonly url: string;
  readonly rpcUrl: string;
  readonly network: ChannelNetwork;
  readonly verifier: Address;
  /** For the requesters' own folders. */
  readonly folder: string;
};

/** A real verifier process, as `notarium verifier` starts it, on anvil, with SQLite and the evidence in a folder. */
export class VerifierBench {
  readonly place: VerifierPlace;
  readonly #chain: RunningChain;
  #process: CentreProcess;

  private constructor(chain: RunningChain, place: VerifierPlace, process: CentreProcess) {
    this.#chain = chain;
    this.place = place;
    this.#process = process;
  }

  static async start(): Promise<VerifierBench> {
    const chain = await startChain({ kind: 'anvil' });
    const { network } = await deployChannels(chain.rpcUrl);
    const folder = await mkdtemp(join(tmpdir(), 'notarium bench '));
    await mkdir(join(folder, 'requesters'));
    await writeFile(join(folder, 'policy.json'), JSON.stringify(policy));
    const { address: verifier } = await centreKeys(join(folder, 'verifier'));
    await jsonRpc(chain.rpcUrl)('anvil_setBalance', [verifier, '0xde0b6b3a7640000']);
    const [port] = (await freePorts(1)) as [number];
    const url = `http://127.0.0.1:${port}`;
    const place = { url, rpcUrl: chain.rpcUrl, network, verifier, folder };
    return new VerifierBench(chain, place, await startListening(commandOf(place)));
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Stops the verifier, so that it can be started in another way. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }

  /** Starts it again; resolves when it says that it listens. @param rpcUrl Another way to the same chain. */
  async startAgain(rpcUrl: string = this.place.rpcUrl): Promise<void> {
    this.#process = await startListening(commandOf({ ...this.place, rpcUrl }));
  }

  async close(): Promise<void> {
    await this.#process.stop();
    await this.#chain.stop();
    await rm(this.place.folder, { recursive: true, force: true });
  }
}

function commandOf({ url, rpcUrl, network, folder }: VerifierPlace): string[] {
  const data = join(folder, 'verifier');
  return [
    ...[process.execPath, '--disable-warning=ExperimentalWarning', ...profiling(), launcher],
    ...['verifier', '--data', data, '--policy', join(folder, 'policy.json'), '--password-file', join(data, 'password')],
    ...['--rpc', rpcUrl, '--channels', network.contract],
    ...['--port', new URL(url).port, '--no-rate-limit', '--log-level', 'warn'],
  ];
}

/** Arguments for Node's profiler, where somebody wants to know what limits the verifier. */
function profiling(): string[] {
  const { NOTARIUM_BENCH_PROFILE: folder } = process.env;
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}
