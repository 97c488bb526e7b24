import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Fragment, Interface, type JsonFragment } from 'ethers';
import { type Address, type Hash, type Hex, toHex } from '../../services/core/bytes.ts';
import { aggregations, type ProposalKind, proposalKinds } from '../../services/core/governance/names.ts';
import type { Rule } from '../../services/core/governance/proposalContent.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';
import { until } from './until.ts';

export { devAddress, devKey } from '../../scripts/support/developmentKeys.ts';
export { type ChainKind, type RunningChain, startChain } from '../../scripts/support/startChain.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

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
 * Deploys NodeRegistry and BlockAnchor with three plain transactions of development account 9, much faster
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
  await sendAsDeployer(rpcUrl, 'setAnchor', {
    to: registry.address,
    data: new Interface(['function setAnchor(address)']).encodeFunctionData('setAnchor', [anchor.address]) as Hex,
  });
  const chainId = Number(await jsonRpc(rpcUrl)('eth_chainId', []));
  return { chainId, contract: anchor.address, registry: registry.address, fromBlock: registry.blockNumber };
}

/** Governor and registry of resource sets of a deployment. */
export type DeployedGovernance = { readonly governor: Address; readonly resources: Address };

/** Votes open at once, for an hour. */
const quickRule: Rule = { aggregation: 'majority', quorumShare: 5_000, delaySeconds: 0, periodSeconds: 3_600 };

/**
 * Gives a deployment of {@link deployNotarium} its governor, as scripts/deploy.ts does.
 * @param rules Of the kinds that differ from a majority of half the votes within an hour, without delay.
 */
export async function deployGovernance(
  rpcUrl: string,
  registry: Address,
  rules: Partial<Record<ProposalKind, Partial<Rule>>> = {},
): Promise<DeployedGovernance> {
  const resources = (await deployContract(rpcUrl, 'ResourceRegistry', [registry])).address;
  const all = proposalKinds.map((kind) => {
    const rule = { ...quickRule, ...rules[kind] };
    return { ...rule, aggregation: aggregations.indexOf(rule.aggregation) };
  });
  const governor = (await deployContract(rpcUrl, 'ConsortiumGovernor', [registry, resources, all])).address;
  const calls = new Interface(['function setGovernor(address)']);
  const data = calls.encodeFunctionData('setGovernor', [governor]) as Hex;
  for (const to of [registry, resources]) await sendAsDeployer(rpcUrl, 'setGovernor', { to, data });
  return { governor, resources };
}

/** Deploys one contract from its artifact. */
export async function deployContract(
  rpcUrl: string,
  name: string,
  args: readonly unknown[],
): Promise<{ address: Address; blockNumber: number }> {
  const file = join(root, 'artifacts', 'contracts', `${name}.sol`, `${name}.json`);
  const artifact = JSON.parse(await readFile(file, 'utf8')) as { abi: (Fragment | JsonFragment)[]; bytecode: Hex };
  const data = `${artifact.bytecode}${new Interface(artifact.abi).encodeDeploy(args).slice(2)}` as Hex;
  const receipt = await sendAsDeployer(rpcUrl, `deployment of ${name}`, { data });
  return { address: receipt.contractAddress, blockNumber: Number(receipt.blockNumber) };
}

/** Sends as development account 9, and waits until it is mined. */
export async function sendAsDeployer(
  rpcUrl: string,
  what: string,
  call: { to?: Address; data: Hex },
): Promise<Receipt> {
  const rpc = jsonRpc(rpcUrl, { timeoutMs: 60_000 });
  const accounts = (await rpc('eth_accounts', [])) as Address[];
  const hash = await rpc('eth_sendTransaction', [{ from: accounts[9], gas: '0xf42400', ...call }]);
  const receipt = await until(
    `${what} to be mined`,
    async () => ((await rpc('eth_getTransactionReceipt', [hash])) as Receipt | null) ?? undefined,
  );
  if (receipt.status !== '0x1') throw new Error(`${what}: the contract refused it`);
  return receipt;
}

type Receipt = { status: string; contractAddress: Address; blockNumber: string };
