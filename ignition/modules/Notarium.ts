import { buildModule } from '@nomicfoundation/ignition-core';

/** One genesis node, in the order and with the names of the contract's `NodeEntry`. */
export type NodeEntry = {
  account: string;
  name: string;
  endpoint: string;
  encryptionKey: string;
  noteKey: string;
};

/** How one kind of proposal is voted on, with the names of the contract's `Rule`; `aggregation` is the place in its enum. */
export type RuleEntry = {
  aggregation: number;
  quorumShare: number;
  delaySeconds: number;
  periodSeconds: number;
};

/**
 * The registry with its genesis committee, the anchor that reads it, and the governor with the registry of resource sets; each
 * knows the others in the end; and evidence channels, which need none of them. One transaction at a time, so that an interruption
 * leaves a question about one at most.
 */
export const notariumModule = buildModule('Notarium', (m) => {
  const registry = m.contract('NodeRegistry', [m.getParameter<NodeEntry[]>('committee')]);
  const blockAnchor = m.contract('BlockAnchor', [
    registry,
    m.getParameter<number>('periodSeconds'),
    m.getParameter<number>('graceSeconds'),
  ]);
  const anchorSet = m.call(registry, 'setAnchor', [blockAnchor]);
  const resources = m.contract('ResourceRegistry', [registry], { after: [anchorSet] });
  const governor = m.contract('ConsortiumGovernor', [registry, resources, m.getParameter<RuleEntry[]>('rules')]);
  // The registry of resource sets first: whoever finds the governor by the other one finds it complete.
  const resourcesSet = m.call(resources, 'setGovernor', [governor]);
  const governorSet = m.call(registry, 'setGovernor', [governor], { after: [resourcesSet] });
  const channels = m.contract('EvidenceChannels', [], { after: [governorSet] });
  return { registry, blockAnchor, resources, governor, channels };
});
