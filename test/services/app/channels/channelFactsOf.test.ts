import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { channelFactsOf } from '../../../../services/app/channels/channelFactsOf.ts';
import { exchangeEventOf, takenBackOf } from '../../../../services/app/channels/exchangeEvents.ts';
import { toHex } from '../../../../services/core/bytes.ts';
import { keyHashOf } from '../../../../services/core/channels/bill.ts';
import { type RunningChain, startChain } from '../../../support/chains.ts';
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

  it('has an opening when it is deep enough', async () => {
    const facts = channelFactsOf(kit.verifier, { confirmations: 2 });
    const { channel, channelId } = await kit.opened();
    expect(await facts.opening(channelId)).to.equal(undefined);
    await kit.stranger.deposit(channel, 1n, ether);
    expect(await facts.opening(channelId)).to.deep.equal({ channel, held: ether + 1n });
    expect(await facts.opening(toHex(randomBytes(32)))).to.equal(undefined);
    expect(await facts.held(channel)).to.equal(ether + 1n);
    expect(await facts.timestamp()).to.equal(await kit.now());
  });

  it('tells the exchange what happened to its channels', async () => {
    const from = (await kit.verifier.newestBlock()).number + 1;
    const history = await kit.opened();
    const { channel, channelId, bills } = history;
    const { state } = await history.pay(10n);
    await kit.stranger.deposit(channel, 1n, ether);
    await kit.verifier.startClosing(channel, history.states.at(-1));
    const { key } = bills[0]!;
    await kit.verifier.reveal([key]);
    const at = await kit.now();
    const closing = await history.signClosing();
    await kit.verifier.closeTogether(channel, closing.closing, closing);
    const events = await kit.verifier.events(from, (await kit.verifier.newestBlock()).number);
    const { deadline } = (await kit.verifier.lastClosing(channelId))!;
    expect(events.flatMap((event) => exchangeEventOf(event) ?? [])).to.deep.equal([
      { kind: 'deposited', channelId, held: ether + 1n },
      { kind: 'closing', channelId, version: state.version, deadline },
      { kind: 'revealed', keyHash: keyHashOf(key), key, at },
      { kind: 'settled', channelId, evidenceCount: 1 },
    ]);
    expect(events.flatMap((event) => takenBackOf(event) ?? [])).to.deep.equal([{ kind: 'reopened', channelId }]);
  });
});
