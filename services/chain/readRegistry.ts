import type { NodeRegistry } from '../../types/ethers-contracts/index.ts';
import type { Address, Hash, Hex } from '../core/bytes.ts';
import type { Committee } from '../core/committee.ts';
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

/** Every node ever entered, in order. */
export async function registryNodes(registry: NodeRegistry): Promise<RegistryNode[]> {
  const nodes: RegistryNode[] = [];
  const count = Number(await registry.nodeCount());
  while (nodes.length < count) {
    const { accounts, infos } = await registry.nodes(nodes.length, pageNodes);
    if (accounts.length === 0) break;
    accounts.forEach((account, index) => {
      const info = infos[index]!;
      const { status, name, endpoint, encryptionKey, noteKey } = info;
      const application = publishedOf(info);
      nodes.push({
        address: lowerCase(account),
        name,
        endpoint,
        encryptionKey: encryptionKey as Hash,
        noteKey: noteKey as Hash,
        status: statusOf(status),
        ...(info.isAuthenticator ? { isAuthenticator: true } : {}),
        ...(application ? { application } : {}),
      });
    });
  }
  return nodes;
}

/** The last application of a node; undefined where it was taken back or is not published yet, so that nobody can vote on it. */
export function publishedOf(info: Awaited<ReturnType<NodeRegistry['node']>>): NodeApplication | undefined {
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
