import type { NodeRegistry } from '../../../types/ethers-contracts/index.ts';
import type { Address, Hash, Hex } from '../../core/bytes.ts';
import type { AdmissionRules } from '../../core/governance/proposalContent.ts';
import type { AdmissionNode } from '../Admission.ts';
import { publishedOf, statusOf } from '../readRegistry.ts';

/** See Admission.rules. */
export async function admissionRules(registry: NodeRegistry): Promise<AdmissionRules> {
  const rules = await registry.admissionRules();
  return {
    manifestHash: rules.manifestHash as Hash,
    attestations: Number(rules.attestations),
    reapplySeconds: Number(rules.reapplySeconds),
    minScore: Number(rules.minScore),
    renewSeconds: Number(rules.renewSeconds),
    minHashesPerSecond: Number(rules.minHashesPerSecond),
    memoryMiB: Number(rules.memoryMiB),
    minMemoryPassesPerMinute: Number(rules.minMemoryPassesPerMinute),
    minWrittenMiBPerSecond: Number(rules.minWrittenMiBPerSecond),
    minReadMiBPerSecond: Number(rules.minReadMiBPerSecond),
  };
}

/** See Admission.node. */
export async function admissionNode(registry: NodeRegistry, account: Address): Promise<AdmissionNode> {
  const node = await registry.node(account);
  const status = statusOf(node.status);
  const published = publishedOf(node);
  return {
    address: account.toLowerCase() as Address,
    status,
    isAuthenticator: node.isAuthenticator && status === 'active',
    isListedAuthenticator: node.isAuthenticator,
    appliedAt: Number(node.appliedAt),
    ...(BigInt(node.application) === 0n ? {} : { application: node.application as Hex }),
    ...(published ? { published } : {}),
    name: node.name,
    endpoint: node.endpoint,
    encryptionKey: node.encryptionKey as Hash,
    noteKey: node.noteKey as Hash,
  };
}
