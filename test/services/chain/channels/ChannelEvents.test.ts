import { expect } from 'chai';
import type { ChannelEvent } from '../../../../services/chain/channels/ChannelEvent.ts';
import { ChannelEvents } from '../../../../services/chain/channels/ChannelEvents.ts';
import { type AnvilControl, anvilControl } from '../../../support/anvil.ts';
import { type RunningChain, startChain } from '../../../support/chains.ts';
import { until } from '../../../support/until.ts';
import { type ChannelTestKit, channelTestKit, coin, ether } from './channelKit.ts';

const named = (events: readonly ChannelEvent[]): string[] => events.map(({ type }) => type);

describe('events of evidence channels', () => {
  let running: RunningChain;
  let anvil: AnvilControl;
  let kit: ChannelTestKit;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
    anvil = anvilControl(running.rpcUrl);
    kit = await channelTestKit(running.rpcUrl, { replaceCallAfterMs: 500 });
  });
  after(async () => {
    kit?.close();
    await running?.stop();
  });

  it('are told in order, once, and after a restart from where it stopped', async () => {
    const from = (await kit.requester.newestBlock()).number + 1;
    const events = new ChannelEvents(kit.requester, { from });
    expect(await events.look()).to.deep.equal({ events: [], gone: [], block: undefined, isBehind: false });
    const history = await kit.opened();
    const first = await events.look();
    expect(named(first.events)).to.deep.equal(['opened']);
    expect(first.block).to.deep.equal(await kit.requester.newestBlock());

    await history.pay(1n);
    await kit.requester.startClosing(history.channel, undefined);
    await kit.verifier.challenge(history.channel, history.states.at(-1)!);
    await kit.verifier.reveal([history.bills[0]!.key]);
    const second = await events.look();
    expect(named(second.events)).to.deep.equal(['closing', 'closing', 'revealed']);
    expect((await events.look()).events).to.deep.equal([]);
    const restarted = new ChannelEvents(kit.requester, { from: first.block! });
    expect((await restarted.look()).events).to.deep.equal(second.events);
  });

  it('wait for confirmations where that is asked for', async () => {
    const from = (await kit.requester.newestBlock()).number + 1;
    const events = new ChannelEvents(kit.requester, { from, confirmations: 3 });
    await kit.opened();
    await anvil.mine(1);
    expect((await events.look()).events).to.deep.equal([]);
    await anvil.mine(1);
    expect(named((await events.look()).events)).to.deep.equal(['opened']);
  });

  it('are taken back where a reorganisation removes them, and told anew where they come back', async () => {
    const from = (await kit.requester.newestBlock()).number + 1;
    const events = new ChannelEvents(kit.requester, { from });
    const kept = await kit.opened();
    const lost = await kit.opened();
    const { channel } = lost;
    const told = await events.look();
    expect(named(told.events)).to.deep.equal(['opened', 'opened']);
    await anvil.reorganise(1);
    const after = await events.look();
    expect(after.gone).to.deep.equal([told.events[1]]);
    expect(after.events).to.deep.equal([]);
    expect(await kit.verifier.status(lost.channelId)).to.deep.equal({ status: 'none' });
    expect(await kit.verifier.opening(lost.channelId)).to.equal(undefined);
    expect(await kit.verifier.status(kept.channelId)).to.deep.equal({ status: 'open' });
    await kit.requester.open(channel);
    const again = await events.look();
    expect(named(again.events)).to.deep.equal(['opened']);
    expect(again.gone).to.deep.equal([]);
  });

  it('are found again after a reorganisation that a restart slept through', async () => {
    const from = (await kit.requester.newestBlock()).number;
    const { block } = await new ChannelEvents(kit.requester, { from }).look();
    await anvil.mine(1);
    const events = new ChannelEvents(kit.requester, { from });
    const last = (await events.look()).block!;
    await anvil.reorganise(1);
    const { channelId } = await kit.opened();
    const restarted = new ChannelEvents(kit.requester, { from: last });
    const { events: told } = await restarted.look();
    expect(told.at(-1)).to.deep.include({ type: 'opened', channelId });
    expect(block!.number).to.be.lessThan(last.number);
  });

  it('settle with the salt that the chain has after a reorganisation', async () => {
    const { channel, channelId } = await kit.opened({ challengeSeconds: 60 });
    await kit.requester.startClosing(channel, undefined);
    const before = (await kit.requester.lastClosing(channelId))!;
    await anvil.reorganise(2);
    await kit.requester.open(channel).catch(() => undefined);
    await anvil.mine(1);
    await kit.requester.startClosing(channel, undefined);
    const closing = (await kit.requester.lastClosing(channelId))!;
    expect(closing.salt).to.not.equal(before.salt);
    await kit.moveTo(closing.deadline + 1);
    await kit.verifier.settle(channel);
    expect((await kit.verifier.settlement(channelId))!.requesterPayout).to.equal(ether);
  });

  it('come also from a transaction that was stuck, and is sent again for more', async () => {
    await anvil.rpc('evm_setTime', [Math.floor(Date.now() / 1000)]);
    const poor = await kit.as(3, { maxFeePerGasWei: 10n ** 12n });
    await anvil.automine(false);
    try {
      const terms = { verifier: kit.verifier.account!, token: coin, amount: 1n, challengeSeconds: 60, salt: 77n };
      const opening = poor.open(terms);
      const [first] = await until('the first', async () => {
        const pending = await anvil.pending();
        return pending.length === 1 && pending;
      });
      await until('its replacement', async () => {
        const [now] = await anvil.pending();
        return now !== undefined && now.hash !== first!.hash;
      });
      await anvil.mine(1);
      const { transactionHash } = await opening;
      expect(transactionHash).to.not.equal(first!.hash);
    } finally {
      await anvil.automine(true);
    }
  });
});
