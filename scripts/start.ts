/**
 * Starts a Notarium network on this machine: a local chain, the contracts, and one centre or more with their HTTP API.
 * Ctrl-C stops everything. See `npm start -- --help`.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CommanderError } from 'commander';
import { exitCodeOf, exitInterrupted } from '../services/cli/exitCodes.ts';
import type { Address } from '../services/core/bytes.ts';
import { isNotariumError } from '../services/core/errors.ts';
import { jsonRpc } from '../services/lib/jsonRpc.ts';
import { DeployError } from './support/DeployError.ts';
import { deployLocal, keptParameters, type LocalMember } from './support/deployLocal.ts';
import { ensureBuilt, root } from './support/ensureBuilt.ts';
import { ensureKeys, fund } from './support/localCentre.ts';
import { moveEndpoints } from './support/moveEndpoints.ts';
import { centreUrl } from './support/nextStepsOf.ts';
import { requireFreePort } from './support/ports.ts';
import { runCentres } from './support/runCentres.ts';
import { type RunningChain, startChain } from './support/startChain.ts';
import { type Asked, centrePorts, readStartOptions, type StartOptions } from './support/startOptions.ts';
import { stopping, unlessStopped } from './support/stopping.ts';

/** Where a centre of a local network is. */
type Place = { readonly name: string; readonly dataDir: string; readonly port: number };

const say = (line = ''): void => void process.stdout.write(`${line}\n`);

try {
  await run(readStartOptions());
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

async function run(options: StartOptions): Promise<void> {
  const { rpc, contract, chainPort } = options;
  if (rpc !== undefined && contract !== undefined) {
    await requireFreePort(options.port, '--port');
    return await runOn(options, rpc, contract.toLowerCase() as Address);
  }
  const base = resolve(options.data);
  const keptDir = options.chain === 'anvil' ? join(base, 'anvil') : undefined;
  const kept = keptDir === undefined ? undefined : await keptParameters(keptDir);
  const ports = centrePorts(options, kept?.committee.length ?? options.asked.centres);
  for (const port of ports) await requireFreePort(port, '--port');
  await requireFreePort(chainPort, '--chain-port');
  if (kept) sayKept(kept.committee.length, options.asked.centres);
  ensureBuilt(say);
  await mkdir(base, { recursive: true });
  say(`Starting a local ${options.chain} chain on 127.0.0.1:${chainPort} …`);
  const chain = await startChain({
    kind: options.chain,
    port: chainPort,
    // Its own process group: Ctrl-C reaches this process only, which stops the centres first.
    detached: true,
    ...(keptDir === undefined ? {} : { stateDir: join(keptDir, 'chain') }),
  });
  try {
    const folder = keptDir ?? join(base, `hardhat-${(await genesisHash(chain)).slice(2, 10)}`);
    const places = ports.map((port, index) => {
      const name = `centre-${index + 1}`;
      return { name, dataDir: join(folder, name), port };
    });
    await runLocal(options.asked, chain, folder, places);
  } finally {
    await chain.stop();
    say('Stopped.');
  }
}

/** Every instance of the chain has data folders of its own: what one instance anchored, the next does not know. */
async function genesisHash({ rpcUrl }: RunningChain): Promise<string> {
  stopping.throwIfAborted();
  const { hash } = (await jsonRpc(rpcUrl)('eth_getBlockByNumber', ['0x0', false])) as { hash: string };
  return hash;
}

async function runLocal(asked: Asked, chain: RunningChain, folder: string, places: readonly Place[]): Promise<void> {
  const { rpcUrl } = chain;
  if (!existsSync(places.at(-1)!.dataDir)) say(`Making the keys of the centre${places.length === 1 ? '' : 's'} …`);
  const members: LocalMember[] = [];
  for (const { dataDir, port } of places) {
    stopping.throwIfAborted();
    const keys = await ensureKeys(dataDir);
    await fund(rpcUrl, keys.address);
    members.push({ keys, endpoint: centreUrl(port) });
  }
  say('Deploying the contracts …');
  const deployment = await unlessStopped(
    deployLocal({
      rpcUrl,
      members,
      stateDir: join(folder, 'ignition'),
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
  const moved = members.map(({ keys, endpoint }) => ({ address: keys.address, endpoint }));
  await unlessStopped(moveEndpoints(rpcUrl, deployment.registry.toLowerCase() as Address, moved));
  const contract = deployment.blockAnchor.toLowerCase() as Address;
  const channels = deployment.channels.toLowerCase() as Address;
  await mentionOldFolders(folder);
  await runCentres(
    places.map((place) => ({ ...place, rpcUrl, contract, channels })),
    { say, chain },
  );
}

async function runOn({ data, port }: StartOptions, rpcUrl: string, contract: Address): Promise<void> {
  const name = 'centre-1';
  const base = resolve(data);
  // Who deploys contracts has to name the keys of the committee before there is a contract: `notarium init` makes them.
  const isOwn = existsSync(join(base, 'keystore'));
  const dataDir = isOwn ? base : join(base, `network-${contract.slice(2, 10)}`, name);
  const { address } = await ensureKeys(dataDir);
  say(`This centre is ${address}; it must be in the committee of ${contract}, and able to pay for gas.`);
  await runCentres([{ name, dataDir, port, rpcUrl, contract }], { say });
}

function sayKept(have: number, asked: number): void {
  if (have === asked) return;
  say(`This network keeps the ${have === 1 ? 'one centre' : `${have} centres`} that it was deployed with.`);
}

async function mentionOldFolders(current: string): Promise<void> {
  const base = resolve(current, '..');
  const old = (await readdir(base)).filter((name) => name.startsWith('hardhat-') && join(base, name) !== current);
  if (old.length === 0) return;
  say(
    `${old.length} data folder${old.length === 1 ? '' : 's'} of earlier Hardhat networks, which are gone, can be deleted: ${join(base, 'hardhat-*')}`,
  );
}
