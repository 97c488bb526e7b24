import { expect } from 'chai';
import { Settlement } from '../../../../services/app/channels/Settlement.ts';
import type { SettlementParts } from '../../../../services/app/channels/SettlementParts.ts';
import type { ChannelChain } from '../../../../services/chain/channels/ChannelChain.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { type AnvilControl, anvilControl } from '../../../support/anvil.ts';
import { devAddress, type RunningChain, startChain } from '../../../support/chains.ts';
import type { SignedHistory } from '../../../support/channels.ts';
import { type SettlingSide, settlingSide } from '../../../support/settlingSide.ts';
import { tcpProxy } from '../../../support/tcpProxy.ts';
import { until } from '../../../support/until.ts';
import { type ChannelTestKit, channelTestKit, ether } from '../../chain/channels/channelKit.ts';

for (const kind of ['hardhat', 'anvil'] as const) {
  describe(`settlement of evidence channels on ${kind}`, () => {
    let running: RunningChain;
    let anvil: AnvilControl;
    let kit: ChannelTestKit;
    const started: Settlement[] = [];
    // The chain's own time counts: blocks of tests are ahead of the clock, and the clock must not be ahead of them.
    const clock = { nowMs: () => 0, sleep: (ms: number) => new Promise<void>((done) => setTimeout(done, ms)) };
    const start = (chain: ChannelChain, side: SettlingSide, more: Partial<SettlementParts> = {}): Settlement => {
      const settings = { pollMs: 20, safetySeconds: 100, retrySeconds: 0, ...more.settings };
      const settlement = new Settlement({ chain, side, logger: silentLogger, clock, ...more, settings });
      settlement.start();
      started.push(settlement);
      return settlement;
    };
    const untilStatus = ({ channelId }: SignedHistory, want: string) =>
      until(`the channel is ${want}`, async () => {
        const now = await kit.stranger.status(channelId);
        return now.status === want && now;
      });
    const deadlineOf = async (history: SignedHistory, version: number): Promise<number> =>
      await until(`version ${version} is handed in`, async () => {
        const now = await kit.stranger.status(history.channelId);
        return now.status === 'closing' && now.version === version && now.deadline;
      });
    const payouts = async (history: SignedHistory): Promise<[bigint, bigint, number]> => {
      await untilStatus(history, 'settled');
      const { requesterPayout, verifierPayout, evidenceCount } = (await kit.stranger.settlement(history.channelId))!;
      return [requesterPayout, verifierPayout, evidenceCount];
    };

    const sentBy = async (account: number): Promise<number> =>
      Number(await kit.rpc('eth_getTransactionCount', [devAddress(account), 'latest']));

    before(async () => {
      running = await startChain({ kind });
      anvil = anvilControl(running.rpcUrl);
      kit = await channelTestKit(running.rpcUrl, { replaceCallAfterMs: 1_000 });
    });
    afterEach(async () => {
      await Promise.all(started.splice(0).map((settlement) => settlement.close()));
    });
    after(async () => {
      kit?.close();
      await running?.stop();
    });

    for (const cheat of ['requester', 'verifier'] as const) {
      it(`challenges an old state of the ${cheat}'s, and settles the newest with all locks that were paid for`, async () => {
        const other = cheat === 'requester' ? 'verifier' : 'requester';
        const history = await kit.opened();
        const old = await history.pay(10n);
        const expiry = (await kit.now()) + 90_000;
        const newest = await history.update({ adds: [{ amount: 20n, expiry }] });
        const side = settlingSide(other);
        side.add(history);
        start(kit[other], side);
        await kit[cheat].startClosing(history.channel, old);
        const deadline = await deadlineOf(history, newest.state.version);
        // The verifier alone has something to gain by making its key public, and does so at once when it sees the closing.
        if (other === 'verifier')
          await until('the key is public', () => side.told.some(({ type }) => type === 'revealed'));
        await kit.moveTo(deadline + 1);
        const paid = other === 'verifier' ? 30n : 10n;
        expect(await payouts(history)).to.deep.equal([ether - paid, paid, other === 'verifier' ? 2 : 1]);
        await until('it is told', () => side.told.some(({ type }) => type === 'settled'));
        expect(side.told.map(({ type }) => type).filter((type) => type === 'closing')).to.have.length(2);
      });
    }

    it('lets an old state settle where nobody watches: no more than the difference is lost', async () => {
      const history = await kit.opened();
      const old = await history.pay(10n);
      await history.pay(5n);
      const side = settlingSide('requester');
      side.add(history, old.state.version);
      await kit.requester.startClosing(history.channel, old);
      start(kit.requester, side);
      const deadline = await deadlineOf(history, old.state.version);
      await kit.moveTo(deadline + 1);
      expect(await payouts(history)).to.deep.equal([ether - 10n, 10n, 1]);
    });

    it('reveals a key before its lock expires, and closes alone: the other side has not folded it', async () => {
      const history = await kit.opened();
      const expiry = (await kit.now()) + 500;
      const { state } = await history.update({ adds: [{ amount: 20n, expiry }] });
      const side = settlingSide('verifier');
      side.add(history);
      start(kit.verifier, side);
      await until('it has looked', () => side.statuses.includes('open'));
      await kit.moveTo(expiry - 101);
      expect((await kit.stranger.status(history.channelId)).status).to.equal('open');
      await kit.moveTo(expiry - 100);
      const deadline = await deadlineOf(history, state.version);
      expect(side.asked).to.deep.equal([`newest ${history.channelId}`]);
      await kit.moveTo(deadline + 1);
      expect(await payouts(history)).to.deep.equal([ether - 20n, 20n, 1]);
    });

    for (const [late, paid] of [
      [0, 20n],
      [1, 0n],
    ] as const) {
      it(`${paid ? 'pays' : 'does not pay'} a lock whose key is public ${late} s after its expiry`, async () => {
        const history = await kit.opened();
        const expiry = (await kit.now()) + 500;
        const newest = await history.update({ adds: [{ amount: 20n, expiry }] });
        await anvil.rpc('evm_setNextBlockTimestamp', [expiry + late]);
        await kit.stranger.reveal([history.bills[0]!.key]);
        await kit.requester.startClosing(history.channel, newest);
        const side = settlingSide('requester');
        side.add(history);
        start(kit.requester, side);
        await kit.moveTo((await deadlineOf(history, newest.state.version)) + 1);
        expect(await payouts(history)).to.deep.equal([ether - paid, paid, paid ? 1 : 0]);
      });
    }

    it('closes many channels of one account together, side by side', async () => {
      const side = settlingSide('verifier');
      const histories = await Promise.all(Array.from({ length: 6 }, () => kit.opened({ amount: 100n })));
      const settlement = start(kit.verifier, side);
      for (const [index, history] of histories.entries()) {
        await history.pay(BigInt(index + 1));
        side.add(history);
        side.closings.set(history.channelId, await history.signClosing());
        settlement.touch(history.channelId);
      }
      const ends = await Promise.all(histories.map(payouts));
      expect(ends).to.deep.equal(histories.map((_, index) => [BigInt(99 - index), BigInt(index + 1), 1]));
    });

    it('asks the other side to close when the policy says so, and closes alone when it does not answer', async () => {
      const history = await kit.opened();
      await history.pay(1n);
      const { state } = await history.pay(1n);
      const side = settlingSide('requester');
      side.add(history);
      start(kit.requester, side, { policy: { evidenceCount: 2 }, settings: { togetherSeconds: 50 } });
      await until('it has asked', () => side.asked.includes(`closing ${history.channelId}`));
      await kit.moveTo((await kit.now()) + 50);
      const deadline = await deadlineOf(history, state.version);
      await kit.moveTo(deadline + 1);
      expect(await payouts(history)).to.deep.equal([ether - 2n, 2n, 2]);
    });

    it('ends a channel when somebody asks, and says how it ended', async () => {
      const history = await kit.opened();
      const { state } = await history.pay(3n);
      const side = settlingSide('requester');
      side.add(history);
      const settlement = start(kit.requester, side);
      const end = settlement.end(history.channelId, 'alone');
      await kit.moveTo((await deadlineOf(history, state.version)) + 1);
      expect(await end).to.deep.include({ type: 'settled', requesterPayout: ether - 3n, verifierPayout: 3n });
      expect(settlement.safetyDeltaSeconds()).to.equal(100);
    });

    it('says how a channel ended once its side has been told, though a look has seen it before', async () => {
      const history = await kit.opened();
      const { state } = await history.pay(3n);
      const side = settlingSide('requester');
      side.add(history);
      const told = Promise.withResolvers<void>();
      let deadline = Number.POSITIVE_INFINITY;
      let last: Awaited<ReturnType<ChannelChain['newestBlock']>> | undefined;
      let pauses = 0;
      // No block is heard of after the deadline, until told.
      const chain: ChannelChain = {
        ...kit.requester,
        async newestBlock() {
          const block = await kit.requester.newestBlock();
          if (block.timestamp > deadline) last ??= block;
          if (!side.statuses.includes('settled')) return last ?? block;
          await told.promise;
          return await kit.requester.newestBlock();
        },
      };
      const sleep = async (ms: number): Promise<void> => {
        if (side.statuses.includes('settled')) pauses++;
        await clock.sleep(ms);
      };
      const settlement = start(chain, side, { clock: { ...clock, sleep } });
      const end = settlement.end(history.channelId, 'alone').then((ended) => {
        expect(side.told.map(({ type }) => type)).to.include('settled');
        return ended;
      });
      deadline = await deadlineOf(history, state.version);
      await kit.moveTo(deadline + 1);
      try {
        await Promise.race([end, until('it waits', () => pauses > 3)]);
      } finally {
        told.resolve();
      }
      expect(await end).to.include({ verifierPayout: 3n });
    });

    for (const how of ['together', 'alone'] as const) {
      it(`ends ${how} by one transaction: the side that has asked sends it, the other one only when that does not`, async () => {
        const history = await kit.opened();
        const { state } = await history.pay(3n);
        const sides = { requester: settlingSide('requester'), verifier: settlingSide('verifier') };
        const turn = { nowMs: 0 };
        const later = { clock: { ...clock, nowMs: () => turn.nowMs }, settings: { otherFirstSeconds: 30 } };
        for (const side of Object.values(sides)) side.add(history);
        start(kit.verifier, sides.verifier, later);
        const settlement = start(kit.requester, sides.requester, later);
        await until('both watch', () => Object.values(sides).every(({ statuses }) => statuses.includes('open')));
        const before = await sentBy(1);
        // It asks again and again while the other one has nothing to hand in.
        const end = settlement.end(history.channelId, how);
        if (how === 'alone') await kit.moveTo((await deadlineOf(history, state.version)) + 1);
        else {
          const signed = await history.signClosing();
          for (const side of Object.values(sides)) side.closings.set(history.channelId, signed);
        }
        expect(await end).to.include({ verifierPayout: 3n });
        await until('the verifier knows', () => sides.verifier.told.some(({ type }) => type === 'settled'));
        turn.nowMs = 31_000;
        await until('it has looked', () => sides.verifier.statuses.includes('settled'));
        expect(await sentBy(1)).to.equal(before);

        // Nobody else settles this one.
        const other = await kit.opened();
        const signed = await other.signClosing();
        sides.verifier.add(other);
        if (how === 'alone') {
          await kit.requester.startClosing(other.channel, undefined);
          await kit.moveTo((await deadlineOf(other, 0)) + 1);
        } else sides.verifier.closings.set(other.channelId, signed);
        const verifier = started.at(-2)!;
        verifier.touch(other.channelId);
        const looks = sides.verifier.looks.get(other.channelId) ?? 0;
        await until('it has looked', () => (sides.verifier.looks.get(other.channelId) ?? 0) > looks + 2);
        expect((await kit.stranger.status(other.channelId)).status).not.to.equal('settled');
        turn.nowMs += 31_000;
        await untilStatus(other, 'settled');
        expect(await sentBy(1)).to.equal(before + 1);
      });
    }

    it('says when the chain shows a newer state than its own', async () => {
      const history = await kit.opened();
      const old = await history.pay(10n);
      const newest = await history.pay(5n);
      const side = settlingSide('verifier');
      side.add(history, old.state.version);
      start(kit.verifier, side);
      await kit.requester.startClosing(history.channel, newest);
      await until('it is told', () => side.stale.length > 0);
      expect(side.stale[0]).to.deep.equal({ have: old.state.version, chain: newest.state.version });
    });

    it('tells once more what it has seen and its side could not take', async () => {
      const history = await kit.opened();
      const seen: string[] = [];
      let failures = 1;
      const side = settlingSide('verifier', {
        async onStatus(_channelId, { status }) {
          if (failures-- > 0) throw new Error('its disk is full');
          seen.push(status);
        },
      });
      side.add(history);
      start(kit.verifier, side);
      await until('it is told', () => seen.length > 0);
      expect(seen).to.deep.equal(['open']);
    });

    it('goes on where a crash has stopped it, and with what happened meanwhile', async () => {
      const history = await kit.opened();
      const old = await history.pay(10n);
      const newest = await history.pay(5n);
      const side = settlingSide('verifier');
      side.add(history);
      const first = start(kit.verifier, side);
      await until('it watches', () => side.statuses.includes('open'));
      await first.close();
      await kit.requester.startClosing(history.channel, old);
      start(kit.verifier, side);
      const deadline = await deadlineOf(history, newest.state.version);
      await kit.moveTo(deadline + 1);
      expect(await payouts(history)).to.deep.equal([ether - 15n, 15n, 2]);
      expect(side.told.filter(({ type }) => type === 'closing')).to.have.length(2);
    });

    if (kind === 'hardhat') return;

    it('tells of an opening that a reorganisation has removed', async () => {
      const side = settlingSide('verifier');
      start(kit.verifier, side);
      await until('it watches', async () => (await side.cursor()) !== undefined);
      const history = await kit.opened();
      side.add(history);
      await until('it is told', () => side.told.some(({ type }) => type === 'opened'));
      await anvil.reorganise(1);
      await until('it is told', () => side.gone.length > 0);
      expect(side.gone[0]).to.deep.include({ type: 'opened', channelId: history.channelId });
      await until('it has looked', () => side.statuses.includes('none'));
      await kit.requester.open(history.channel);
      await until('it is told again', () => side.told.filter(({ type }) => type === 'opened').length === 2);
    });

    it('settles again where a reorganisation takes the end away while a look is on its way that has seen it', async () => {
      const history = await kit.opened();
      const { state } = await history.pay(3n);
      const side = settlingSide('requester');
      side.add(history);
      const [seen, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      let looks = 0;
      const chain: ChannelChain = {
        ...kit.requester,
        async status(id) {
          const now = await kit.requester.status(id);
          if (now.status !== 'settled' || ++looks !== 2) return now;
          seen.resolve();
          await gone.promise;
          return now;
        },
      };
      const end = start(chain, side).end(history.channelId, 'alone');
      const deadline = await deadlineOf(history, state.version);
      await kit.moveTo(deadline + 1);
      await end;
      await seen.promise;
      await anvil.reorganise(1);
      await until('it is told', () => side.gone.some(({ type }) => type === 'settled'));
      gone.resolve();
      await kit.moveTo(deadline + 100);
      expect(await payouts(history)).to.deep.equal([ether - 3n, 3n, 1]);
    });

    it('waits for a chain that does not answer, says so, and goes on', async () => {
      const proxy = await tcpProxy(running.port);
      const chain = await kit.as(1, { rpcUrl: `http://127.0.0.1:${proxy.port}` });
      const history = await kit.opened();
      const newest = await history.pay(10n);
      const side = settlingSide('verifier');
      side.add(history);
      const settlement = start(chain, side);
      await until('it watches', () => side.statuses.includes('open'));
      proxy.cut();
      await until('it says so', () => settlement.problems().some(({ code }) => code === 'chain-unreachable'));
      await kit.requester.startClosing(history.channel, undefined);
      proxy.heal();
      await deadlineOf(history, newest.state.version);
      await until('the problem is over', () => settlement.problems().length === 0);
      await settlement.close();
      await proxy.close();
    });

    it('challenges in time though its transaction was stuck', async () => {
      const history = await kit.opened();
      const newest = await history.pay(10n);
      await kit.requester.startClosing(history.channel, undefined);
      const side = settlingSide('verifier');
      side.add(history);
      await anvil.automine(false);
      try {
        start(kit.verifier, side);
        const [first] = await until('it is sent', async () => {
          const pending = await anvil.pending();
          return pending.length > 0 && pending;
        });
        await until('it is sent for more', async () => {
          const [now] = await anvil.pending();
          return now !== undefined && now.hash !== first!.hash;
        });
        await anvil.mine(1);
      } finally {
        await anvil.automine(true);
      }
      await deadlineOf(history, newest.state.version);
    });
  });
}
