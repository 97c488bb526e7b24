import type { ChainProposal, GovernanceEvent } from '../../services/chain/Governance.ts';
import { NotariumError } from '../../services/core/errors.ts';
import { outcomeOf } from '../../services/core/governance/outcome.ts';
import { type ProposalContent, readProposalContent } from '../../services/core/governance/proposalContent.ts';
import type { ProposalState } from '../../services/core/governance/proposalState.ts';
import { type ProposalId, proposalIdOf } from '../../services/core/governance/signing.ts';
import { findContent } from './contentsFolder.ts';
import type { GovernanceNetwork, ScriptEnv } from './governanceNetwork.ts';
import type { Say } from './runScript.ts';

/** The event of a proposal: all that is needed to execute it. */
export type CreatedEvent = Extract<GovernanceEvent, { type: 'proposal.created' }>;

/**
 * The proposal that NOTARIUM_PROPOSAL_ID names, in hexadecimal or as a decimal number.
 * @throws NotariumError `config-invalid`, `proposal-unknown`.
 */
export async function namedProposal(
  { governance, deployBlock }: GovernanceNetwork,
  { NOTARIUM_PROPOSAL_ID: text = '' }: ScriptEnv,
): Promise<CreatedEvent> {
  if (!/^(?:0x[0-9a-fA-F]{1,64}|[0-9]{1,78})$/.test(text)) {
    throw new NotariumError('config-invalid', 'NOTARIUM_PROPOSAL_ID must be the id of a proposal');
  }
  const proposalId = proposalIdOf(BigInt(text));
  const events = await governance.events(deployBlock, (await governance.newestBlock()).number);
  for (const event of events) {
    if (event.type === 'proposal.created' && event.proposalId === proposalId) return event;
  }
  throw new NotariumError('proposal-unknown', proposalId, { data: { proposalId } });
}

/**
 * What a proposal says, which the chain confirms: its hash and the very calls that it will make.
 * @throws NotariumError `content-unavailable`, `proposal-mismatch`.
 */
export async function contentOnChain(network: GovernanceNetwork, event: CreatedEvent): Promise<ProposalContent> {
  const { content } = readProposalContent(await findContent(network, event.contentHash), network.crypto);
  if (network.governance.callsOf(content).join() === event.calls.join()) return content;
  throw new NotariumError('proposal-mismatch', 'the calls on chain are not those of the content', {
    data: { field: 'calls' },
  });
}

/** Prints where a proposal stands, and what can be done next. */
export async function reportProposal(
  { governance, name }: GovernanceNetwork,
  proposalId: ProposalId,
  say: Say,
): Promise<void> {
  const proposal = (await governance.proposal(proposalId))!;
  const state = stateNow(proposal, Math.floor(Date.now() / 1000));
  const { forVotes, againstVotes, abstainVotes, totalVotes, quorumVotes, aggregation } = proposal;
  say(`proposal  ${proposalId}`);
  say(`state     ${state}${state === 'active' ? `, votes until ${timeText(proposal.voteEnd)}` : ''}`);
  say(
    `votes     for ${forVotes}, against ${againstVotes}, abstain ${abstainVotes}; ${totalVotes} in all (${aggregation}, quorum ${quorumVotes})`,
  );
  const command = (more: string, script: string): string =>
    `NOTARIUM_PROPOSAL_ID=${proposalId} ${more}npx hardhat run scripts/${script}.ts --network ${name}`;
  if (state === 'pending') say(`next      from ${timeText(proposal.voteStart)}: ${command(vote, 'vote')}`);
  else if (state === 'active') say(`next      ${command(vote, 'vote')}`);
  else if (state === 'succeeded' && proposal.kind !== 'general') say(`next      ${command('', 'execute')}`);
  else say('next      nothing');
}

const vote = 'NOTARIUM_SUPPORT=for ';

// A chain where nothing happens has the time of its newest block: by the clock, more may be true already.
function stateNow(proposal: ChainProposal, nowSeconds: number): ProposalState {
  const { state, voteStart, voteEnd } = proposal;
  if (state !== 'pending' && state !== 'active') return state;
  if (nowSeconds > voteEnd) return outcomeOf(proposal, true) === 'passed' ? 'succeeded' : 'defeated';
  return nowSeconds >= voteStart ? 'active' : state;
}

function timeText(unixSeconds: number): string {
  return new Date(1000 * unixSeconds).toISOString().replace('.000Z', 'Z');
}
