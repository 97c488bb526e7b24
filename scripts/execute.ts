/**
 * Executes a proposal that has passed: `NOTARIUM_PROPOSAL_ID=0x… npx hardhat run scripts/execute.ts --network localhost` (the
 * other variables are at openGovernanceNetwork). Anybody may, also who is no centre: what happens was decided by the vote.
 */
import type { GovernanceNetwork, ScriptEnv } from './support/governanceNetwork.ts';
import { namedProposal, reportProposal } from './support/proposalOnChain.ts';
import { runScript, type Say } from './support/runScript.ts';

async function execute(network: GovernanceNetwork, env: ScriptEnv, say: Say): Promise<void> {
  const { governance } = network;
  const event = await namedProposal(network, env);
  const { transactionHash, blockNumber, gasUsed } = await governance.execute(event);
  say(`sent      ${transactionHash} (gas ${gasUsed})`);
  for (const done of await governance.events(blockNumber, blockNumber)) {
    if (done.type !== 'version.added' || done.proposalId !== event.proposalId) continue;
    say(`version   ${done.version}, configuration ${done.configurationHash}`);
  }
  await reportProposal(network, event.proposalId, say);
}

await runScript(import.meta.url, execute);
