import { expect } from 'chai';
import { id } from 'ethers';
import { aggregations as names } from '../../services/core/governance/names.ts';
import { outcomeOf, type Tally } from '../../services/core/governance/outcome.ts';
import { memberOf } from './support/anchorKit.ts';
import {
  aggregations,
  createGovernorKit,
  type GovernorKit,
  type Rule,
  states,
  support,
} from './support/governorKit.ts';

const { for: yes, against: no, abstain } = support;

/** A proposal of kind general under this rule in a committee of this size. */
async function open(size: number, rule: Partial<Rule>) {
  const kit = await createGovernorKit({ size, rules: { general: rule } });
  return { kit, proposed: await kit.propose('general') };
}

const votesOf = (...votes: number[]) => votes.map((vote, place) => [place, vote] as const);

type Case = readonly [what: string, size: number, rule: Partial<Rule>, votes: number[], early: bigint, end: bigint];
const { active, succeeded, defeated } = states;
const { majority, twoThirds, unanimity } = aggregations;
const all = { quorumShare: 10_000n };
const half = { quorumShare: 5_000n };
const none = { quorumShare: 0n };

// The state after these votes (in the order of the places), and after the last second.
const cases: readonly Case[] = [
  ['majority: nobody votes', 4, none, [], active, defeated],
  ['majority: one of four for, no quorum asked', 4, none, [yes], active, succeeded],
  ['majority: a tie with all votes cast', 4, half, [yes, yes, no, no], defeated, defeated],
  ['majority: a tie while a vote is out', 5, half, [yes, yes, no, no], active, defeated],
  ['majority: half is not enough to be certain', 4, half, [yes, yes], active, succeeded],
  ['majority: more than half is certain', 4, half, [yes, yes, yes], succeeded, succeeded],
  ['majority: half against can at best be a tie', 4, half, [no, no], defeated, defeated],
  ['majority: exactly the quorum', 5, { quorumShare: 6_000n }, [yes, yes, abstain], active, succeeded],
  ['majority: one less than the quorum', 5, { quorumShare: 6_000n }, [yes, yes], active, defeated],
  ['majority: a quorum is rounded up', 5, { quorumShare: 6_001n }, [yes, yes, abstain], active, defeated],
  ['majority: certain but for the quorum', 4, all, [yes, yes, yes], active, defeated],
  ['majority: the last vote brings the quorum', 4, all, [yes, yes, yes, no], succeeded, succeeded],
  [
    'majority: abstentions take part and decide nothing',
    4,
    all,
    [yes, abstain, abstain, abstain],
    succeeded,
    succeeded,
  ],
  ['majority: only abstentions', 4, all, [abstain, abstain, abstain, abstain], defeated, defeated],
  ['two thirds: exactly', 3, { ...half, aggregation: twoThirds }, [yes, yes, no], succeeded, succeeded],
  [
    'two thirds: exactly, certain before the last vote',
    3,
    { ...half, aggregation: twoThirds },
    [yes, yes],
    succeeded,
    succeeded,
  ],
  ['two thirds: one less', 4, { ...half, aggregation: twoThirds }, [yes, yes, no, no], defeated, defeated],
  ['two thirds: two against of four cannot pass', 4, { ...half, aggregation: twoThirds }, [no, no], defeated, defeated],
  ['two thirds: one against of four still can', 4, { ...half, aggregation: twoThirds }, [no], active, defeated],
  [
    'two thirds: of the votes cast, abstentions aside',
    5,
    { ...all, aggregation: twoThirds },
    [yes, yes, no, abstain, abstain],
    succeeded,
    succeeded,
  ],
  [
    'two thirds: only abstentions',
    3,
    { ...all, aggregation: twoThirds },
    [abstain, abstain, abstain],
    defeated,
    defeated,
  ],
  ['two thirds: nobody', 3, { ...none, aggregation: twoThirds }, [], active, defeated],
  ['unanimity: all', 4, { ...none, aggregation: unanimity }, [yes, yes, yes, yes], succeeded, succeeded],
  ['unanimity: one has not voted', 4, { ...none, aggregation: unanimity }, [yes, yes, yes], active, defeated],
  ['unanimity: one abstention', 4, { ...none, aggregation: unanimity }, [abstain], defeated, defeated],
  ['unanimity: one against', 4, { ...none, aggregation: unanimity }, [yes, no], defeated, defeated],
  ['a committee of one', 1, { ...all, aggregation: majority }, [yes], succeeded, succeeded],
];

// What anyone can compute from the events must be what the contract says.
const decision = new Map([
  [succeeded, 'passed'],
  [defeated, 'defeated'],
]);

type Info = Awaited<ReturnType<GovernorKit['governor']['proposal']>>;

