import { expect } from 'chai';
import { BallotPauses } from '../../../../services/app/governance/BallotPauses.ts';
import { handInBallots } from '../../../../services/app/governance/handInBallots.ts';
import type { ProposalProjection } from '../../../../services/app/governance/projections.ts';
import { toHex } from '../../../../services/core/bytes.ts';
import type { Support } from '../../../../services/core/governance/names.ts';
import { devAddress, type RunningChain, startChain } from '../../../support/chains.ts';
import { until } from '../../../support/until.ts';
import { generalDraft, type KitCentre, type ProposalKit, proposalKit, suspensionDraft } from './proposalKit.ts';

/** What is no candidate cannot be activated: the vote passes, the call fails. */
const impossibleDraft = (title: string): string =>
  JSON.stringify({
    kind: 'admission',
    title,
    text: '',
    effect: { steps: [{ do: 'activate', account: devAddress(1) }] },
  });

describe('ballots that decide', () => {
  let running: RunningChain;
  let kit: ProposalKit;
  let centre: KitCentre;
  before(async () => {
    running = await startChain({ kind: 'hardhat' });
  });
  after(() => running.stop());
  beforeEach(async () => {
    kit = await proposalKit(running.rpcUrl, { centres: 2 });
    centre = kit.centres[0]!;
  });
  afterEach(() => kit.dispose());

  const sent = async (): Promise<number> =>
    Number(await kit.rpc('eth_getTransactionCount', [centre.parts.signer.address, 'latest']));

  async function proposed(draft: string): Promise<ProposalProjection> {
    const { proposalId } = await centre.actions.propose(draft);
    return await centre.confirmed(proposalId);
  }

  async function keep({ proposalId }: ProposalProjection, ...ballots: readonly (readonly [number, Support])[]) {
    for (const [voter, support] of ballots) {
      const given = await kit.ballot(proposalId, voter, support);
      for (const { store } of kit.centres) await store.keepBallot({ ...given, signature: toHex(given.signature) });
    }
  }

  /** Hands them in; how many transactions that took, and where the proposal stands then. */
  async function handedIn(proposal: ProposalProjection, executes = true) {
    const before = await sent();
    const signal = new AbortController().signal;
    await handInBallots(centre.parts, proposal, { pauses: new BallotPauses(), signal, executes });
    const { state, forVotes } = (await kit.governance.proposal(proposal.proposalId))!;
    return { transactions: (await sent()) - before, state, forVotes };
  }

  it('are handed in and executed in one transaction', async () => {
    const proposal = await proposed(suspensionDraft('together', 3));
    await keep(proposal, [0, 'for'], [1, 'for'], [2, 'against'], [3, 'for']);
    expect(await handedIn(proposal)).to.deep.equal({ transactions: 1, state: 'executed', forVotes: 3 });
    expect((await kit.chain.committee()).members).to.deep.equal([0, 1, 2].map(devAddress));
    const { votes, executed, outcome } = await centre.confirmed(
      proposal.proposalId,
      (now) => now.executed !== undefined,
    );
    expect(outcome?.decision).to.equal('passed');
    expect(new Set([...votes.map(({ place }) => place.transactionHash), executed!.transactionHash])).to.have.length(1);
  });

  it('are so by a centre that does its duties, and nothing more is sent', async () => {
    const proposal = await proposed(suspensionDraft('duties', 3));
    const before = await sent();
    await keep(proposal, [0, 'for'], [1, 'for'], [2, 'for']);
    centre.startDuties();
    await centre.confirmed(proposal.proposalId, (now) => now.executed !== undefined);
    // Done with it: a later proposal has been dealt with since.
    const later = await proposed(generalDraft('later'));
    await keep(later, [0, 'for'], [1, 'for'], [2, 'for']);
    await centre.confirmed(later.proposalId, (now) => now.outcome !== undefined);
    // One for the first proposal, and proposal and votes of the second.
    expect((await sent()) - before).to.equal(3);
  });

  it('count all the same where a call fails, and the operators hear of it', async () => {
    const proposal = await proposed(impossibleDraft('impossible'));
    await keep(proposal, [0, 'for'], [1, 'for'], [2, 'for']);
    expect(await handedIn(proposal)).to.deep.equal({ transactions: 1, state: 'succeeded', forVotes: 3 });
    centre.startDuties();
    await until('an alert', async () => {
      const events = await centre.store.eventsAfter(0, 1_000);
      return events.some(({ type, data }) => type === 'alert' && (data as { what?: string }).what === 'execution');
    });
  });

  it('are handed in alone where nothing is to be executed here', async () => {
    const left = await proposed(suspensionDraft('left to others', 3));
    await keep(left, [0, 'for'], [1, 'for'], [2, 'for']);
    expect(await handedIn(left, false)).to.deep.equal({ transactions: 1, state: 'succeeded', forVotes: 3 });
    const general = await proposed(generalDraft('general'));
    await keep(general, [0, 'for'], [1, 'for'], [2, 'for']);
    expect(await handedIn(general)).to.deep.equal({ transactions: 1, state: 'succeeded', forVotes: 3 });
    const defeated = await proposed(suspensionDraft('defeated', 3));
    await keep(defeated, [0, 'for'], [1, 'against'], [2, 'against']);
    expect(await handedIn(defeated)).to.deep.equal({ transactions: 1, state: 'defeated', forVotes: 1 });
    const open = await proposed(suspensionDraft('open', 3));
    await keep(open, [0, 'for'], [1, 'for']);
    expect(await handedIn(open)).to.deep.equal({ transactions: 1, state: 'active', forVotes: 2 });
  });

  it('are executed once where two centres hand them in at the same time', async () => {
    const proposal = await proposed(suspensionDraft('race', 3));
    await keep(proposal, [0, 'for'], [1, 'for'], [2, 'for']);
    const signal = new AbortController().signal;
    const handIn = ({ parts }: KitCentre) =>
      handInBallots(parts, proposal, { pauses: new BallotPauses(), signal, executes: true });
    await Promise.all(kit.centres.map(handIn));
    expect((await kit.governance.proposal(proposal.proposalId))?.state).to.equal('executed');
    expect((await kit.events()).filter(({ type }) => type === 'proposal.executed')).to.have.length(1);
  });

  it('go on after those that the chain has already', async () => {
    const proposal = await proposed(suspensionDraft('in parts', 3));
    await keep(proposal, [0, 'for'], [1, 'for']);
    expect(await handedIn(proposal)).to.deep.equal({ transactions: 1, state: 'active', forVotes: 2 });
    await keep(proposal, [2, 'for']);
    expect(await handedIn(proposal)).to.deep.equal({ transactions: 1, state: 'executed', forVotes: 3 });
  });

  it('execute also when one of them is not valid', async () => {
    const proposal = await proposed(suspensionDraft('a bad one', 3));
    await keep(proposal, [0, 'for'], [1, 'for'], [2, 'for'], [3, 'for']);
    const wrong = await kit.ballot(proposal.proposalId, 1, 'against');
    const { store } = centre;
    await store.dropBallot((await store.ballots(proposal.proposalId)).find(({ voter }) => voter === devAddress(1))!);
    await store.keepBallot({ ...wrong, support: 'for', signature: toHex(wrong.signature) });
    const { state, forVotes } = await handedIn(proposal);
    expect({ state, forVotes }).to.deep.equal({ state: 'executed', forVotes: 3 });
  });
});
