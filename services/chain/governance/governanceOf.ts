import type { Governance } from '../Governance.ts';
import type { Guards } from '../Guards.ts';
import { blockAt, newestBlock } from '../readBlocks.ts';
import { callsOf } from './callsOf.ts';
import { changesOf } from './changes.ts';
import { firstBlock } from './firstBlock.ts';
import type { GovernanceSource } from './GovernanceSource.ts';
import { isSignedBy } from './isSignedBy.ts';
import { readEvents } from './readEvents.ts';
import { readProposal, readRule } from './readProposal.ts';
import { resourceReads } from './readResources.ts';
import { transactionData } from './transactionData.ts';

/** See {@link Governance}. */
export function governanceOf(source: GovernanceSource, { read, change }: Guards): Governance {
  const { rpc, chainId, contracts } = source;
  const resources = resourceReads(source);
  const changes = changesOf(source);
  return {
    governor: { chainId, contract: contracts.governor },
    resources: { chainId, contract: contracts.resources },
    newestBlock: () => read(() => newestBlock(rpc)),
    blockAt: (blockNumber) => read(() => blockAt(rpc, blockNumber)),
    firstBlock: () => read(() => firstBlock(source)),
    events: (fromBlock, toBlock) => read(() => readEvents(source, fromBlock, toBlock)),
    rule: (kind) => read(() => readRule(source, kind)),
    proposal: (proposalId) => read(() => readProposal(source, proposalId)),
    isSignedBy: (...args) => read(() => isSignedBy(source, ...args)),
    callsOf,
    proposalIdOf: changes.proposalIdOf,
    propose: (...args) => change(() => changes.propose(...args)),
    castVote: (...args) => change(() => changes.castVote(...args)),
    castVotes: (...args) => change(() => changes.castVotes(...args)),
    castVotesAndExecute: (...args) => change(() => changes.castVotesAndExecute(...args)),
    cancel: (...args) => change(() => changes.cancel(...args)),
    execute: (...args) => change(() => changes.execute(...args)),
    resourceHeads: (resourceSet) => read(() => resources.resourceHeads(resourceSet)),
    resourceVersion: (...args) => read(() => resources.resourceVersion(...args)),
    reportSequence: (...args) => read(() => resources.reportSequence(...args)),
    submitReport: (...args) => change(() => changes.submitReport(...args)),
    transactionData: (hash) => read(() => transactionData(rpc, hash)),
  };
}
