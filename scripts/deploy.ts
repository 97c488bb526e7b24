/**
 * Deploys the contracts by Hardhat Ignition. A second run with the same state folder deploys nothing, and a run that
 * was interrupted goes on where it stopped.
 *
 * As a command: `NOTARIUM_DEPLOY_PARAMETERS=<file.json> npx hardhat run scripts/deploy.ts --network localhost`
 * (also NOTARIUM_DEPLOY_STATE: the state folder, NOTARIUM_DEPLOY_OUT: the file to write; `--network rpc` takes
 * NOTARIUM_RPC_URL and, unless the chain signs by itself, NOTARIUM_DEPLOYER_KEY). From a script: `deploy()`.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Artifact,
  type ArtifactResolver,
  type BuildInfo,
  type DeploymentResult,
  type EIP1193Provider,
  deploy as ignite,
  listTransactions,
} from '@nomicfoundation/ignition-core';
import { type NodeEntry, notariumModule, type RuleEntry } from '../ignition/modules/Notarium.ts';
import { aggregations, proposalKinds } from '../services/core/governance/names.ts';
import { lostTransactionOf, settleLostTransaction } from './lost-transaction.ts';
import { rpcProvider } from './rpc-provider.ts';
import { DeployError } from './support/DeployError.ts';
import { type DeployParameters, defaultRules, deployParameters } from './support/deployParameters.ts';

const root = fileURLToPath(new URL('../', import.meta.url));

export type DeployOptions = {
  /** Where the chain is: a URL, or a provider that can already send transactions. */
  chain: string | EIP1193Provider;
  parameters: DeployParameters;
  /** Signs the transactions; without it, the chain's first unlocked account does (development chains). */
  privateKey?: string;
  /** Ignition's journal. One folder for each chain instance: by default it is named by chain id and genesis hash. */
  stateDir?: string;
  /** Where the result is written; nowhere by default. */
  outFile?: string;
  /** Blocks on top of a transaction before it counts; by default 1. */
  confirmations?: number;
  /** Where `hardhat build` put the artifacts. */
  artifactsDir?: string;
};

/** What deployments/<network>.json holds. */
export type Deployment = {
  chainId: number;
  /** Hash of the chain's block 0: tells two instances of one development chain apart. */
  genesisHash: string;
  registry: string;
  blockAnchor: string;
  /** `ResourceRegistry`. */
  resources: string;
  /** `ConsortiumGovernor`, which alone can change the registry and the resource sets. */
  governor: string;
  /** `EvidenceChannels`; files that were written before there were channels lack it. */
  channels: string;
  periodSeconds: number;
  graceSeconds: number;
  /** The first block in which an event of ours can be. */
  deployBlock: number;
  transactionHashes: Record<ContractField, string>;
};

/** The contracts of a deployment by their fields in it. */
const contractNames = {
  registry: 'NodeRegistry',
  blockAnchor: 'BlockAnchor',
  resources: 'ResourceRegistry',
  governor: 'ConsortiumGovernor',
  channels: 'EvidenceChannels',
} as const;

type ContractField = keyof typeof contractNames;

/**
 * Deploys what is not deployed yet and says where everything is.
 * @throws DeployError when the chain refuses, or no longer knows what the state folder says was deployed.
 */
