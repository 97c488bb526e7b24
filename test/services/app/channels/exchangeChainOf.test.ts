import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { exchangeChainOf, exchangeEventOf, takenBackOf } from '../../../../services/app/channels/exchangeChainOf.ts';
import { toHex } from '../../../../services/core/bytes.ts';
import { keyHashOf } from '../../../../services/core/channels/bill.ts';
import { type RunningChain, startChain } from '../../../support/chains.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { type ChannelTestKit, channelTestKit, ether } from '../../chain/channels/channelKit.ts';

describe('chain of the exchange', () => {
  let running: RunningChain;
  let kit: ChannelTestKit;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
    kit = await channelTestKit(running.rpcUrl);
  });
  after(async () => {
    kit?.close();
    await running?.stop();
  });

  it('does each thing once, however often it is told to, and tells what happened', async () => {
    const chain = exchangeChainOf(kit.verifier);
    const from = (await kit.verifier.newestBlock()).number + 1;
    const history = await kit.opened();
    const { channel, channelId, bills } = history;
    const old = await history.pay(10n);
    const { state, ...signatures } = await history.update({ adds: [{ amount: 5n, expiry: 2 ** 40 }] });
    const newest = { state, ...signatures };
    expect(await chain.channel(channelId)).to.deep.equal({ channel, status: 'open', held: ether });
    expect(await chain.channel(toHex(randomBytes(32)))).to.equal(undefined);
    await kit.stranger.deposit(channel, 1n, ether);
    const { locks, evidence } = history.content(state.version)!;
    const settlement = { state, locks, peaks: evidence.peaks };
    const { key } = bills.at(-1)!;
    for (let times = 0; times < 2; times++) {
      await chain.startClosing(channel, old);
      await chain.challenge(channel, newest);
      await chain.reveal([key]);
      await chain.settle(channel, settlement);
    }
    const at = await kit.now();
    expect(await chain.timestamp()).to.equal(at);
    expect(await chain.revealedAt([keyHashOf(key), channelId])).to.deep.equal([at, undefined]);
    const { deadline, ...closing } = (await chain.channel(channelId, channel))!;
    expect(closing).to.deep.equal({ channel, status: 'closing', held: ether + 1n, version: state.version });
    await kit.moveTo(deadline! + 1);
    await expectCode('channel-state', chain.settle(channel, { ...settlement, locks: [] }));
    for (let times = 0; times < 2; times++) {
      await chain.challenge(channel, newest);
      await chain.settle(channel, settlement);
    }
    const events = await kit.verifier.events(from, (await kit.verifier.newestBlock()).number);
    expect(events.flatMap((event) => exchangeEventOf(event) ?? [])).to.deep.equal([
      { kind: 'deposited', channelId, held: ether + 1n },
      { kind: 'closing', channelId, version: old.state.version, deadline },
      { kind: 'closing', channelId, version: state.version, deadline },
      { kind: 'revealed', keyHash: keyHashOf(key), key, at },
      { kind: 'settled', channelId, evidenceCount: 2 },
    ]);
    const back = events.flatMap((event) => takenBackOf(event) ?? []);
    expect(back).to.deep.equal(Array(2).fill({ kind: 'reopened', channelId }));
  });

  it('closes together', async () => {
    const chain = exchangeChainOf(kit.requester);
    const history = await kit.opened();
    await history.pay(10n);
    const closing = await history.signClosing();
    for (let times = 0; times < 2; times++) await chain.closeTogether(history.channel, closing);
    expect(await chain.channel(history.channelId)).to.deep.include({ status: 'settled', held: 0n });
  });
});
