import type { NodeRegistry } from '../../types/ethers-contracts/index.ts';
import type { Address, Hash, Hex } from '../core/bytes.ts';
import type { Committee } from '../core/committee.ts';
import type { JsonRpc } from '../lib/jsonRpc.ts';
import { registryInterface } from './interfaces.ts';
import type { NodeApplication, NodeStatus, RegistryNode } from './RegistryNode.ts';

// The order of the contract's enum.
const statuses: readonly NodeStatus[] = ['none', 'candidate', 'active', 'suspended', 'removed', 'banned'];
const pageNodes = 50;

/** Item of the contract's enum. */
export function statusOf(index: bigint | number): NodeStatus {
  return statuses[Number(index)] ?? 'none';
}

/** The current committee. */
export async function currentCommittee(registry: NodeRegistry): Promise<Committee> {
  const { epoch, members } = await registry.committee();
  return { epoch: Number(epoch), members: members.map(lowerCase) };
}

/** The committee of an epoch that was. */
export async function committeeAt(registry: NodeRegistry, epoch: number): Promise<Committee> {
  const members = await registry.committeeAt(epoch);
  return { epoch, members: members.map(lowerCase) };
}

/**
 * Reads every node ever entered, in order, as often as it is called. What the registry answers as it did the time before is not decoded
 * again: that takes several times as long as to ask.
 */
export function nodesReader(registry: Address, rpc: JsonRpc): () => Promise<RegistryNode[]> {
  const known: { readonly answer: string; readonly nodes: readonly RegistryNode[] }[] = [];
  return async () => {
    const nodes: RegistryNode[] = [];
    for (let index = 0; ; index++) {
      const data = registryInterface.encodeFunctionData('nodes', [index * pageNodes, pageNodes]);
      const answer = String(await rpc('eth_call', [{ to: registry, data }, 'latest']));
      const before = known[index];
      const page = before?.answer === answer ? before : { answer, nodes: nodesIn(answer) };
      known[index] = page;
      nodes.push(...page.nodes);
      if (page.nodes.length < pageNodes) return nodes;
    }
  };
}

type NodeInfo = Awaited<ReturnType<NodeRegistry['node']>>;

function nodesIn(answer: string): RegistryNode[] {
  const [accounts, infos] = registryInterface.decodeFunctionResult('nodes', answer) as unknown as [
    readonly string[],
    readonly NodeInfo[],
  ];
  return accounts.map((account, index) => {
    const info = infos[index]!;
    const { status, name, endpoint, encryptionKey, noteKey } = info;
    const application = publishedOf(info);
    return {
      address: lowerCase(account),
      name,
      endpoint,
      encryptionKey: encryptionKey as Hash,
      noteKey: noteKey as Hash,
      status: statusOf(status),
      ...(info.isAuthenticator ? { isAuthenticator: true } : {}),
      ...(application ? { application } : {}),
    };
  });
}

/** The last application of a node; undefined where it was taken back or is not published yet, so that nobody can vote on it. */
export function publishedOf(info: NodeInfo): NodeApplication | undefined {
  const { application, published, appliedAt, expiry, score, profileDigest } = info;
  if (BigInt(application) === 0n || application !== published) return undefined;
  return {
    name: application as Hex,
    appliedAt: Number(appliedAt),
    expiry: Number(expiry),
    score: Number(score),
    profileDigest: profileDigest as Hash,
  };
}

function lowerCase(address: string): Address {
  return address.toLowerCase() as Address;
}
