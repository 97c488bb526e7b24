import { buildModule } from '@nomicfoundation/ignition-core';

/** One genesis node, in the order and with the names of the contract's `NodeEntry`. */
export type NodeEntry = {
  account: string;
  name: string;
  endpoint: string;
  encryptionKey: string;
  noteKey: string;
};

/** The registry with its genesis committee, and the anchor that reads it; each knows the other in the end. */
export const notariumModule = buildModule('Notarium', (m) => {
  const registry = m.contract('NodeRegistry', [m.getParameter<NodeEntry[]>('committee')]);
  const blockAnchor = m.contract('BlockAnchor', [
    registry,
    m.getParameter<number>('periodSeconds'),
    m.getParameter<number>('graceSeconds'),
  ]);
  m.call(registry, 'setAnchor', [blockAnchor]);
  return { registry, blockAnchor };
});
