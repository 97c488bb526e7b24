import { expect } from 'chai';
import { expectCode } from '../../../../support/expectCode.ts';
import { until } from '../../../../support/until.ts';
import {
  challengeSeconds,
  deposit,
  type EndingsKit,
  endingsKit,
  endOf,
  expectContent,
  expectProof,
  preserveAll,
  price,
  uploaded,
  type VerifierProcess,
} from './endingsKit.ts';

describe('endings after a reorganisation of the chain', () => {
  let kit: EndingsKit;
  let verifier: VerifierProcess;

  // A transaction of the test before may not come between.
  beforeEach(async () => {
    kit = await endingsKit();
    verifier = await kit.verifier(1, 'verifier');
  });
  afterEach(async () => {
    await kit?.[Symbol.asyncDispose]();
  });

  const statusOf = async (channelId: Awaited<ReturnType<EndingsKit['open']>>['requester'] | string) =>
    (await kit.chain.stranger.status(channelId as `0x${string}`)).status;
  const reorganise = async (depth: number): Promise<void> => {
    await kit.chain.rpc('anvil_reorg', [depth, []]);
    // anvil goes on with the time of the block that it has replaced.
    await kit.chain.rpc('evm_setTime', [Math.ceil(kit.clock.nowMs() / 1000)]);
    await kit.chain.rpc('evm_mine', []);
  };

  for (const restarts of [false, true]) {
    it(`that removes the opening${restarts ? ', seen after a start' : ''}: nothing is confirmed until it is back`, async () => {
      const channel = await kit.open(1);
      const channelId = kit.idOf(channel);
      const name = `reorganised ${restarts}`;
      const side = await kit.requester(channel, name, verifier.desk);
      await preserveAll(verifier, channelId, side, [`${name} a`, `${name} b`]);
      const item = await uploaded(verifier, channelId, `${name} c`);
      const before = await verifier.desk.channel(channelId);
      if (restarts) await verifier.stop();
      await reorganise(1);
      expect(await statusOf(channelId)).to.equal('none');
      if (restarts) {
        verifier = await kit.verifier(1, 'verifier');
        await side.stop();
      }
      const refused = await until('it has seen that', async () => {
        const [answer] = await verifier.desk.bills(channelId, [item]).catch((error) => [{ problem: error }]);
        return 'problem' in answer! && answer.problem;
      });
      expect(refused).to.have.property('code', 'channel-unknown');
      const again = restarts ? await kit.requester(channel, name, verifier.desk) : side;
      await expectCode('channel-unknown', again.requester.preserve(item));
      expect(await verifier.desk.channel(channelId)).to.deep.equal(before);

      // As every client does, the transaction is sent again.
      await kit.chain.requester.open(channel);
      await again.requester.preserve(item);
      void again.requester.closeTogether().catch(() => undefined);
      expect(await endOf(kit, channelId)).to.deep.equal({ paid: 3n * price, count: 3 });
      for (const each of ['a', 'b', 'c']) await expectContent(verifier, channelId, `${name} ${each}`);
      await expectProof(kit, await verifier.desk.receipt(channelId, item.digest), `${name} c`);
      await again.stop();
    });
  }

  it('that removes a deposit: no more is confirmed than there is, and the channel ends with that', async () => {
    const channel = await kit.open(1);
    const channelId = kit.idOf(channel);
    const { requester, rpc } = kit.chain;
    // Where the deposit cannot come back by itself.
    const side = await kit.requester(channel, 'deposits', verifier.desk);
    await preserveAll(verifier, channelId, side, ['before the deposit']);
    await requester.deposit(channel, 500n, deposit);
    await until('both know it', () => side.requester.memory.held === deposit + 500n);
    await preserveAll(verifier, channelId, side, ['with the deposit']);
    expect((await verifier.desk.channel(channelId)).held).to.equal(deposit + 500n);
    await reorganise(1);
    expect(await requester.held(channel)).to.equal(deposit);
    const item = await uploaded(verifier, channelId, 'without the deposit');
    await until('it has seen that', async () => {
      const answers = await verifier.desk.bills(channelId, [item]).catch((error: { code: string }) => error.code);
      return answers === 'channel-unknown';
    });
    const end = side.settlement.end(channelId, 'alone');
    await until('it closes', async () => (await statusOf(channelId)) === 'closing');
    await kit.pass(challengeSeconds + 1);
    expect(await end).to.deep.include({ verifierPayout: 2n * price, requesterPayout: deposit - 2n * price });
    expect(await rpc('eth_getBalance', [kit.chain.deployed.network.contract, 'latest'])).to.equal('0x0');
    await side.stop();
  });

  for (const seen of ['as it happens', 'after a start', 'by a look at the channel alone'] as const) {
    it(`that removes a closing, whose side is gone, seen ${seen}: the other one closes`, async () => {
      const channel = await kit.open(1);
      const channelId = kit.idOf(channel);
      const name = `closed twice, seen ${seen}`;
      const side = await kit.requester(channel, 'closes once', verifier.desk);
      await preserveAll(verifier, channelId, side, [name]);
      // Its first look at the channel takes until the closing is there, and it hears of no block until that is gone.
      const [asked, closed, gone] = [signal(), signal(), signal()];
      if (seen === 'by a look at the channel alone') {
        await verifier.stop();
        verifier = await kit.verifier(1, 'verifier', {}, (chain) => ({
          ...chain,
          async status(id) {
            asked.resolve();
            await closed.promise;
            return await chain.status(id);
          },
          async newestBlock() {
            if (asked.isResolved()) await gone.promise;
            return await chain.newestBlock();
          },
        }));
        await asked.promise;
      }
      const closing = side.settlement.end(channelId, 'alone').catch(() => undefined);
      await until('it closes', async () => (await statusOf(channelId)) === 'closing');
      closed.resolve();
      await until('the verifier knows', async () => (await verifier.desk.channel(channelId)).status === 'closing');
      await side.stop();
      await closing;
      if (seen === 'after a start') await verifier.stop();
      await reorganise(1);
      expect(await statusOf(channelId)).to.equal('open');
      gone.resolve();
      if (seen === 'after a start') verifier = await kit.verifier(1, 'verifier');
      await until('the verifier closes', async () => (await statusOf(channelId)) === 'closing');
      await kit.pass(challengeSeconds + 1);
      expect(await endOf(kit, channelId)).to.deep.equal({ paid: price, count: 1 });
      await expectContent(verifier, channelId, name);
    });
  }

  it('that removes a settlement: it is settled again', async () => {
    const channel = await kit.open(1);
    const channelId = kit.idOf(channel);
    const side = await kit.requester(channel, 'settled twice', verifier.desk);
    await preserveAll(verifier, channelId, side, ['settled twice']);
    const end = side.settlement.end(channelId, 'alone');
    await until('it closes', async () => (await statusOf(channelId)) === 'closing');
    await kit.pass(challengeSeconds + 1);
    const before = await end;
    await until('the verifier knows', async () => (await verifier.desk.channel(channelId)).status === 'settled');
    await side.stop();
    await reorganise(1);
    expect(await statusOf(channelId)).to.equal('closing');
    // The verifier leaves the other side time to do it first.
    const after = await until('it is settled', async () => {
      await kit.pass(10);
      return await kit.chain.stranger.settlement(channelId);
    });
    expect(await endOf(kit, channelId)).to.deep.equal({ paid: price, count: 1 });
    expect(after.place.transactionHash).to.not.equal(before.place.transactionHash);
  });
});

/** A promise that somebody else resolves. */
function signal(): { readonly promise: Promise<void>; resolve(): void; isResolved(): boolean } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isDone = false;
  return {
    promise,
    resolve() {
      isDone = true;
      resolve();
    },
    isResolved: () => isDone,
  };
}