export async function deploy(options: DeployOptions): Promise<Deployment> {
  const provider = typeof options.chain === 'string' ? rpcProvider(options.chain, options.privateKey) : options.chain;
  const chainId = Number(await provider.request({ method: 'eth_chainId' }));
  const genesis = (await provider.request({ method: 'eth_getBlockByNumber', params: ['0x0', false] })) as {
    hash: string;
  };
  const stateDir =
    options.stateDir ?? join(root, 'ignition', 'deployments', `chain-${chainId}-${genesis.hash.slice(2, 10)}`);
  await mkdir(stateDir, { recursive: true });
  const artifactResolver = artifactsIn(options.artifactsDir ?? join(root, 'artifacts'));

  const { periodSeconds, graceSeconds } = options.parameters;
  const committee = options.parameters.committee.map(
    ({ address, name, endpoint, encryptionKey, noteKey }): NodeEntry => {
      return { account: address, name, endpoint, encryptionKey, noteKey };
    },
  );
  const rules = proposalKinds.map((kind): RuleEntry => {
    const rule = options.parameters.rules?.[kind] ?? defaultRules[kind];
    return { ...rule, aggregation: aggregations.indexOf(rule.aggregation) };
  });
  const accounts = (await provider.request({ method: 'eth_accounts' })) as string[];
  const run = () =>
    ignite({
      ignitionModule: notariumModule,
      deploymentParameters: { Notarium: { committee, periodSeconds, graceSeconds, rules } },
      deploymentDir: stateDir,
      artifactResolver,
      provider,
      accounts,
      config: { requiredConfirmations: options.confirmations ?? 1, blockPollingInterval: 100, retryInterval: 100 },
    });
  const result = await run().catch(async (error: unknown) => {
    const lost = lostTransactionOf(error);
    if (lost === undefined || !(await settleLostTransaction(lost, stateDir, provider, artifactResolver))) throw error;
    return await run();
  });
  if (result.type !== 'SUCCESSFUL_DEPLOYMENT') throw new DeployError(reasonsOf(result));

  const addresses = byField((name) => {
    const contract = result.contracts[`Notarium#${name}`];
    if (contract === undefined) throw new DeployError(`Ignition did not report ${name}`);
    return contract.address;
  });
  for (const address of Object.values(addresses)) {
    if ((await provider.request({ method: 'eth_getCode', params: [address, 'latest'] })) !== '0x') continue;
    throw new DeployError(
      `${stateDir} says that ${address} was deployed, but the chain knows no contract there: it is another instance ` +
        'of the chain; use another state folder',
    );
  }

  const transactions = await listTransactions(stateDir, artifactResolver);
  const transactionHashes = byField((name) => {
    const sent = transactions.find((transaction) => transaction.name === name && transaction.status === 'SUCCESS');
    if (sent === undefined) throw new DeployError(`Ignition did not report the transaction of ${name}`);
    return sent.txHash;
  });
  const receipt = (await provider.request({
    method: 'eth_getTransactionReceipt',
    params: [transactionHashes.registry],
  })) as { blockNumber: string };
  const deployment: Deployment = {
    chainId,
    genesisHash: genesis.hash,
    ...addresses,
    periodSeconds,
    graceSeconds,
    deployBlock: Number(receipt.blockNumber),
    transactionHashes,
  };
  if (options.outFile !== undefined) await writeWhole(options.outFile, `${JSON.stringify(deployment, null, 2)}\n`);
  return deployment;
}

function byField(read: (contractName: string) => string): Record<ContractField, string> {
  const fields = Object.entries(contractNames).map(([field, name]) => [field, read(name)]);
  return Object.fromEntries(fields) as Record<ContractField, string>;
}

/** The artifacts as files, so that a deployment needs neither the compiler nor the Hardhat runtime. */
export function artifactsIn(folder: string): ArtifactResolver {
  const loadArtifact = async (name: string): Promise<Artifact> => {
    const file = join(folder, 'contracts', `${name}.sol`, `${name}.json`);
    return JSON.parse(await readFile(file, 'utf8')) as Artifact;
  };
  return {
    loadArtifact,
    getBuildInfo: async (name) => {
      const { buildInfoId } = await loadArtifact(name);
      return JSON.parse(await readFile(join(folder, 'build-info', `${buildInfoId}.json`), 'utf8')) as BuildInfo;
    },
  };
}

function reasonsOf(result: Exclude<DeploymentResult, { type: 'SUCCESSFUL_DEPLOYMENT' }>): string {
  if ('errors' in result)
    return Object.entries(result.errors)
      .map(([id, texts]) => `${id}: ${texts.join('; ')}`)
      .join('\n');
  const failed = 'failed' in result ? result.failed : [];
  const timedOut = result.timedOut.map(({ futureId }) => `${futureId}: timed out; run again to go on`);
  return [...failed.map(({ futureId, error }) => `${futureId}: ${error}`), ...timedOut].join('\n');
}

/** Never half a file: written beside, then renamed. */
async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(dirname(resolve(file)), { recursive: true });
  await writeFile(`${file}.tmp`, text);
  await rename(`${file}.tmp`, file);
}

/** `hardhat run scripts/deploy.ts --network <name>`: the network of Hardhat's configuration does the signing. */
async function main(): Promise<void> {
  const file = process.env.NOTARIUM_DEPLOY_PARAMETERS;
  if (file === undefined) {
    throw new DeployError(
      'NOTARIUM_DEPLOY_PARAMETERS must name a JSON file: { committee, periodSeconds, graceSeconds, rules? }',
    );
  }
  const parameters = deployParameters(await readJson(file), file);
  const { network } = await import('hardhat');
  const connection = await network.create();
  try {
    const stateDir = process.env.NOTARIUM_DEPLOY_STATE;
    const outFile = process.env.NOTARIUM_DEPLOY_OUT ?? join(root, 'deployments', `${connection.networkName}.json`);
    const deployment = await deploy({
      chain: connection.provider,
      parameters,
      ...(stateDir === undefined ? {} : { stateDir }),
      outFile,
    });
    console.log(JSON.stringify(deployment, null, 2));
    console.log(`written to ${outFile}`);
  } finally {
    await connection.close();
  }
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new DeployError(`${file}: ${(error as Error).message}`);
  }
}

// Hardhat imports the script that it runs, so import.meta.main is false there.
if (process.argv.some((argument) => resolve(argument) === fileURLToPath(import.meta.url))) {
  await main().catch((error: unknown) => {
    if (!(error instanceof DeployError)) throw error;
    console.error(`✘ ${error.message}`);
    process.exitCode = 1;
  });
}
