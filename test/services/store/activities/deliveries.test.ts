import { expect } from 'chai';
import type { Ack } from '../../../../services/core/activities/ack.ts';
import { type Address, fromUtf8, type Hash, utf8 } from '../../../../services/core/bytes.ts';
import { onBothDatabases } from '../storePlace.ts';
import { alice, bob, carol, hashOf, messageOf, openAt, outgoingOf, stepOf } from './activityKit.ts';
import { rawTable } from './rawTable.ts';

const [one, two] = [hashOf('one'), hashOf('two')];
const seal = (name: string): Hash => hashOf(`seal ${name}`);
const ackOf = (name: string, stage: Ack['stage']): Ack => ({
  ...{ seal: seal(name), stage, member: bob, time: 1_800_000_000, signature: `0x${'1'.repeat(128)}` },
});

onBothDatabases('what is on its way to members', (place, engine) => {
  it('is there in order until the member has it, and its text until nobody needs it', async () => {
    await using at = await place();
    let store = await openAt(at);
    expect(await store.waiting()).to.deep.equal([]);
    expect(await store.oldestQueued()).to.deep.equal([]);
    await store.save(stepOf(one, 'a', 1000, [bob, carol]));
    await store.save(stepOf(two, 'b', 2000, [bob]));
    await store.save(stepOf(one, 'c', 3000, [bob, carol]));
    await store.close();
    store = await openAt(at);
    const texts = async (member = bob, limit = 9, bytes = 1e6) =>
      (await store.queued(member, limit, bytes)).map(({ item }) => fromUtf8(item));
    expect(await store.waiting()).to.deep.equal([bob, carol]);
    expect(await texts()).to.deep.equal(['text a', 'text b', 'text c']);
    expect(await texts(bob, 2)).to.deep.equal(['text a', 'text b']);
    expect(await texts(bob, 9, 12)).to.deep.equal(['text a', 'text b']);
    expect(await texts(bob, 9, 1)).to.deep.equal(['text a']);
    expect(await texts(carol)).to.deep.equal(['text a', 'text c']);
    expect(await texts(alice)).to.deep.equal([]);
    expect(await store.oldestQueued()).to.deep.equal([
      { member: bob, queuedMs: 1000, count: 3 },
      { member: carol, queuedMs: 1000, count: 2 },
    ]);
    const [first] = await store.queued(bob, 1, 1e6);
    expect(first).to.deep.equal({
      ...{ sealDigest: seal('a'), activity: one, message: messageOf('a').id, member: bob, state: 'queued' },
      ...{ seq: first!.seq, queuedMs: 1000, tries: 0, item: utf8('text a') },
    });
    await store.delivered([
      { sealDigest: seal('a'), member: bob, state: 'delivered', ack: ackOf('a', 'delivered') },
      { sealDigest: seal('b'), member: bob, state: 'refused', problem: { code: 'no', detail: 'because' } },
    ]);
    expect(await texts()).to.deep.equal(['text c']);
    expect(await texts(carol)).to.deep.equal(['text a', 'text c']);
    await store.delivered([{ sealDigest: seal('a'), member: carol, state: 'read' }]);
    await store.delivered([{ sealDigest: seal('c'), member: carol, state: 'read' }]);
    expect(await store.waiting()).to.deep.equal([bob]);
    const states = (await store.deliveries(one)).map(({ member, state, ack, problem }) => [
      ...[member, state, ack?.stage, problem?.code],
    ]);
    expect(states).to.deep.equal([
      [bob, 'delivered', 'delivered', undefined],
      [carol, 'read', undefined, undefined],
      [bob, 'queued', undefined, undefined],
      [carol, 'read', undefined, undefined],
    ]);
    expect((await store.deliveries(two))[0]).to.deep.include({
      state: 'refused',
      problem: { code: 'no', detail: 'because' },
    });
    expect(await store.refused(two, 9)).to.deep.equal([messageOf('b').id]);
    expect(await store.refused(one, 9)).to.deep.equal([]);
    expect(await store.deliveries(one, messageOf('c').id)).to.have.length(2);
    expect(await store.deliveries(two, messageOf('c').id)).to.deep.equal([]);
    const [, after] = await store.deliveries(one);
    const page = await store.deliveries(one, undefined, { after: after!.seq, limit: 1 });
    expect(page.map(({ sealDigest }) => sealDigest)).to.deep.equal([seal('c')]);
    await store.close();
  });

  it('waits for itself where the member cannot take it yet', async () => {
    await using at = await place();
    let store = await openAt(at);
    for (const name of ['a', 'b', 'c']) await store.save(stepOf(one, name, 1000, [bob, carol]));
    const texts = async (nowMs?: number, longestMs = 1e6) =>
      (await store.queued(bob, 2, 1e6, nowMs === undefined ? undefined : { nowMs, longestMs })).map(({ item }) =>
        fromUtf8(item),
      );
    const problem = { code: 'internal', detail: '' };
    const later = (name: string, nextMs: number) => ({
      ...{ sealDigest: seal(name), member: bob, state: 'queued' as const, problem, nextMs },
    });
    expect(await store.nextTry(bob)).to.equal(0);
    await store.delivered([later('a', 5000), later('b', 7000)]);
    await store.delivered([later('b', 9000)]);
    await store.close();
    store = await openAt(at);
    expect(await texts(4999)).to.deep.equal(['text c']);
    expect(await texts(5000)).to.deep.equal(['text a', 'text c']);
    // The clock was set back: no pause is so long.
    expect(await texts(0, 4000)).to.deep.equal(['text a', 'text b']);
    expect(await texts(0, 5000)).to.deep.equal(['text b', 'text c']);
    expect(await texts()).to.deep.equal(['text a', 'text b']);
    expect((await store.deliveries(one)).map(({ tries }) => tries)).to.deep.equal([1, 0, 2, 0, 0, 0]);
    await store.delivered([{ sealDigest: seal('c'), member: bob, state: 'read' }]);
    expect(await store.nextTry(bob)).to.equal(5000);
    await store.endPauses(bob);
    expect(await texts(0)).to.deep.equal(['text a', 'text b']);
    await store.delivered(['a', 'b'].map((name) => ({ sealDigest: seal(name), member: bob, state: 'read' as const })));
    expect(await store.nextTry(bob)).to.equal(undefined);
    expect(await store.nextTry(carol)).to.equal(0);
    await store.close();
  });

  it('goes forward only, and keeps the last word of the member', async () => {
    await using at = await place();
    const store = await openAt(at);
    await store.save(stepOf(one, 'a', 1000, [bob]));
    const note = { sealDigest: seal('a'), member: bob } as const;
    const now = async () => {
      const [only] = await store.deliveries(one);
      return [only!.state, only!.ack?.stage, only!.problem?.code];
    };
    await store.delivered([{ ...note, state: 'queued', problem: { code: 'peer-unreachable', detail: '' } }]);
    expect(await now()).to.deep.equal(['queued', undefined, 'peer-unreachable']);
    await store.delivered([{ ...note, state: 'read', ack: ackOf('a', 'read') }]);
    expect(await now()).to.deep.equal(['read', 'read', undefined]);
    for (const state of ['queued', 'delivered', 'refused'] as const) {
      await store.delivered([{ ...note, state, ack: ackOf('a', 'delivered'), problem: { code: 'x', detail: '' } }]);
      expect(await now()).to.deep.equal(['read', 'read', undefined]);
    }
    await store.delivered([]);
    await store.delivered([{ ...note, member: carol, state: 'read' }]);
    expect(await store.deliveries(one)).to.have.length(1);
    await store.close();
  });

  it('keeps what another node says of a problem, whatever it is', async () => {
    await using at = await place();
    const store = await openAt(at);
    await store.save(stepOf(one, 'a', 1000, [bob]));
    const detail = `nul \0 half \ud800 ${'x'.repeat(5000)}`;
    await store.delivered([{ sealDigest: seal('a'), member: bob, state: 'queued', problem: { code: 'x', detail } }]);
    const [only] = await store.deliveries(one);
    expect(only!.problem!.detail).to.equal(`nul  half \ufffd ${'x'.repeat(5000)}`.slice(0, 999));
    await store.close();
  });

  it('goes in another text when the member has another key', async () => {
    await using at = await place();
    const store = await openAt(at);
    await store.save(stepOf(one, 'a', 1000, [bob, carol]));
    await store.save(stepOf(one, 'b', 2000, [bob]));
    const texts = async (member = bob) => (await store.queued(member, 9, 1e6)).map(({ item }) => fromUtf8(item));
    // A copy has the seal of its original, but not its text.
    await store.replaceQueued(bob, seal('a'), outgoingOf(one, 'a', [], 'a for the new key'));
    expect(await texts()).to.deep.equal(['a for the new key', 'text b']);
    expect(await texts(carol)).to.deep.equal(['text a']);
    await store.replaceQueued(bob, seal('a'), { ...outgoingOf(one, 'a', [], 'again'), sealDigest: seal('a2') });
    expect(await texts()).to.deep.equal(['again', 'text b']);
    expect((await store.deliveries(one, messageOf('a').id)).map(({ sealDigest }) => sealDigest)).to.deep.equal([
      seal('a2'),
      seal('a'),
    ]);
    // With that seal it is on its way already.
    await store.replaceQueued(bob, seal('a2'), { ...outgoingOf(one, 'b', [], 'more'), sealDigest: seal('b') });
    expect(await texts()).to.deep.equal(['text b']);
    // Nothing is queued with that seal.
    await store.replaceQueued(bob, seal('a'), outgoingOf(one, 'a', [], 'lost'));
    expect(await texts()).to.deep.equal(['text b']);
    expect(await texts(carol)).to.deep.equal(['text a']);
    await store.close();
  });

  it('goes as a copy to one that joined, beside the original that others wait for', async () => {
    await using at = await place();
    const store = await openAt(at);
    await store.save(stepOf(one, 'a', 1000, [bob]));
    await store.save({ activity: one, nowMs: 2000, outgoing: [outgoingOf(one, 'a', [carol], 'copy for carol')] });
    expect(fromUtf8((await store.queued(bob, 9, 1e6))[0]!.item)).to.equal('text a');
    expect(fromUtf8((await store.queued(carol, 9, 1e6))[0]!.item)).to.equal('copy for carol');
    await store.close();
  });

  it('drops each text once, also when two processes note the last deliveries at the same time', async () => {
    await using at = await place();
    const left = await openAt(at);
    // A SQLite file is for one process.
    const right = engine === 'postgres' ? await openAt(at) : left;
    const names = Array.from({ length: 60 }, (_, index) => `m ${index}`);
    for (const name of names) await left.save(stepOf(one, name, 1000, [bob, carol]));
    expect(await rawTable(at, 'activity_texts')).to.have.length(60);
    const note = (store: typeof left, member: Address) => async (name: string) =>
      store.delivered([{ sealDigest: seal(name), member, state: 'read' }]);
    for (const name of names) await Promise.all([note(left, bob)(name), note(right, carol)(name)]);
    expect(await rawTable(at, 'activity_texts')).to.deep.equal([]);
    expect(await left.waiting()).to.deep.equal([]);
    // A step that is saved again brings no text back.
    await right.save(stepOf(one, 'm 0', 2000, [bob, carol]));
    expect(await rawTable(at, 'activity_texts')).to.deep.equal([]);
    await left.close();
    if (right !== left) await right.close();
  });
});
