import { deploymentBlock } from '../deploymentBlock.ts';
import type { GovernanceSource } from './GovernanceSource.ts';
import { readEvents } from './readEvents.ts';

/** See Governance.firstBlock. */
export async function firstBlock(source: GovernanceSource): Promise<number> {
  const { rpc, contracts, fromBlock } = source;
  const found = await deploymentBlock(rpc, contracts.governor, fromBlock);
  if (found === undefined) return fromBlock;
  // A node that has forgotten a state may answer as if nothing had been there.
  const events = await readEvents(source, found, found);
  return events.some(({ type }) => type === 'rule.set') ? found : fromBlock;
}