function tallyOf(info: Info): Tally {
  return {
    aggregation: names[Number(info.aggregation)]!,
    forVotes: Number(info.forVotes),
    againstVotes: Number(info.againstVotes),
    abstainVotes: Number(info.abstainVotes),
    totalVotes: Number(info.totalVotes),
    quorumVotes: Number(info.quorumVotes),
  };
}

describe('ConsortiumGovernor, outcome', () => {
  for (const [what, size, rule, votes, early, end] of cases) {
    it(what, async () => {
      const { kit, proposed } = await open(size, rule);
      if (votes.length > 0) await kit.castBatch(proposed, votesOf(...votes));
      expect(await kit.state(proposed)).to.equal(early);
      const tally = tallyOf(await kit.governor.proposal(proposed.id));
      expect(outcomeOf(tally, false)).to.equal(decision.get(early));
      await kit.wait(3_601);
      expect(await kit.state(proposed)).to.equal(end);
      expect(outcomeOf(tally, true)).to.equal(decision.get(end));
    });
  }

  it('weights count where the rule weighs, for the quorum too, and are those of the moment of the proposal', async () => {
    const kit = await createGovernorKit({
      size: 4,
      rules: { general: { aggregation: aggregations.weighted, quorumShare: 6_000n } },
    });
    const addresses = kit.members.map(({ address }) => address);
    const before = await kit.propose('general');
    const weights = [
      { account: addresses[0]!, votes: 3n },
      { account: addresses[1]!, votes: 4n },
    ].sort((a, b) => (BigInt(a.account) < BigInt(b.account) ? -1 : 1));
    await kit.pass('parameter', [kit.call.setWeights(weights)]);
    const after = await kit.propose('general');
    const { totalVotes, quorumVotes } = await kit.governor.proposal(after.id);
    // 60 % of 3 + 4 + 1 + 1, rounded up.
    expect([totalVotes, quorumVotes]).to.deep.equal([9n, 6n]);
    expect(await kit.governor.votesOn(after.id, addresses[1]!)).to.equal(4n);
    expect(await kit.governor.votesOn(before.id, addresses[1]!)).to.equal(1n);
    expect(await kit.governor.votesOn(after.id, memberOf(99).address)).to.equal(0n);
    // 4 against 3 + 1: a tie as long as the last one is out.
    await kit.castBatch(after, [
      [1, no],
      [0, yes],
      [2, yes],
    ]);
    expect(await kit.state(after)).to.equal(states.active);
    expect([...(await kit.governor.proposalVotes(after.id))]).to.deep.equal([4n, 4n, 0n]);
    await kit.castBatch(after, [[3, yes]]);
    expect(await kit.state(after)).to.equal(states.succeeded);
    // One vote each in the proposal from before.
    await kit.castBatch(before, [
      [1, no],
      [0, yes],
      [2, yes],
      [3, yes],
    ]);
    expect([...(await kit.governor.proposalVotes(before.id))]).to.deep.equal([1n, 3n, 0n]);
    // Weighed against the majority of heads.
    const third = await kit.propose('general');
    await kit.castBatch(third, [
      [0, yes],
      [1, yes],
      [2, no],
      [3, no],
    ]);
    expect(await kit.state(third)).to.equal(states.succeeded);
  });

  it('keeps the electorate and the rule of its beginning when both change in mid-vote', async () => {
    const kit = await createGovernorKit({ size: 4, rules: { general: { quorumShare: 10_000n } } });
    const [, , , last] = kit.members;
    const proposed = await kit.propose('general');
    await kit.castBatch(proposed, [
      [0, yes],
      [1, yes],
    ]);
    await kit.pass('suspension', [kit.call.suspend(last!.address)]);
    await kit.pass('parameter', [
      kit.call.setRule('general', { aggregation: unanimity, quorumShare: 1n, delaySeconds: 9n, periodSeconds: 1n }),
    ]);
    expect((await kit.registry.committee()).members).to.have.length(3);
    expect([...(await kit.governor.electorate(proposed.id))]).to.deep.equal(kit.members.map(({ address }) => address));
    await kit.castBatch(proposed, [[2, no]]);
    expect(await kit.state(proposed)).to.equal(states.active);
    // The suspended one is in this electorate still.
    await kit.castBatch(proposed, [[3, no]]);
    expect(await kit.state(proposed)).to.equal(states.defeated);
    const { epoch, totalVotes } = await kit.governor.proposal(proposed.id);
    expect([epoch, totalVotes]).to.deep.equal([1n, 4n]);
  });

  it('counts each of 256 members', async function () {
    this.timeout(60_000);
    const kit = await createGovernorKit({
      size: 256,
      rules: { general: { aggregation: unanimity } },
      override: { allowUnlimitedContractSize: true, hardfork: 'cancun', blockGasLimit: 1_000_000_000 },
      deployGas: 500_000_000,
    });
    const proposed = await kit.propose('general', [], 255);
    expect(await kit.governor.proposalProposer(proposed.id)).to.equal(kit.members[255]!.address);
    await kit.castBatch(proposed, votesOf(...new Array<number>(255).fill(yes)));
    expect(await kit.state(proposed)).to.equal(states.active);
    await kit.as(kit.governor, await kit.walletOf(255)).castVote(proposed.id, yes);
    expect(await kit.state(proposed)).to.equal(states.succeeded);
    const { voters, forVotes } = await kit.governor.proposal(proposed.id);
    expect([voters, forVotes]).to.deep.equal([2n ** 256n - 1n, 256n]);
  });

  it('takes no vote of who joined later', async () => {
    const kit = await createGovernorKit({ members: [0, 1, 2, 3].map(memberOf) });
    const proposed = await kit.propose('general');
    const [, newcomer] = await kit.ethers.getSigners();
    await kit.pass('admission', [
      kit.call.enroll({
        account: newcomer!.address,
        name: 'N',
        endpoint: '',
        encryptionKey: id('e'),
        noteKey: id('n'),
      }),
      kit.call.activate(newcomer!.address),
    ]);
    expect(await kit.registry.isActive(newcomer!.address)).to.equal(true);
    await expect(kit.as(kit.governor, newcomer!).castVote(proposed.id, yes))
      .to.be.revertedWithCustomError(kit.governor, 'NotElector')
      .withArgs(newcomer!.address, 1n);
  });
});

