import { expect } from 'chai';
import { id, ZeroAddress, ZeroHash } from 'ethers';
import { type Closing, channelStatus, createChannelKit, firstState, type State } from './support/channelKit.ts';
import { changes, ether, evidenceOf, opened } from './support/openedChannel.ts';

const anything = (): boolean => true;

describe('EvidenceChannels', () => {
  describe('open', () => {
    it('takes the amount, and says all that the id is made of', async () => {
      const kit = await createChannelKit();
      const channel = kit.channelOf();
      const channelId = await kit.channels.channelIdOf(channel);
      await expect(kit.open(channel))
        .to.emit(kit.channels, 'ChannelOpened')
        .withArgs(channelId, channel.requester, channel.verifier, ZeroAddress, ether, 3_600n, 0n);
      expect(await kit.channels.heldOf(channel)).to.equal(ether);
      expect((await kit.channels.statusOf(channelId)).status).to.equal(channelStatus.open);
      expect(await kit.ethers.provider.getBalance(kit.contract)).to.equal(ether);
    });

    it('takes two channels of the same two, and none twice', async () => {
      const { open, channel, channels, channelOf, channelId } = await opened();
      await expect(open(channel)).to.be.revertedWithCustomError(channels, 'ChannelExists').withArgs(channelId);
      await open(channelOf({ salt: 1n }));
    });

    it('refuses what no channel can be', async () => {
      const kit = await createChannelKit();
      const { channels, as, requester, verifier } = kit;
      const tried = (account: string, amount: bigint, seconds: bigint, value: bigint) =>
        as(requester).open(account, ZeroAddress, amount, seconds, 0n, { value });
      const refused = (sent: Promise<unknown>, error: string) =>
        expect(sent).to.be.revertedWithCustomError(channels, error);
      await refused(tried(ZeroAddress, 1n, 60n, 1n), 'AccountInvalid');
      await refused(tried(requester.address, 1n, 60n, 1n), 'AccountInvalid');
      await refused(tried(verifier.address, 0n, 60n, 0n), 'AmountInvalid');
      await refused(tried(verifier.address, 1n, 59n, 1n), 'ChallengePeriodInvalid');
      await refused(tried(verifier.address, 1n, 2_592_001n, 1n), 'ChallengePeriodInvalid');
      await refused(tried(verifier.address, 2n, 60n, 1n), 'ReceivedMismatch');
      await refused(tried(verifier.address, 1n, 60n, 2n), 'ReceivedMismatch');
      await tried(verifier.address, 1n, 60n, 1n);
      await tried(verifier.address, 1n, 2_592_000n, 1n);
    });
  });

  describe('deposit', () => {
    it('adds to what the channel holds, of whom it may be, when nobody was faster', async () => {
      const kit = await opened();
      const { channels, channel, channelId, as, stranger } = kit;
      const more = (amount: bigint, held: bigint, value = amount) =>
        as(stranger).deposit(channel, amount, held, { value });
      await expect(more(5n, ether))
        .to.emit(channels, 'ChannelDeposited')
        .withArgs(channelId, ether + 5n);
      await expect(more(5n, ether))
        .to.be.revertedWithCustomError(channels, 'HeldMismatch')
        .withArgs(ether + 5n, ether);
      await more(2n, ether + 5n);
      expect(await channels.heldOf(channel)).to.equal(ether + 7n);
      await expect(more(0n, ether + 7n)).to.be.revertedWithCustomError(channels, 'AmountInvalid');
      await expect(more(2n ** 128n - ether - 7n, ether + 7n, 0n)).to.be.revertedWithCustomError(
        channels,
        'AmountInvalid',
      );
      await expect(more(1n, ether + 7n, 2n)).to.be.revertedWithCustomError(channels, 'ReceivedMismatch');
    });

    it("what a state does not speak of is the requester's in the end", async () => {
      const kit = await opened();
      const { channels, channel, as, stranger, state, start, settle } = kit;
      await start(state());
      await expect(as(stranger).deposit(channel, 1n, ether, { value: 1n })).to.be.revertedWithCustomError(
        channels,
        'ChannelStatusMismatch',
      );
      await expect(settle(channel, state())).to.changeEtherBalances(kit.ethers, ...changes(kit, ether - 3n, 3n));
      const other = kit.channelOf({ salt: 7n });
      await kit.open(other);
      await as(stranger).deposit(other, 10n, ether, { value: 10n });
      const late = state();
      await kit.as(kit.verifier).startClosing(other, late, await kit.signState(other, late));
      await expect(settle(other, late)).to.changeEtherBalances(kit.ethers, ...changes(kit, ether + 7n, 3n));
      expect(await kit.ethers.provider.getBalance(kit.contract)).to.equal(0n);
    });
  });

  describe('closeTogether', () => {
    const closing: Closing = { requesterBalance: ether - 9n, verifierBalance: 9n, ...evidenceOf(5) };

    it('pays both out and writes the total digest, whoever hands it in', async () => {
      const kit = await opened();
      const { channels, channel, channelId, as, stranger, signClose, status } = kit;
      const signatures = await signClose(channel, closing);
      const sent = as(stranger).closeTogether(channel, closing, signatures);
      await expect(sent)
        .to.emit(channels, 'ChannelSettled')
        .withArgs(channelId, closing.evidenceRoot, 5n, ether - 9n, 9n);
      await expect(sent).to.changeEtherBalances(kit.ethers, ...changes(kit, ether - 9n, 9n));
      expect(await status()).to.equal(channelStatus.settled);
      expect(await channels.heldOf(channel)).to.equal(0n);
      await expect(as(stranger).closeTogether(channel, closing, signatures)).to.be.revertedWithCustomError(
        channels,
        'ChannelStatusMismatch',
      );
      await expect(kit.open(channel)).to.be.revertedWithCustomError(channels, 'ChannelExists');
    });

    it('is taken while the channel is closing, also after the time for challenges', async () => {
      const kit = await opened();
      const { channel, as, stranger, signClose, start, state, setTime, closingOf } = kit;
      await start(state());
      await setTime((await closingOf(channel)).deadline + 100n);
      await expect(
        as(stranger).closeTogether(channel, closing, await signClose(channel, closing)),
      ).to.changeEtherBalances(kit.ethers, ...changes(kit, ether - 9n, 9n));
    });

    it('needs both signatures, over just this, for this channel, contract and chain', async () => {
      const kit = await opened();
      const { channels, channel, channelId, as, stranger, signClose, domain, closeDigest, both, stateDigest } = kit;
      const tried = (signatures: string, given = closing) => as(stranger).closeTogether(channel, given, signatures);
      const refused = (sent: Promise<unknown>, error: string) =>
        expect(sent).to.be.revertedWithCustomError(channels, error);
      const good = await signClose(channel, closing);
      await refused(tried('0x'), 'SignaturesLength');
      await refused(tried(good.slice(0, 130)), 'SignaturesLength');
      await refused(tried(`0x${good.slice(130)}${good.slice(2, 130)}`), 'SignatureInvalid');
      await refused(tried(`0x${'00'.repeat(128)}`), 'SignatureInvalid');
      await refused(tried(good, { ...closing, verifierBalance: 10n }), 'SignatureInvalid');
      const other = kit.channelOf({ salt: 5n });
      await kit.open(other);
      await refused(tried(await signClose(other, closing)), 'SignatureInvalid');
      for (const change of [{ chainId: domain.chainId + 1n }, { verifyingContract: stranger.address }]) {
        await refused(
          tried(both(channel, closeDigest(channelId, closing, { ...domain, ...change }))),
          'SignatureInvalid',
        );
      }
      // A state is no agreement to close at once.
      const state: State = { version: 1n, locksHash: ZeroHash, ...closing };
      await refused(tried(both(channel, stateDigest(channelId, state))), 'SignatureInvalid');
      const malleable = `0x${good.slice(2, 66)}7f${'ff'.repeat(31)}${good.slice(130)}`;
      await refused(tried(malleable), 'SignatureMalleable');
      await tried(good);
    });

    it('refuses balances beyond what the channel holds', async () => {
      const { channels, channel, as, stranger, signClose } = await opened();
      const tried = async (given: Closing) =>
        as(stranger).closeTogether(channel, given, await signClose(channel, given));
      const greedy = { ...closing, verifierBalance: 10n };
      await expect(tried(greedy))
        .to.be.revertedWithCustomError(channels, 'BalancesExceed')
        .withArgs(ether + 1n, ether);
      const most = 2n ** 128n - 1n;
      const extreme = { ...closing, requesterBalance: most, verifierBalance: most };
      await expect(tried(extreme)).to.be.revertedWithCustomError(channels, 'BalancesExceed');
    });
  });

  describe('closing alone', () => {
    it('one side hands its state in, and after the time all is paid out', async () => {
      const kit = await opened();
      const { channels, channel, channelId, state, start, settle, status, now, closingOf, setTime } = kit;
      await start(state(), kit.verifier);
      const { deadline, salt } = await closingOf(channel);
      expect(deadline).to.equal((await now()) + 3_600n);
      expect(await status()).to.equal(channelStatus.closing);
      const { version } = await channels.statusOf(channelId);
      expect(version).to.equal(1n);
      await setTime(deadline);
      await expect(kit.as(kit.stranger).settle(channel, state(), salt, '0x', []))
        .to.be.revertedWithCustomError(channels, 'SettlementEarly')
        .withArgs(deadline, deadline);
      const settled = settle(channel, state());
      await expect(settled).to.changeEtherBalances(kit.ethers, ...changes(kit, ether - 3n, 3n));
      await expect(settled)
        .to.emit(channels, 'ChannelSettled')
        .withArgs(channelId, state().evidenceRoot, 3n, ether - 3n, 3n);
      expect(await status()).to.equal(channelStatus.settled);
    });

    it('never expires', async () => {
      const { channel, state, start, settle, setTime, now, status } = await opened();
      await start(state());
      await setTime((await now()) + 10n * 31_536_000n);
      await settle(channel, state());
      expect(await status()).to.equal(channelStatus.settled);
    });

    it('the requester gets all back where nothing was ever signed', async () => {
      const kit = await opened();
      const { channels, channel, as, requester, settle } = kit;
      const first = firstState(ether);
      const tried = (given: State, signatures = '0x') => as(requester).startClosing(channel, given, signatures);
      const refused = (sent: Promise<unknown>, error = 'VersionInvalid') =>
        expect(sent).to.be.revertedWithCustomError(channels, error);
      await refused(tried({ ...first, verifierBalance: 1n }));
      await refused(tried({ ...first, locksHash: id('locks') }));
      await refused(tried({ ...first, evidenceRoot: id('evidence') }));
      await refused(tried({ ...first, evidenceCount: 1n }));
      await refused(tried(first, await kit.signState(channel, first)), 'SignaturesLength');
      await refused(tried({ ...first, version: 1n }), 'SignaturesLength');
      await tried(first);
      await expect(settle(channel, first)).to.changeEtherBalances(kit.ethers, ...changes(kit, ether, 0n));
    });

    it('only the two sides begin it', async () => {
      const { channels, state, start, stranger } = await opened();
      await expect(start(state(), stranger)).to.be.revertedWithCustomError(channels, 'NotParty');
    });

    it('a newer state replaces an older one until the deadline, at which it stays', async () => {
      const kit = await opened();
      const { channels, channel, channelId, state, start, challenge, settle, closingOf, setTime } = kit;
      const newer = state({ version: 9n, requesterBalance: ether - 50n, verifierBalance: 50n });
      await expect(challenge(newer)).to.be.revertedWithCustomError(channels, 'ChannelStatusMismatch');
      await start(state());
      const { deadline } = await closingOf(channel);
      await expect(start(newer)).to.be.revertedWithCustomError(channels, 'ChannelStatusMismatch');
      await expect(challenge(state())).to.be.revertedWithCustomError(channels, 'VersionInvalid').withArgs(1n, 2n);
      await challenge(state({ version: 8n }));
      // It needs nothing of the one in between.
      await setTime(deadline);
      await expect(challenge(newer))
        .to.emit(channels, 'ChannelClosing')
        .withArgs(channelId, deadline, anything, anything);
      await expect(challenge(state({ version: 10n })))
        .to.be.revertedWithCustomError(channels, 'ChallengeOver')
        .withArgs(deadline + 1n, deadline);
      await expect(settle(channel, state())).to.be.revertedWithCustomError(channels, 'StateMismatch');
      await expect(settle(channel, newer)).to.changeEtherBalances(kit.ethers, ...changes(kit, ether - 50n, 50n));
    });

    it('a state of another channel, contract or chain is nothing', async () => {
      const kit = await opened();
      const { channels, channel, state, as, requester, signState, domain } = kit;
      const other = kit.channelOf({ salt: 3n });
      await kit.open(other);
      const tried = (signatures: string) => as(requester).startClosing(channel, state(), signatures);
      for (const signatures of [
        await signState(other, state()),
        await signState(channel, state(), { ...domain, chainId: 1n }),
        await signState(channel, state(), { ...domain, verifyingContract: other.verifier }),
        await signState(channel, state({ version: 2n })),
      ]) {
        await expect(tried(signatures)).to.be.revertedWithCustomError(channels, 'SignatureInvalid');
      }
      const huge = state({ version: 2n ** 40n });
      await expect(
        as(requester).startClosing(channel, huge, await signState(channel, huge)),
      ).to.be.revertedWithCustomError(channels, 'VersionInvalid');
      await tried(await signState(channel, state()));
    });

    it('settles by the state and salt that were handed in, and by no others', async () => {
      const { channels, channel, state, start, closingOf, setTime, as, stranger } = await opened();
      await start(state());
      const { deadline, salt } = await closingOf(channel);
      await setTime(deadline + 1n);
      const tried = (given: State, with_ = salt) => as(stranger).settle(channel, given, with_, '0x', []);
      for (const change of [
        { verifierBalance: 4n },
        { requesterBalance: 0n },
        { version: 2n },
        { evidenceCount: 4n },
        { evidenceRoot: id('other') },
      ]) {
        await expect(tried(state(change))).to.be.revertedWithCustomError(channels, 'StateMismatch');
      }
      await expect(tried(state(), id('salt'))).to.be.revertedWithCustomError(channels, 'StateMismatch');
      await expect(
        as(stranger).settle(channel, state(), salt, `0x${'00'.repeat(88)}`, []),
      ).to.be.revertedWithCustomError(channels, 'LocksMismatch');
      await tried(state());
    });

    it('pays no more than there is, whatever both have signed', async () => {
      const kit = await opened();
      const most = 2n ** 128n - 1n;
      const mad = kit.state({ verifierBalance: most, requesterBalance: most });
      await kit.start(mad);
      await expect(kit.settle(kit.channel, mad)).to.changeEtherBalances(kit.ethers, ...changes(kit, 0n, ether));
    });

    it('one of two channels between the same two ends without the other', async () => {
      const kit = await opened();
      const { channels, channel, state, start, settle, signState, as, requester } = kit;
      const other = kit.channelOf({ salt: 3n });
      await kit.open(other);
      const [given, theirs] = [state(), state({ version: 5n, verifierBalance: 8n })];
      await start(given);
      await as(requester).startClosing(other, theirs, await signState(other, theirs));
      await expect(settle(channel, theirs)).to.be.revertedWithCustomError(channels, 'StateMismatch');
      await expect(settle(channel, given)).to.changeEtherBalances(kit.ethers, ...changes(kit, ether - 3n, 3n));
      expect(await channels.heldOf(other)).to.equal(ether);
      await expect(settle(other, theirs)).to.changeEtherBalances(kit.ethers, ...changes(kit, ether - 8n, 8n));
    });

    it('goes on after the year 2106, when seconds have more than 32 bits', async () => {
      const kit = await createChannelKit();
      await kit.setTime(2n ** 32n - 100n);
      const channel = kit.channelOf();
      await kit.open(channel);
      const first = firstState(ether);
      await kit.as(kit.requester).startClosing(channel, first, '0x');
      const { deadline } = await kit.closingOf(channel);
      expect(deadline > 2n ** 32n).to.equal(true);
      const found = await kit.channels.statusOf(await kit.channels.channelIdOf(channel));
      expect([...found]).to.deep.equal([channelStatus.closing, deadline, 0n]);
      expect(await kit.channels.heldOf(channel)).to.equal(ether);
      await expect(kit.settle(channel, first)).to.changeEtherBalances(kit.ethers, ...changes(kit, ether, 0n));
    });
  });
});
