import { expect } from 'chai';
import { Interface } from 'ethers';
import type { ChannelEvent } from '../../../../services/chain/channels/ChannelEvent.ts';
import { openChannelChain } from '../../../../services/chain/channels/openChannelChain.ts';
import { openChain } from '../../../../services/chain/openChain.ts';
import { type Hash, toHex } from '../../../../services/core/bytes.ts';
import { keyHashOf } from '../../../../services/core/channels/bill.ts';
import { noLocks } from '../../../../services/core/channels/state.ts';
import { memoryTree } from '../../../../services/core/log/memoryTree.ts';
import { emptyRoot, leafHash } from '../../../../services/core/sha256.ts';
import { chainHasEvidence, chainTotalDigest } from '../../../../services/lib/chainEvidence.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { deployNotarium, devAddress, type RunningChain, startChain } from '../../../support/chains.ts';
import { deployToken, devSigner, digestsOf, setMood, tokenMoods } from '../../../support/channels.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { type ChannelTestKit, channelTestKit, coin, ether } from './channelKit.ts';

// Both tell apart what happens in a block and what the node says of the newest one in ways of their own.
for (const kind of ['hardhat', 'anvil'] as const) {
  describe(`evidence channels on ${kind}`, () => {
    let running: RunningChain;
    let kit: ChannelTestKit;
    before(async () => {
      running = await startChain({ kind });
      kit = await channelTestKit(running.rpcUrl);
    });
    after(async () => {
      kit?.close();
      await running?.stop();
    });

    it('opens and tops up with coins, and tells it', async () => {
      const from = (await kit.requester.newestBlock()).number + 1;
      const { channel, channelId } = await kit.opened();
      expect(await kit.verifier.status(channelId)).to.deep.equal({ status: 'open' });
      await kit.stranger.deposit(channel, 5n, ether);
      expect(await kit.verifier.held(channel)).to.equal(ether + 5n);
      const stale = await expectCode('channel-state', kit.stranger.deposit(channel, 5n, ether));
      expect(stale.data.error).to.equal('HeldMismatch');
      const { number } = await kit.requester.newestBlock();
      const events = await kit.requester.events(from, number);
      expect(events.map(({ place: _, ...event }) => event)).to.deep.equal([
        { type: 'opened', channelId, channel },
        { type: 'deposited', channelId, held: ether + 5n },
      ]);
      const opening = (await kit.verifier.opening(channelId))!;
      expect(opening.channel).to.deep.equal(channel);
      const block = (await kit.requester.blockAt(opening.place.blockNumber))!;
      expect(block).to.deep.include({ hash: opening.place.blockHash, timestamp: opening.place.timestamp });
    });

    it('opens with tokens, approving what is missing, several at once', async () => {
      const token = await deployToken(running.rpcUrl, kit.requester.account!, 1_000n);
      const opened = await Promise.all([300n, 400n].map((amount) => kit.opened({ token, amount })));
      await kit.requester.deposit(opened[0]!.channel, 300n, 300n);
      expect(await kit.requester.held(opened[0]!.channel)).to.equal(600n);
      expect(await kit.requester.held(opened[1]!.channel)).to.equal(400n);
      const short = await expectCode('channel-invalid', kit.opened({ token, amount: 1n }));
      expect(short.data.error).to.equal('TransferFailed');
    });

    it('withdraws what a payee could not be sent', async () => {
      const token = await deployToken(running.rpcUrl, kit.requester.account!, 1_000n);
      const history = await kit.opened({ token, amount: 1_000n });
      await history.pay(300n);
      const closing = await history.signClosing();
      await setMood(running.rpcUrl, token, tokenMoods.reverting);
      const from = (await kit.requester.newestBlock()).number + 1;
      await kit.stranger.closeTogether(history.channel, closing.closing, closing);
      const verifier = kit.verifier.account!;
      expect(await kit.stranger.credit(token, verifier)).to.equal(300n);
      const kept = await expectCode('channel-invalid', kit.verifier.withdraw(token, devAddress(6)));
      expect(kept.data.error).to.equal('TransferFailed');
      await setMood(running.rpcUrl, token, tokenMoods.honest);
      await kit.verifier.withdraw(token, devAddress(6));
      expect(await kit.stranger.credit(token, verifier)).to.equal(0n);
      const twice = await expectCode('channel-state', kit.verifier.withdraw(token, devAddress(6)));
      expect(twice.data.error).to.equal('CreditEmpty');
      const events = await kit.requester.events(from, (await kit.requester.newestBlock()).number);
      const [credited, withdrawn] = [events.find(({ type }) => type === 'credited'), events.at(-1)];
      expect(credited).to.deep.include({ token, account: verifier, amount: 300n });
      expect(withdrawn).to.deep.include({
        type: 'withdrawn',
        token,
        account: verifier,
        to: devAddress(6),
        amount: 300n,
      });
    });

    it('raises an allowance that is too small', async () => {
      const token = await deployToken(running.rpcUrl, kit.requester.account!, 1_000n);
      const calls = new Interface(['function approve(address, uint256)']);
      const data = calls.encodeFunctionData('approve', [kit.deployed.network.contract, 1n]);
      const from = kit.requester.account;
      await kit.rpc('eth_sendTransaction', [{ from, to: token, data }]);
      const { channel } = await kit.opened({ token, amount: 1_000n });
      expect(await kit.requester.held(channel)).to.equal(1_000n);
    });

    it('refuses terms that nobody can want', async () => {
      const terms = { verifier: devAddress(1), token: coin, amount: 1n, challengeSeconds: 3_600, salt: 99n };
      for (const changes of [{ verifier: devAddress(0) }, { amount: 0n }, { challengeSeconds: 59 }]) {
        await expectCode('channel-invalid', kit.requester.open({ ...terms, ...changes }));
      }
      await kit.requester.open(terms);
      const twice = await expectCode('channel-state', kit.requester.open(terms));
      expect(twice.data.error).to.equal('ChannelExists');
    });

    it('closes together', async () => {
      const history = await kit.opened();
      await history.pay(7n);
      const closing = await history.signClosing();
      await kit.stranger.closeTogether(history.channel, closing.closing, closing);
      expect(await kit.verifier.status(history.channelId)).to.deep.equal({ status: 'settled' });
      const settled = (await kit.verifier.settlement(history.channelId))!;
      expect(settled).to.deep.include({ requesterPayout: ether - 7n, verifierPayout: 7n, evidenceCount: 1 });
      await expectCode('channel-state', kit.stranger.closeTogether(history.channel, closing.closing, closing));
    });

    it('closes by an old state, is challenged, and settles with the locks whose keys came in time', async () => {
      const history = await kit.opened();
      const { channel, channelId } = history;
      const old = await history.pay(10n);
      const expiry = (await kit.now()) + 1_000;
      const newest = await history.update({ adds: [20n, 40n].map((amount) => ({ amount, expiry })) });
      const refused = await expectCode('chain-call-rejected', kit.stranger.startClosing(channel, old));
      expect(refused.data.error).to.equal('NotParty');
      await kit.requester.startClosing(channel, undefined);
      const early = await expectCode('channel-state', kit.requester.settle(channel));
      expect(early.data.error).to.equal('SettlementEarly');
      await kit.stranger.challenge(channel, newest);
      const lower = await expectCode('channel-state', kit.stranger.challenge(channel, old));
      expect(lower.data.error).to.equal('VersionInvalid');
      const status = await kit.stranger.status(channelId);
      if (status.status !== 'closing') throw new Error(status.status);
      expect(status.version).to.equal(newest.state.version);
      const { key } = history.bills.at(-2)!;
      expect(await kit.verifier.reveal([key])).to.include.keys('transactionHash');
      expect(await kit.verifier.reveal([key])).to.equal(undefined);
      expect(await kit.verifier.revealedAt(keyHashOf(key))).to.equal(await kit.now());
      const closing = (await kit.stranger.lastClosing(channelId))!;
      expect(closing).to.deep.include({ deadline: status.deadline, state: newest.state });

      await kit.moveTo(status.deadline + 1);
      const over = await expectCode('channel-state', kit.stranger.challenge(channel, newest));
      expect(over.data.error).to.equal('ChallengeOver');
      const without = await expectCode('channel-state', kit.stranger.settle(channel));
      expect(without.data.error).to.equal('LocksMismatch');
      await kit.stranger.settle(channel, history.content(newest.state.version)!);
      const settled = (await kit.verifier.settlement(channelId))!;
      expect(settled).to.deep.include({ requesterPayout: ether - 30n, verifierPayout: 30n, evidenceCount: 2 });
      const unknown = await expectCode('channel-state', kit.stranger.settle(channel));
      expect(unknown.data.error).to.equal('ChannelStatusMismatch');
    });

    it('settles the state that nobody has signed', async () => {
      const { channel, channelId } = await kit.opened({ challengeSeconds: 60 });
      await kit.requester.startClosing(channel, undefined);
      await kit.moveTo((await kit.now()) + 61);
      await kit.requester.settle(channel);
      const settled = (await kit.verifier.settlement(channelId))!;
      expect(settled).to.deep.include({ requesterPayout: ether, evidenceRoot: toHex(emptyRoot) });
    });

    it('puts a total digest on chain without closing, under which anybody can prove a digest', async () => {
      const history = await kit.opened();
      const { channelId, channel, bills } = history;
      for (let count = 0; count < 3; count++) await history.pay(1n);
      const state = history.states.at(-1)!;
      const { transactionHash, blockNumber } = await kit.stranger.anchorEvidence(channel, state);
      const { evidenceRoot: root, evidenceCount: count } = state.state;
      expect(await kit.stranger.anchoredEvidence(channelId, count)).to.equal(root);
      expect(await kit.stranger.anchoredEvidence(channelId, count - 1)).to.equal(undefined);

      const tree = memoryTree(Buffer.concat(digestsOf(bills).map((digest) => leafHash(digest))));
      const digest = bills[1]!.bill.digest;
      const proof = { root, leafIndex: 1, treeSize: count, path: tree.path(1) };
      expect(await kit.stranger.verifyEvidence(channelId, digest, proof)).to.equal(true);
      expect(await kit.stranger.verifyEvidence(channelId, bills[0]!.bill.digest, proof)).to.equal(false);

      const { chainId, contract } = kit.deployed.network;
      const place = { rpcUrl: running.rpcUrl, contract };
      const asked = { ...place, chainId, channelId, digest, proof: { ...proof, path: proof.path.map(toHex) } };
      expect(await chainHasEvidence(asked)).to.equal(true);
      expect(await chainHasEvidence({ ...asked, digest: root })).to.equal(false);
      expect(await chainHasEvidence({ ...asked, channelId: root })).to.equal(false);
      await expectCode('chain-mismatch', chainHasEvidence({ ...asked, chainId: 1 }));
      await expectCode('chain-contract-missing', chainHasEvidence({ ...asked, contract: devAddress(5) }));

      const claim = { ...place, kind: 'anchored', channelId, root, count, transactionHash, blockNumber } as const;
      const { timestamp } = (await kit.stranger.blockAt(blockNumber))!;
      expect(await chainTotalDigest(claim)).to.deep.equal({ blockNumber, timestamp });
      for (const wrong of [{ kind: 'settled' as const }, { count: count - 1 }, { root: noLocks as Hash }]) {
        expect(await chainTotalDigest({ ...claim, ...wrong })).to.equal(undefined);
      }
      expect(await chainTotalDigest({ ...claim, transactionHash: root })).to.equal(undefined);
      expect(await chainTotalDigest({ ...claim, transactionHash: root, root: noLocks as Hash })).to.equal('unknown');
    });

    it('settles several channels at once from one account', async () => {
      const histories = await Promise.all(Array.from({ length: 8 }, () => kit.opened({ amount: 100n })));
      await Promise.all(
        histories.map(async (history) => {
          await history.pay(1n);
          const closing = await history.signClosing();
          await kit.verifier.closeTogether(history.channel, closing.closing, closing);
        }),
      );
      const statuses = await Promise.all(histories.map(({ channelId }) => kit.verifier.status(channelId)));
      expect(statuses).to.deep.equal(histories.map(() => ({ status: 'settled' })));
    });

    it('says what is not there', async () => {
      const { rpcUrl } = running;
      const { contract } = kit.deployed.network;
      const logger = silentLogger;
      await expectCode('chain-contract-missing', openChannelChain({ rpcUrl, contract: devAddress(7), logger }));
      await expectCode('chain-mismatch', openChannelChain({ rpcUrl, contract, chainId: 5, logger }));
      const genesisHash: Hash = noLocks;
      await expectCode('chain-mismatch', openChannelChain({ rpcUrl, contract, genesisHash, logger }));
      const reader = await openChannelChain({ rpcUrl, contract, logger });
      const { channel } = await kit.opened();
      expect(await reader.held(channel)).to.equal(ether);
      await expectCode('key-missing', reader.deposit(channel, 1n, ether));
      expect(await reader.opening(noLocks)).to.equal(undefined);
      expect(await reader.status(noLocks)).to.deep.equal({ status: 'none' });
      expect(await reader.firstBlock()).to.equal(kit.deployed.fromBlock);
      reader.close();
      await expectCode('shutting-down', reader.held(channel));
    });

    it('is open to a centre, beside its anchors', async () => {
      const { rpcUrl } = running;
      const { contract } = await deployNotarium(rpcUrl, { committee: [{ address: devAddress(3) }] });
      await expectCode('chain-contract-missing', openChannelChain({ rpcUrl, contract, logger: silentLogger }));
      const chain = await openChain({ rpcUrl, contract, signer: devSigner(3), logger: silentLogger });
      const channels = await chain.channels(kit.deployed.network.contract);
      const terms = { verifier: devAddress(1), token: coin, amount: 3n, challengeSeconds: 60, salt: 1n };
      const { channelId } = await channels.open(terms);
      const opening: ChannelEvent = (await channels.opening(channelId))!;
      expect(opening).to.deep.include({ type: 'opened', channelId });
      chain.close();
    });
  });
}
