import { expect } from 'chai';
import { concat, getCreateAddress, Signature, toBeHex, ZeroHash } from 'ethers';
import { network } from 'hardhat';
import { compact, type Member, memberOf, mirrored } from './support/anchorKit.ts';
import { createGovernorKit, type GovernorKit, type Proposed, states, support } from './support/governorKit.ts';

const { for: yes, against: no, abstain } = support;
const moods = { honest: 0, refusing: 1, reverting: 2, calling: 3 };

/** What the tests call of support/GovernorDoubles.sol. */
type TestWallet = {
  getAddress(): Promise<string>;
  setMood(mood: number, target: string, data: string): Promise<unknown>;
  act(to: string, call: string): Promise<unknown>;
};

const packed = (place: number, vote: number, signature: string): string =>
  concat([toBeHex(place, 1), toBeHex(vote, 1), signature]);

describe('ConsortiumGovernor, collected votes', () => {
  let kit: GovernorKit;
  let proposed: Proposed;
  before(async () => {
    kit = await createGovernorKit({ size: 5, rules: { general: { quorumShare: 10_000n } } });
  });
  beforeEach(async () => {
    proposed = await kit.propose('general');
  });

  const refused = (compactVotes: string, voter: number) =>
    expect(kit.governor.castVotesBySig(proposed.id, compactVotes, []))
      .to.be.revertedWithCustomError(kit.governor, 'GovernorInvalidSignature')
      .withArgs(kit.members[voter]!.address);

  const signed = (place: number, vote: number, digest: string, by = place): string =>
    packed(place, vote, compact(kit.members[by]!.key, digest));

  it('count once each, in any order, with what was there before', async () => {
    await kit.castBatch(proposed, [
      [4, no],
      [0, yes],
    ]);
    expect(
      await kit.governor.castVotesBySig.staticCall(
        proposed.id,
        kit.compactVotes(proposed.id, [
          [0, no],
          [2, abstain],
          [2, yes],
          [4, no],
        ]),
        [],
      ),
    ).to.equal(1n);
    await kit.castBatch(proposed, [
      [0, no],
      [2, abstain],
      [2, yes],
      [4, no],
    ]);
    expect([...(await kit.governor.proposalVotes(proposed.id))]).to.deep.equal([1n, 1n, 1n]);
    const { voters, forVotes } = await kit.governor.proposal(proposed.id);
    expect([voters, forVotes]).to.deep.equal([0b10101n, 1n]);
    // A vote by transaction and one by signature are one vote too.
    await expect(kit.as(kit.governor, await kit.walletOf(0)).castVote(proposed.id, yes)).to.be.revertedWithCustomError(
      kit.governor,
      'GovernorAlreadyCastVote',
    );
  });

  it('are refused for another proposal, chain, contract, support, voter or domain', async () => {
    const other = await kit.propose('general');
    const [, one] = kit.members;
    const digest = (changes: object = {}, id = proposed.id) =>
      kit.ballotDigest(id, yes, one!.address, '', { ...kit.governorDomain, ...changes });
    await refused(signed(1, yes, digest({}, other.id)), 1);
    await refused(signed(1, yes, digest({ chainId: 1n })), 1);
    await refused(signed(1, yes, digest({ verifyingContract: kit.contract })), 1);
    await refused(signed(1, yes, digest({ version: '2' })), 1);
    await refused(signed(1, no, digest()), 1);
    await refused(signed(2, yes, digest(), 1), 2);
    // Signed by a member in another's name, and by nobody known.
    await refused(signed(1, yes, digest(), 2), 1);
    await refused(packed(1, yes, compact(memberOf(77).key, digest())), 1);
    await refused(packed(1, yes, concat([ZeroHash, ZeroHash])), 1);
    // A signature with a reason is not one without.
    await refused(signed(1, yes, kit.ballotDigest(proposed.id, yes, one!.address, 'because')), 1);
    await kit.governor.castVotesBySig(proposed.id, signed(1, yes, digest()), []);
  });

  it('are refused when malleable, in both forms', async () => {
    const { address, key } = kit.members[1]!;
    const digest = kit.ballotDigest(proposed.id, yes, address);
    const { r, s, yParity } = mirrored(compact(key, digest));
    // 255 bits of a great s do not hold it, so the compact form of the mirror image is another signature altogether.
    await refused(packed(1, yes, concat([r, toBeHex(s | (BigInt(yParity) << 255n), 32)])), 1);
    const long = concat([r, toBeHex(s, 32), toBeHex(27 + yParity, 1)]);
    await expect(kit.governor.castVoteBySig(proposed.id, yes, address, long))
      .to.be.revertedWithCustomError(kit.governor, 'GovernorInvalidSignature')
      .withArgs(address);
  });

  it('are refused as a whole for one wrong place, support or length', async () => {
    const good = kit.compactVotes(proposed.id, [[0, yes]]);
    const { key, address } = kit.members[1]!;
    await expect(kit.governor.castVotesBySig(proposed.id, concat([good, '0x01']), []))
      .to.be.revertedWithCustomError(kit.governor, 'VotesLength')
      .withArgs(67n, 132n);
    await expect(kit.governor.castVotesBySig(proposed.id, concat([good, packed(5, yes, compact(key, ZeroHash))]), []))
      .to.be.revertedWithCustomError(kit.governor, 'PlaceUnknown')
      .withArgs(5n, 5n);
    const third = packed(1, 3, compact(key, kit.ballotDigest(proposed.id, 3, address)));
    await expect(kit.governor.castVotesBySig(proposed.id, concat([good, third]), [])).to.be.revertedWithCustomError(
      kit.governor,
      'GovernorInvalidVoteType',
    );
    expect((await kit.governor.proposal(proposed.id)).voters).to.equal(0n);
    await kit.governor.castVotesBySig(proposed.id, '0x', []);
  });

  it('come with reasons, in 64 and 65 bytes, beside compact ones', async () => {
    const [, one, two] = kit.members;
    const vote = (place: number, member: Member, reason: string, full: boolean) => {
      const signature = compact(member.key, kit.ballotDigest(proposed.id, no, member.address, reason));
      return { voter: place, support: no, reason, signature: full ? Signature.from(signature).serialized : signature };
    };
    const sent = kit.governor.castVotesBySig(proposed.id, kit.compactVotes(proposed.id, [[0, yes]]), [
      vote(1, one!, 'too dear', false),
      vote(2, two!, '', true),
      vote(1, one!, 'too dear', false),
    ]);
    await expect(sent).to.emit(kit.governor, 'VoteCast').withArgs(one!.address, proposed.id, no, 1n, 'too dear');
    expect([...(await kit.governor.proposalVotes(proposed.id))]).to.deep.equal([2n, 1n, 0n]);
    // Another reason than the signed one.
    await expect(
      kit.governor.castVotesBySig(proposed.id, '0x', [{ ...vote(3, kit.members[3]!, 'a', true), reason: 'b' }]),
    ).to.be.revertedWithCustomError(kit.governor, 'GovernorInvalidSignature');
  });

  it('come singly, as other governors take them', async () => {
    const [, one, two] = kit.members;
    const plain = compact(one!.key, kit.ballotDigest(proposed.id, yes, one!.address));
    await kit.governor.castVoteBySig(proposed.id, yes, one!.address, plain);
    await expect(kit.governor.castVoteBySig(proposed.id, yes, one!.address, plain))
      .to.be.revertedWithCustomError(kit.governor, 'GovernorAlreadyCastVote')
      .withArgs(one!.address);
    const withReason = compact(two!.key, kit.ballotDigest(proposed.id, no, two!.address, 'no'));
    const args = [proposed.id, no, two!.address, 'no'] as const;
    await expect(
      kit.governor.castVoteWithReasonAndParamsBySig(...args, '0x01', withReason),
    ).to.be.revertedWithCustomError(kit.governor, 'GovernorInvalidVoteParams');
    await kit.governor.castVoteWithReasonAndParamsBySig(...args, '0x', withReason);
    expect([...(await kit.governor.proposalVotes(proposed.id))]).to.deep.equal([1n, 1n, 0n]);
    const stranger = memberOf(99);
    await expect(
      kit.governor.castVoteBySig(
        proposed.id,
        yes,
        stranger.address,
        compact(stranger.key, kit.ballotDigest(proposed.id, yes, stranger.address)),
      ),
    ).to.be.revertedWithCustomError(kit.governor, 'NotElector');
  });
});

