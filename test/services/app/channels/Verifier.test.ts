import { expect } from 'chai';
import type { ChannelFacts } from '../../../../services/app/channels/ChannelFacts.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import { maxOffered } from '../../../../services/core/channels/verifierExchange.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import type { ChannelChange } from '../../../../services/store/channels/ChannelStore.ts';
import { openChannelStore } from '../../../../services/store/channels/openChannelStore.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { until } from '../../../support/until.ts';
import { alice, hashOf, parties } from '../../core/channels/channelKit.ts';
import { declare } from '../../store/channels/vaultKit.ts';
import { deskVerifier } from './deskVerifier.ts';
import {
  itemOf,
  memoryChain,
  memoryEvidence,
  memoryStates,
  newRequester,
  newVerifier,
  throughWire,
  verifierParts,
} from './exchangeKit.ts';

const held = 1_000_000n;
const { channelId } = parties(1n, held).verifier;

/** A clock that stands, and a chain that has the same time. */
function standing(nowMs = Date.now()) {
  const clock = { at: nowMs, nowMs: () => clock.at, sleep: async () => undefined };
  const chain: ChannelFacts = { ...memoryChain(held), timestamp: async () => Math.floor(clock.at / 1000) };
  return { clock, chain };
}

async function place() {
  const folder = await temporaryFolder();
  return {
    open: (who: string) => openChannelStore({ dataDir: `${folder.path}/${who}`, logger: silentLogger }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe('Verifier', () => {
  it('takes on the channels that the chain has and its terms allow', async () => {
    await using at = await place();
    const store = await at.open('verifier');
    const strict = verifierParts(store).settings;
    const refuse = () => {
      throw new NotariumError('channel-invalid', 'too small');
    };
    await expectCode('channel-unknown', newVerifier(store).channel(hashOf('x')));
    const settings = { ...strict, checkTerms: refuse };
    await expectCode('channel-invalid', newVerifier(store, { settings }).channel(channelId));
    const other = parties(2n, held).verifier.channel;
    const chain = { ...memoryChain(held), opening: async () => ({ channel: other, held }) };
    await expectCode('channel-invalid', newVerifier(store, { chain }).channel(channelId));
    expect(await store.channel(channelId)).to.equal(undefined);
    expect((await newVerifier(store).channel(channelId)).held).to.equal(held);
    await store.close();
  });

  it('takes in nothing that the requester cannot pay with what is free', async () => {
    await using folder = await temporaryFolder();
    const chain = { ...memoryChain(held), heldNow: 25n };
    const { desk, verifier, close } = await deskVerifier(folder.path, undefined, {}, { chain });
    const by = { channelId, requester: alice.address };
    const uploaded = async (text: string) => {
      const declared = declare(Buffer.from(text));
      const { id } = await desk.uploads.create(channelId, declared);
      await desk.uploads.append(channelId, id, 0, [Buffer.from(text)]);
      return { uploads: [id], digest: declared.digest, count: 1 };
    };
    const [a, b, c] = [await uploaded('a'), await uploaded('b'), await uploaded('c')];
    const codes = async (...requests: (typeof a)[]) =>
      (await verifier.bills(channelId, requests)).map((answer) => ('problem' in answer ? answer.problem.code : 'bill'));
    const isTaken = ({ uploads: [id] }: typeof a) => desk.uploads.find(channelId, id!).info.taken === true;
    expect(await codes(a, b, c)).to.deep.equal(['bill', 'bill', 'channel-balance-short']);
    expect([a, b, c].map(isTaken)).to.deep.equal([true, true, false]);
    // An answer that was lost does not count twice, and a deposit counts at once.
    expect(await codes(b, c)).to.deep.equal(['bill', 'channel-balance-short']);
    chain.heldNow = 30n;
    expect(await codes(c)).to.deep.equal(['bill']);
    expect(await desk.judge({ ...c, upload: c.uploads[0]! }, by)).to.include({ digest: c.digest });
    await verifier.stop();
    await close();
  });

  it('keeps nothing of bills that nobody has paid and others have taken the place of', async () => {
    await using at = await place();
    const store = await at.open('verifier');
    const verifier = newVerifier(store);
    const ask = async (from: number): Promise<Hash[]> => {
      const items = Array.from({ length: 64 }, (_, index) => itemOf([`item ${from + index}`]));
      const answers = await verifier.bills(channelId, items);
      return answers.map((answer) => ('signed' in answer && answer.signed.bill.id) as Hash);
    };
    const first = await ask(0);
    for (let more = 1; more < 6; more++) await ask(64 * more);
    const last = await ask(64 * 6);
    const kept = async () => await store.openBills(channelId);
    expect(await kept()).to.have.length(maxOffered);
    expect(await store.knownBills(channelId, first)).to.deep.equal([]);
    await verifier.cancelBill(channelId, last[0]!);
    expect(await kept()).to.have.length(maxOffered - 1);
    // A new process has the same ones.
    await verifier.stop();
    const { memory } = await newVerifier(store).look(channelId);
    expect([...memory.offered.keys()]).to.have.members((await kept()).map(({ signed }) => signed.bill.id));
    expect(memory.offered.has(last[1]!)).to.equal(true);
    await store.close();
  });

  it('has one open bill for what was uploaded once, and lets the requester withdraw it', async () => {
    await using at = await place();
    const [mine, theirs] = [await at.open('requester'), await at.open('verifier')];
    const { clock, chain } = standing();
    const verifier = newVerifier(theirs, { clock, chain });
    const { uploads, digest, count } = itemOf(['a']);
    const ask = async (number: number) => {
      const answers = await verifier.bills(channelId, Array(number).fill({ uploads, digest, count }));
      return answers.map((answer) => ('signed' in answer ? answer.signed.bill : undefined)!);
    };
    const [first] = await ask(1);
    expect(await ask(3)).to.deep.equal([first, first, first]);
    // One that could hardly be paid any more is replaced.
    clock.at += 1800 * 1000;
    const [second] = await ask(1);
    expect(second!.id).to.not.equal(first!.id);
    expect((await theirs.billsOf(channelId, digest)).map(({ signed }) => signed.bill.id)).to.deep.equal([second!.id]);
    await verifier.withdraw(channelId, second!.id);
    await verifier.withdraw(channelId, second!.id);
    expect(await theirs.billsOf(channelId, digest)).to.deep.equal([]);
    // What a requester does not take it withdraws; what is locked it cannot.
    const requester = await newRequester(mine, throughWire(verifier));
    await expectCode('bill-mismatch', requester.preserve(itemOf(['dear'], 9n)));
    await until('it is withdrawn', async () => (await theirs.openBills(channelId)).length === 0);
    const paid = await requester.preserve(itemOf(['b']));
    await verifier.withdraw(channelId, paid.signed.bill.id);
    expect((await verifier.channel(channelId)).latest?.state.evidenceCount).to.equal(1);
    await requester.stop();
    await verifier.stop();
    await Promise.all([mine.close(), theirs.close()]);
  });

  it('asks the chain again where the deposit is in doubt once more while it asks', async () => {
    await using at = await place();
    const store = await at.open('verifier');
    const chain = memoryChain(held);
    let asked = 0;
    const verifier = newVerifier(store, {
      chain: {
        ...chain,
        async opening(id) {
          const opened = await chain.opening(id);
          // Another reorganisation, after the chain has answered.
          if (++asked === 2) verifier.doubt(id);
          return opened;
        },
      },
    });
    const ask = () => verifier.bills(channelId, [itemOf(['refused'])]);
    await ask();
    expect(asked).to.equal(1);
    verifier.doubt(channelId);
    await ask();
    expect(asked).to.equal(2);
    await ask();
    expect(asked).to.equal(3);
    await ask();
    expect(asked).to.equal(3);
    await verifier.stop();
    await store.close();
  });

  it('answers for no state that is not kept apart, also where that has failed once', async () => {
    await using at = await place();
    const [mine, theirs] = [await at.open('requester'), await at.open('verifier')];
    const states = memoryStates();
    let failures = 1;
    const verifier = newVerifier(theirs, {
      states: {
        ...states,
        async save(all) {
          if (failures-- > 0) throw new NotariumError('storage-full');
          await states.save(all);
        },
      },
    });
    const refused: boolean[] = [];
    const wire = throughWire(verifier);
    const api: typeof wire = {
      ...wire,
      async update(update) {
        try {
          const answer = await wire.update(update);
          // Whatever has left is there.
          expect((await states.newest(channelId))?.latest?.state.version).to.equal(update.version);
          refused.push(false);
          return answer;
        } catch (error) {
          refused.push(true);
          throw error;
        }
      },
    };
    const requester = await newRequester(mine, api);
    await requester.preserve(itemOf(['a']));
    expect(refused).to.deep.equal([true, false, false]);
    await requester.stop();
    await verifier.stop();
    await Promise.all([mine.close(), theirs.close()]);
  });

  it('makes keys public in time, and closes alone', async () => {
    await using at = await place();
    const [mine, theirs] = [await at.open('requester'), await at.open('verifier')];
    const { clock, chain } = standing();
    const touched: string[] = [];
    const parts = { clock, chain, touch: (id: string) => touched.push(id) };
    let verifier = newVerifier(theirs, parts);
    // The answer that confirms the lock is lost, and the requester with it.
    let isLost = false;
    const api = throughWire(verifier, (call, when) => {
      isLost ||= call === 'update' && when === 'after';
      if (isLost) throw new Error('lost');
    });
    const requester = await newRequester(mine, api, { clock: { ...clock, sleep: () => new Promise(() => undefined) } });
    void requester.preserve(itemOf(['a'])).catch(() => undefined);
    await until('a lock', async () => (await verifier.channel(channelId)).locks.length === 1);
    await verifier.runDuties();
    expect((await verifier.channel(channelId)).status).to.equal('open');
    await verifier.stop();
    verifier = newVerifier(theirs, parts);
    clock.at += (3600 - 60) * 1000;
    await verifier.runDuties();
    expect((await verifier.channel(channelId)).status).to.equal('leaving');
    expect(touched.length).to.be.greaterThan(0);
    const { memory } = await verifier.look(channelId);
    const [lock] = memory.ledger.locks;
    const revealed = { kind: 'revealed', keyHash: lock!.keyHash, key: hashOf('key'), at: 5 } as const;
    await verifier.onChain(revealed);
    await verifier.onChain({ kind: 'closing', channelId, version: 1, deadline: 9 });
    await verifier.onChain({ kind: 'settled', channelId: hashOf('not ours'), evidenceCount: 0 });
    // All of it is on disk.
    const again = await newVerifier(theirs, parts).look(channelId);
    expect(again.memory).to.deep.equal((await verifier.look(channelId)).memory);
    expect(again.memory.state).to.equal('closing');
    expect(again.memory.locked.get(lock!.billId)?.revealedAt).to.equal(5);
    await Promise.all([mine.close(), theirs.close()]);
  });

  it('releases the evidence that was not paid for', async () => {
    await using at = await place();
    const [mine, theirs] = [await at.open('requester'), await at.open('verifier')];
    const evidence = memoryEvidence();
    const verifier = newVerifier(theirs, { evidence });
    const wire = throughWire(verifier);
    const api: typeof wire = {
      ...wire,
      update: async (update) => ({ ...(await wire.update(update)), disclosures: [] }),
      channel: async (id) => ({ ...(await wire.channel(id)), disclosures: [] }),
    };
    const requester = await newRequester(mine, api);
    const failed = expectCode('bill-expired', requester.preserve(itemOf(['a'])));
    const { bill } = await until('a lock', () => requester.memory.ledger.locks.length === 1).then(
      async () => (await verifier.channel(channelId)).locks[0]!,
    );
    await verifier.statementsWritten(channelId);
    expect([...evidence.kept]).to.deep.equal([[bill.digest, ['verifier']]]);
    await verifier.cancelBill(channelId, bill.id);
    await requester.runDuties();
    await failed;
    await requester.stop();
    await verifier.stop();
    expect(evidence.kept.size).to.equal(0);
    await Promise.all([mine.close(), theirs.close()]);
  });

  it('does no work for a channel before it is asked for', async () => {
    await using at = await place();
    const store = await at.open('verifier');
    const { channel } = parties(1n, held).verifier;
    await newVerifier(store).channel(channelId);
    const { memory } = (await store.channel(channelId))!;
    const changes = Array.from({ length: 1000 }, (_, index): ChannelChange => {
      const id = hashOf(`channel ${index}`);
      return { channelId: id, channel: { channelId: id, role: 'verifier', channel, state: 'open', memory } };
    });
    await store.save(changes);
    let reads = 0;
    const counted = {
      ...store,
      channel: (id: typeof channelId) => {
        reads++;
        return store.channel(id);
      },
    };
    const verifier = newVerifier(counted);
    await verifier.runDuties();
    expect(reads).to.equal(0);
    expect((await verifier.channel(hashOf('channel 7'))).status).to.equal('open');
    expect(reads).to.equal(1);
    await store.close();
  });
});
