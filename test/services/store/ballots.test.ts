import { expect } from 'chai';
import type { Hash } from '../../../services/core/bytes.ts';
import type { StoredBallot } from '../../../services/store/BallotStore.ts';
import { alice, bob } from './storeKit.ts';
import { onBothDatabases } from './storePlace.ts';

const hash = (digit: string): Hash => `0x${digit.repeat(64)}` as const;
const signature = `0x${'5a'.repeat(65)}` as const;
const other = `0x${'5b'.repeat(65)}` as const;

onBothDatabases('what centres sign of proposals', (place) => {
  it('keeps the first completion of a draft, until that has come to nothing', async () => {
    await using at = await place();
    const store = await at.open();
    const draft = { draftHash: hash('d'), contentHash: hash('1'), content: '{"text":"\\u0000"}', validUntil: 2 ** 48 };
    expect(await store.proposalDraft(hash('d'))).to.equal(undefined);
    const rival = { ...draft, contentHash: hash('2') };
    const [first, second] = await Promise.all([store.keepProposalDraft(draft), store.keepProposalDraft(rival)]);
    // Of two at once, either may be the first.
    expect([draft, rival]).to.deep.include(first);
    expect(second).to.deep.equal(first);
    const newer = { ...draft, contentHash: hash('3'), content: '{}' };
    const lost = first.contentHash === hash('1') ? hash('2') : hash('1');
    expect(await store.keepProposalDraft(newer, lost)).to.deep.equal(first);
    expect(await store.keepProposalDraft(newer, first.contentHash)).to.deep.equal(newer);
    await store.close();
    expect(await (await at.open()).proposalDraft(hash('d'))).to.deep.equal(newer);
  });

  it('keeps one ballot of each voter on each proposal', async () => {
    await using at = await place();
    const store = await at.open();
    const ballot: StoredBallot = { proposalId: hash('a'), voter: bob, support: 'for', reason: 'a\u0000b ✗', signature };
    expect(await store.keepBallot(ballot)).to.deep.equal(ballot);
    expect(await store.keepBallot({ ...ballot, support: 'against', signature: other })).to.deep.equal(ballot);
    const second = { ...ballot, voter: alice, reason: '' };
    await store.keepBallot(second);
    await store.keepBallot({ ...ballot, proposalId: hash('b') });
    expect(await store.ballots(hash('a'))).to.deep.equal([second, ballot]);
    await store.dropBallot({ ...ballot, signature: other });
    expect(await store.ballots(hash('a'))).to.have.length(2);
    await store.dropBallot(ballot);
    expect(await store.ballots(hash('a'))).to.deep.equal([second]);
    expect(await store.ballots(hash('b'))).to.have.length(1);
  });

  it('keeps the first outcome that this centre signed, and the latest of the others', async () => {
    await using at = await place();
    const store = await at.open();
    const own = { proposalId: hash('a'), centre: bob, digest: hash('1'), signature };
    expect(await store.signOutcome(own)).to.deep.equal(own);
    expect(await store.signOutcome({ ...own, digest: hash('2') })).to.deep.equal(own);
    const others = { ...own, centre: alice };
    await store.keepOutcomeSignatures([others]);
    await store.keepOutcomeSignatures([{ ...others, digest: hash('2'), signature: other }]);
    expect(await store.outcomeSignatures(hash('a'))).to.deep.equal([
      { ...others, digest: hash('2'), signature: other },
      own,
    ]);
    expect(await store.outcomeSignatures(hash('b'))).to.deep.equal([]);
  });
});