describe('ConsortiumGovernor, members that are wallets', () => {
  /** The first two places are wallets, whose owner is the same key; the addresses are those the wallets will have. */
  async function setUp() {
    const { ethers } = await network.create('hardhat');
    const [, deployer] = await ethers.getSigners();
    const owner = memberOf(50);
    const wallets = [0, 1].map((nonce) => ({
      address: getCreateAddress({ from: deployer!.address, nonce }),
      key: owner.key,
    }));
    const kit = await createGovernorKit({
      members: [...wallets, memberOf(2), memberOf(3)],
      rules: { general: { quorumShare: 10_000n } },
    });
    const sender = (await kit.ethers.getSigners())[1]!;
    const contracts: TestWallet[] = [];
    for (const wallet of wallets) {
      const contract = (await kit.ethers.deployContract(
        'TestWallet',
        [memberOf(50).address],
        sender,
      )) as unknown as TestWallet;
      expect(await contract.getAddress()).to.equal(wallet.address);
      contracts.push(contract);
    }
    return { kit, owner, wallets, wallet: contracts[0]! };
  }

  it('vote by signature of their owner, each for itself alone', async () => {
    const { kit, owner, wallets } = await setUp();
    const proposed = await kit.propose('general', [], 2);
    const signature = compact(owner.key, kit.ballotDigest(proposed.id, yes, wallets[0]!.address));
    const vote = { voter: 0, support: yes, reason: '', signature: Signature.from(signature).serialized };
    await kit.governor.castVotesBySig(proposed.id, '0x', [vote]);
    // The other wallet of the same owner would take the signature, were the voter not in it.
    await expect(kit.governor.castVotesBySig(proposed.id, '0x', [{ ...vote, voter: 1 }]))
      .to.be.revertedWithCustomError(kit.governor, 'GovernorInvalidSignature')
      .withArgs(wallets[1]!.address);
    // The compact form is for keys.
    const compactVote = packed(1, yes, compact(owner.key, kit.ballotDigest(proposed.id, yes, wallets[1]!.address)));
    await expect(kit.governor.castVotesBySig(proposed.id, compactVote, []))
      .to.be.revertedWithCustomError(kit.governor, 'GovernorInvalidSignature')
      .withArgs(wallets[1]!.address);
    expect([...(await kit.governor.proposalVotes(proposed.id))]).to.deep.equal([0n, 1n, 0n]);
  });

  it('propose, and vote by transaction', async () => {
    const { kit, owner, wallets, wallet } = await setUp();
    const draft = kit.draftOf('general');
    const proposed = await kit.describe(draft, wallets[0]!.address);
    const signature = Signature.from(compact(owner.key, kit.draftDigest(proposed.id, draft))).serialized;
    await kit.governor['propose((uint8,bytes32,uint48,bytes[]),uint64,uint8,bytes)'](draft, 1, 0, signature);
    expect(await kit.governor.proposalProposer(proposed.id)).to.equal(wallets[0]!.address);
    const call = kit.governor.interface.encodeFunctionData('castVote', [proposed.id, no]);
    await wallet.act(await kit.governor.getAddress(), call);
    expect(await kit.governor.hasVoted(proposed.id, wallets[0]!.address)).to.equal(true);
  });

  it('that refuse, revert or call back spoil nothing', async () => {
    const { kit, owner, wallets, wallet } = await setUp();
    const proposed = await kit.propose('general', [], 2);
    const signature = Signature.from(
      compact(owner.key, kit.ballotDigest(proposed.id, yes, wallets[0]!.address)),
    ).serialized;
    const vote = { voter: 0, support: yes, reason: '', signature };
    const rest = kit.compactVotes(proposed.id, [
      [2, yes],
      [3, yes],
    ]);
    const governor = await kit.governor.getAddress();
    const callBack = kit.governor.interface.encodeFunctionData('castVote', [proposed.id, no]);
    for (const mood of [moods.refusing, moods.reverting, moods.calling]) {
      await wallet.setMood(mood, governor, callBack);
      await expect(kit.governor.castVotesBySig(proposed.id, rest, [vote]))
        .to.be.revertedWithCustomError(kit.governor, 'GovernorInvalidSignature')
        .withArgs(wallets[0]!.address);
    }
    // Without it, the rest goes through; and a wallet may look while it is asked.
    await kit.governor.castVotesBySig(proposed.id, rest, []);
    await wallet.setMood(moods.calling, governor, kit.governor.interface.encodeFunctionData('state', [proposed.id]));
    await kit.governor.castVotesBySig(proposed.id, rest, [vote]);
    const { voters, forVotes } = await kit.governor.proposal(proposed.id);
    expect([voters, forVotes]).to.deep.equal([0b1101n, 3n]);
    expect(await kit.state(proposed)).to.equal(states.active);
  });
});
