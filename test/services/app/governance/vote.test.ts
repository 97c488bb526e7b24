import { expect } from 'chai';
import { ballotsProtocol } from '../../../../services/app/governance/BallotExchange.ts';
import { BallotPauses } from '../../../../services/app/governance/BallotPauses.ts';
import { handInBallots } from '../../../../services/app/governance/handInBallots.ts';
import { jsonFrame } from '../../../../services/app/replication/wire.ts';
import { toHex, utf8 } from '../../../../services/core/bytes.ts';
import { canonicalText } from '../../../../services/core/canonicalJson.ts';
import type { ProposalId } from '../../../../services/core/governance/signing.ts';
import type { Clock } from '../../../../services/lib/clock.ts';
import { devAddress, type RunningChain, startChain } from '../../../support/chains.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { until } from '../../../support/until.ts';
import { generalDraft, type KitCentre, type ProposalKit, proposalKit, quickClock } from './proposalKit.ts';

const unknown = `0x${'ab'.repeat(32)}` as const;

describe('voting', () => {
  let running: RunningChain;
  let kit: ProposalKit;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
  });
  after(() => running.stop());
  afterEach(() => kit.dispose());
  const fresh = async (options?: Parameters<typeof proposalKit>[1]): Promise<readonly KitCentre[]> => {
    kit = await proposalKit(running.rpcUrl, options);
    return kit.centres;
  };
  const signed = async (id: ProposalId, voter: number, support: 'for' | 'against' | 'abstain', reason = '') => {
    const { signature, ...ballot } = await kit.ballot(id, voter, support, reason);
    return { ...ballot, signature: toHex(signature) };
  };
  const proposed = async (centre: KitCentre, title: string): Promise<ProposalId> => {
    const { proposalId } = await centre.actions.propose(generalDraft(title));
    await centre.confirmed(proposalId);
    return proposalId;
  };

  it('by transaction is one vote, however often it is asked for, and never two', async () => {
    const [centre] = await fresh();
    const { actions } = centre!;
    const { proposalId } = await actions.propose(generalDraft('a'));
    // Not confirmed yet, perhaps: it is waited for.
    const vote = { support: 'for', reason: 'so \u0000 be it' } as const;
    const voted = await actions.vote(proposalId, vote);
    expect(voted).to.deep.include({ ...vote, by: 'transaction', voter: devAddress(0), proposalId });
    expect(await actions.vote(proposalId, vote)).to.deep.equal(voted);
    await expectCode('vote-cast', actions.vote(proposalId, { support: 'against' }));
    await expectCode('vote-cast', actions.vote(proposalId, { support: 'for', by: 'signature' }));
    const { votes } = await centre!.confirmed(proposalId, ({ votes: cast }) => cast.length > 0);
    expect(votes).to.have.length(1);
    await expectCode('proposal-unknown', actions.vote(unknown, vote));
  });

  it('for something needs its content here, and that it is what the chain would do', async () => {
    const [one, other] = await fresh({ centres: 2 });
    const id = await proposed(one!, 'hidden');
    await other!.confirmed(id);
    await expectCode('content-unavailable', other!.actions.vote(id, { support: 'for' }));
    await other!.actions.vote(id, { support: 'abstain', by: 'signature' });
    // A content that says one thing, and a call that does another.
    const said = kit.draft('suspension', { accounts: [devAddress(3)] });
    const done = kit.draft('suspension', { accounts: [devAddress(2)] });
    const { proposalId } = await kit.propose({ ...done, contentHash: said.contentHash });
    await one!.parts.contents.put(utf8(canonicalText(said.content)));
    await one!.confirmed(proposalId);
    const { data } = await expectCode('proposal-mismatch', one!.actions.vote(proposalId, { support: 'for' }));
    expect(data.field).to.equal('effect');
    await one!.actions.vote(proposalId, { support: 'against' });
  });

  it('by signature is kept, and refused where it is for another proposal, of nobody here, or late', async () => {
    const [centre] = await fresh();
    const { actions, store } = centre!;
    const [a, b] = [await proposed(centre!, 'a'), await proposed(centre!, 'b')];
    const own = await actions.vote(a, { support: 'against', by: 'signature' });
    expect(await actions.vote(a, { support: 'against', by: 'signature' })).to.deep.equal(own);
    await expectCode('vote-cast', actions.vote(a, { support: 'for', by: 'signature' }));
    await expectCode('vote-cast', actions.vote(a, { support: 'abstain' }));
    const { proposalId: _, ...ballot } = await signed(a, 2, 'for', 'weil ✗');
    expect(await actions.vote(a, ballot)).to.deep.include({ voter: devAddress(2), by: 'signature', reason: 'weil ✗' });
    // Replayed, changed, or of another.
    await expectCode('ballot-invalid', actions.vote(b, ballot));
    await expectCode('ballot-invalid', actions.vote(b, { ...ballot, support: 'against' }));
    await expectCode('ballot-invalid', actions.vote(b, { ...ballot, voter: devAddress(3) }));
    await expectCode('ballot-invalid', actions.vote(b, { ...ballot, signature: '0x1234' }));
    const { proposalId: __, ...stranger } = await signed(b, 5, 'for');
    await expectCode('elector-unknown', actions.vote(b, stranger));
    expect((await store.ballots(a)).map(({ voter }) => voter)).to.have.members([devAddress(0), devAddress(2)]);
    expect(await store.ballots(b)).to.deep.equal([]);
    await kit.governance.castVotes(b, await Promise.all([1, 2, 3].map((voter) => kit.ballot(b, voter, 'for'))));
    await centre!.confirmed(b, ({ outcome }) => outcome !== undefined);
    const { proposalId: ___, ...late } = await signed(b, 0, 'for');
    const { data } = await expectCode('proposal-state', actions.vote(b, late));
    expect(data.have).to.equal('passed');
  });

  it('reaches all centres, which check it themselves, and is handed in once it decides', async () => {
    // No other centre gets impatient on a slow machine.
    const centres = await fresh({ centres: 4, nets: true, dutyStepMs: 60_000 });
    const id = await proposed(centres[0]!, 'spread');
    for (const centre of centres) {
      await centre.confirmed(id);
      centre.startDuties();
    }
    await centres[1]!.actions.vote(id, { support: 'for', by: 'signature' });
    await centres[2]!.actions.vote(id, { support: 'for', by: 'signature', reason: 'yes' });
    await until('both are everywhere', async () => {
      const counts = await Promise.all(centres.map(async ({ store }) => (await store.ballots(id)).length));
      return counts.every((count) => count === 2);
    });
    expect((await kit.governance.proposal(id))!.forVotes).to.equal(0);
    await centres[3]!.actions.vote(id, { support: 'for', by: 'signature' });
    const { votes, outcome } = await centres[0]!.confirmed(id, (proposal) => proposal.outcome !== undefined);
    expect(outcome).to.deep.include({ decision: 'passed', forVotes: 3, againstVotes: 0 });
    expect(new Set(votes.map(({ place }) => place.transactionHash))).to.have.property('size', 1);
    expect((await kit.governance.transactionData(votes[0]!.place.transactionHash))!.from).to.equal(devAddress(0));
  });

  it('is not taken from a centre that passes on what nobody signed', async () => {
    const [one, other] = await fresh({ centres: 2, nets: true });
    const id = await proposed(one!, 'forged');
    await other!.confirmed(id);
    const forged = { ...(await signed(id, 2, 'for')), voter: devAddress(3) };
    const { net } = one!.parts.replication!;
    const ask = async (...frames: Uint8Array[]): Promise<void> => {
      for await (const _ of net.request(devAddress(1), ballotsProtocol, frames, { timeoutMs: 60_000 }));
    };
    const nothing = jsonFrame({ have: [] });
    await expectCode('ballot-invalid', ask(nothing, jsonFrame(forged)));
    await expectCode('peer-answer-invalid', ask(nothing, jsonFrame({ ...forged, reason: '\ud800' })));
    await expectCode('peer-answer-invalid', ask(utf8('[]')));
    expect(await other!.store.ballots(id)).to.deep.equal([]);
    const view = other!.parts.replication!.net.peers().find(({ address }) => address === devAddress(0))!;
    expect(view.score).to.be.greaterThan(0);
    // Of a proposal that this centre does not know, it is no news; nor is a second one of the same voter.
    await ask(nothing, jsonFrame({ ...forged, proposalId: unknown }));
    await ask(nothing, jsonFrame(await signed(id, 2, 'for')), jsonFrame(await signed(id, 2, 'against')));
    expect((await other!.store.ballots(id)).map(({ support }) => support)).to.deep.equal(['for']);
  });

  it('is asked for past those that are not good any more, for which nobody is blamed', async () => {
    const [one, other] = await fresh({ centres: 2, nets: true });
    const id = await proposed(one!, 'changed minds');
    await other!.confirmed(id);
    // As of a wallet that took it once; it stands before the good one.
    const stale = { ...(await signed(id, 1, 'for')), voter: devAddress(0) };
    const good = await signed(id, 2, 'for');
    const last = [devAddress(0), devAddress(2)].sort()[1];
    const kept = last === good.voter ? [stale, good] : [{ ...stale, voter: devAddress(2) }, await signed(id, 0, 'for')];
    for (const ballot of kept) await one!.store.keepBallot(ballot);
    other!.startDuties();
    const [taken] = await until('the good one', async () => {
      const ballots = await other!.store.ballots(id);
      return ballots.length > 0 && ballots;
    });
    expect(taken!.voter).to.equal(last);
    const peer = other!.parts.replication!.net.peers().find(({ address }) => address === devAddress(0))!;
    expect(peer.score).to.equal(0);
  });

  it('that decides nothing is handed in before the vote ends, by another centre where the proposer’s does not', async () => {
    let looks = 0;
    const sleep: Clock['sleep'] = (ms, signal) => {
      looks++;
      return quickClock.sleep(ms, signal);
    };
    // Of the six minutes before the end the second one is this centre's.
    const centres = await fresh({ centres: 2, dutyStepMs: 60_000, clock: { ...quickClock, sleep } });
    const id = await proposed(centres[0]!, 'lonely');
    const { voteEnd } = await centres[1]!.confirmed(id);
    await centres[1]!.actions.vote(id, { support: 'against', by: 'signature' });
    centres[1]!.startDuties();
    await until('some looks', () => looks > 9);
    expect((await kit.governance.proposal(id))!.againstVotes).to.equal(0);
    const { latestSeconds } = await centres[1]!.parts.chain.chainTime();
    await kit.wait(voteEnd - 200 - latestSeconds);
    await kit.rpc('evm_mine', []);
    const { votes } = await centres[1]!.confirmed(id, (proposal) => proposal.votes.length > 0);
    expect(votes[0]).to.deep.include({ voter: devAddress(1), support: 'against' });
    expect(votes[0]!.place.timestamp).to.be.within(voteEnd - 300, voteEnd);
  });

  it('does no harm when two centres hand the same ballots in at once, or one is not taken', async () => {
    const centres = await fresh({ centres: 2 });
    const id = await proposed(centres[0]!, 'race');
    const proposal = await centres[1]!.confirmed(id);
    const { signal } = new AbortController();
    const stop = () => ({ pauses: new BallotPauses(), signal, executes: true });
    for (const { store } of centres) {
      for (const voter of [0, 1, 2]) await store.keepBallot(await signed(id, voter, 'for'));
    }
    // Of a wallet that has changed its mind, say.
    const bad = { ...(await signed(id, 3, 'for')), support: 'against' } as const;
    await centres[0]!.store.keepBallot(bad);
    await Promise.all(centres.map(({ parts }) => handInBallots(parts, proposal, stop())));
    const { votes } = await centres[0]!.confirmed(id, ({ outcome }) => outcome !== undefined);
    expect(votes.map(({ voter }) => voter)).to.have.members([0, 1, 2].map(devAddress));
    await handInBallots(centres[0]!.parts, proposal, stop());
    expect((await kit.governance.proposal(id))!.forVotes).to.equal(3);
  });
});
