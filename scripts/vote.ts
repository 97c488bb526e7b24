/**
 * Votes: `NOTARIUM_PROPOSAL_ID=0x… NOTARIUM_SUPPORT=for npx hardhat run scripts/vote.ts --network localhost`, with
 * NOTARIUM_SUPPORT `for`, `against` or `abstain`, and NOTARIUM_REASON, which stays on chain (the others are at
 * openGovernanceNetwork). Several development accounts (NOTARIUM_ACCOUNT=1,2,3) sign ballots (EIP-712) that are handed in as one batch.
 */
import { NotariumError } from '../services/core/errors.ts';
import { type Support, supports } from '../services/core/governance/names.ts';
import { ballotDigest, type ProposalId } from '../services/core/governance/signing.ts';
import type { GovernanceNetwork, ScriptEnv } from './support/governanceNetwork.ts';
import { contentOnChain, namedProposal, reportProposal } from './support/proposalOnChain.ts';
import { runScript, type Say } from './support/runScript.ts';

async function vote(network: GovernanceNetwork, env: ScriptEnv, say: Say): Promise<void> {
  const support = supports.find((each) => each === env.NOTARIUM_SUPPORT);
  if (!support) throw new NotariumError('config-invalid', `NOTARIUM_SUPPORT must be one of ${supports.join(', ')}`);
  const event = await namedProposal(network, env);
  const { proposalId } = event;
  // Nobody can be for what he has not read; against it he can.
  if (support === 'for') {
    const { kind, title, text, effect } = await contentOnChain(network, event);
    say(`${kind}: ${title}`);
    if (text !== '') say(`          ${text}`);
    say(`effect    ${JSON.stringify(effect)}`);
  }
  const { transactionHash, gasUsed } = await cast(network, proposalId, support, env.NOTARIUM_REASON ?? '');
  say(`voters    ${network.signers.map(({ address }) => address).join(', ')}: ${support}`);
  say(`sent      ${transactionHash} (gas ${gasUsed})`);
  await reportProposal(network, proposalId, say);
}

async function cast(
  { governance, signers }: GovernanceNetwork,
  proposalId: ProposalId,
  support: Support,
  reason: string,
) {
  if (signers.length === 1) return await governance.castVote({ proposalId, support, reason });
  const ballots = signers.map(async (signer) => {
    const ballot = { proposalId, support, voter: signer.address, reason };
    return { ...ballot, signature: await signer.sign(ballotDigest(governance.governor, ballot)) };
  });
  return await governance.castVotes(proposalId, await Promise.all(ballots));
}

await runScript(import.meta.url, vote);