describe('ConsortiumGovernor, votes', () => {
  let kit: GovernorKit;
  before(async () => {
    kit = await createGovernorKit({ size: 5, rules: { general: { quorumShare: 10_000n } } });
  });

  it('come by transaction, with a reason, once each', async () => {
    const proposed = await kit.propose('general');
    const voter = await kit.walletOf(1);
    const own = kit.as(kit.governor, voter);
    await expect(own.castVoteWithReason(proposed.id, abstain, 'no opinion'))
      .to.emit(kit.governor, 'VoteCast')
      .withArgs(voter.address, proposed.id, abstain, 1n, 'no opinion');
    expect(await kit.governor.hasVoted(proposed.id, voter.address)).to.equal(true);
    expect(await kit.governor.hasVoted(proposed.id, kit.members[0]!.address)).to.equal(false);
    expect(await kit.governor.hasVoted(proposed.id, memberOf(99).address)).to.equal(false);
    await expect(own.castVote(proposed.id, yes))
      .to.be.revertedWithCustomError(kit.governor, 'GovernorAlreadyCastVote')
      .withArgs(voter.address);
    const other = kit.as(kit.governor, await kit.walletOf(2));
    await expect(other.castVote(proposed.id, 3)).to.be.revertedWithCustomError(kit.governor, 'GovernorInvalidVoteType');
    await expect(other.castVoteWithReasonAndParams(proposed.id, yes, '', '0x01')).to.be.revertedWithCustomError(
      kit.governor,
      'GovernorInvalidVoteParams',
    );
    await other.castVoteWithReasonAndParams(proposed.id, yes, '', '0x');
    expect([...(await kit.governor.proposalVotes(proposed.id))]).to.deep.equal([0n, 1n, 1n]);
    expect((await kit.governor.proposal(proposed.id)).voters).to.equal(0b110n);
    await expect(kit.governor.castVote(proposed.id, yes)).to.be.revertedWithCustomError(kit.governor, 'NotElector');
    await expect(other.castVote(7n, yes))
      .to.be.revertedWithCustomError(kit.governor, 'GovernorNonexistentProposal')
      .withArgs(7n);
  });

  it('are taken from the first second to the last, and not after the decision', async () => {
    const timed = await createGovernorKit({ rules: { general: { delaySeconds: 100n, periodSeconds: 50n } } });
    const proposed = await timed.propose('general');
    const { voteStart, voteEnd } = await timed.governor.proposal(proposed.id);
    expect(voteEnd - voteStart).to.equal(50n);
    expect(await timed.governor.proposalSnapshot(proposed.id)).to.equal(voteStart);
    expect(await timed.governor.proposalDeadline(proposed.id)).to.equal(voteEnd);
    const unexpected = (have: bigint) => [proposed.id, have, `0x${2n.toString(16).padStart(64, '0')}`];
    await timed.setTime(voteStart - 1n);
    await expect(timed.castBatch(proposed, [[0, yes]]))
      .to.be.revertedWithCustomError(timed.governor, 'GovernorUnexpectedProposalState')
      .withArgs(...unexpected(states.pending));
    await timed.setTime(voteStart);
    await timed.castBatch(proposed, [[0, yes]]);
    await timed.setTime(voteEnd);
    await timed.castBatch(proposed, [[1, yes]]);
    await timed.setTime(voteEnd + 1n);
    await expect(timed.castBatch(proposed, [[2, yes]]))
      .to.be.revertedWithCustomError(timed.governor, 'GovernorUnexpectedProposalState')
      .withArgs(...unexpected(states.succeeded));
  });
});
