import { expect } from 'chai';
import { signRefusal } from '../../../services/core/acceptance.ts';
import { toHex } from '../../../services/core/bytes.ts';
import { parseNetworkName } from '../../../services/core/eip712.ts';
import type { Store } from '../../../services/store/Store.ts';
import { randomSigner } from '../../support/recordKit.ts';
import { alice, bob, heir, logAll, network, row, rows, zero } from './storeKit.ts';
import { onBothDatabases, type StorePlace } from './storePlace.ts';

const refusal = (id: Uint8Array) =>
  signRefusal(
    parseNetworkName(network)!,
    { recordId: toHex(id), reason: 'record-expired', winner: zero, slot: 7 },
    randomSigner(),
  );

onBothDatabases('store admit', (newPlace) => {
  let place: StorePlace;
  let store: Store;
  beforeEach(async () => {
    place = await newPlace();
    store = await place.open();
  });
  afterEach(() => place[Symbol.asyncDispose]());

  const statuses = async (...all: Parameters<Store['admit']>[0]) =>
    (await store.admit(all)).map(({ status }) => status);

  it('accepts new rows in order, and counts them', async () => {
    const all = rows(3);
    expect(await store.admit(all)).to.deep.equal([1, 2, 3].map((seq) => ({ status: 'accepted', seq })));
    const bytes = all.reduce((sum, { entry }) => sum + entry.length, 0);
    expect(await store.poolStatus()).to.deep.equal({ count: 3, bytes, oldestAcceptedAt: 1_763_000_000, lastSeq: 3 });
    expect(await store.admit([])).to.deep.equal([]);
  });

  it('answers the first promise to the same record again, in the array and later', async () => {
    const first = row('one');
    const again = { ...first, acceptedAt: 5, includeBySlot: 6, acceptance: new Uint8Array(65).fill(9) };
    const pooled = { status: 'pooled', acceptedAt: first.acceptedAt, includeBySlot: first.includeBySlot };
    const [one, two] = await store.admit([first, again]);
    expect(one).to.deep.equal({ status: 'accepted', seq: 1 });
    expect(two).to.deep.include(pooled);
    const [three] = await store.admit([again]);
    expect(three).to.deep.include(pooled);
    if (three?.status !== 'pooled') throw new Error('unreachable');
    expect(toHex(three.acceptance)).to.equal(toHex(first.acceptance));
    expect((await store.poolStatus()).count).to.equal(1);
  });

  it('tells records apart that share the first 52 bits of their ids', async () => {
    const [a, b] = [row('a'), row('b')];
    const twin = { ...b, id: Uint8Array.from([...a.id.subarray(0, 8), ...b.id.subarray(8)]) };
    expect(await statuses(a, twin)).to.deep.equal(['accepted', 'accepted']);
    expect(await statuses(twin, a)).to.deep.equal(['pooled', 'pooled']);
    const found = await store.findRecord(twin.id);
    expect(found?.where === 'pool' && toHex(found.entry)).to.equal(toHex(twin.entry));
  });

  it('finds a record that is in the log already', async () => {
    const all = rows(300);
    await logAll(store, all);
    expect(await store.admit([all[299]!, row('new'), all[0]!])).to.deep.equal([
      { status: 'logged', leafIndex: 299 },
      { status: 'accepted', seq: 301 },
      { status: 'logged', leafIndex: 0 },
    ]);
  });

  it('answers the refusal to a record that was refused before', async () => {
    const one = row('one');
    await store.admit([one, row('two')]);
    const signed = await refusal(one.id);
    await store.refuse([{ id: one.id, refusal: signed }]);
    expect(await store.admit([one])).to.deep.equal([{ status: 'refused', refusal: signed }]);
    expect((await store.poolStatus()).count).to.equal(1);
    const found = await store.findRecord(one.id);
    expect(found).to.deep.include({ where: 'refused', refusal: signed });
    await store.refuse([{ id: one.id, refusal: signed }]);
    expect((await store.poolStatus()).count).to.equal(1);
  });

  it('lets the holder alone supersede, once', async () => {
    const title = row('title');
    const given = row('given', { holder: bob });
    await logAll(store, [title]);
    await store.admit([given]);
    expect(await store.admit([heir('theft', title, { submitter: bob })])).to.deep.equal([
      { status: 'holder-mismatch', holder: title.holder },
    ]);
    expect(await statuses(heir('mine no more', given), heir('taken', given, { submitter: bob }))).to.deep.equal([
      'holder-mismatch',
      'accepted',
    ]);
    const winner = heir('first', title);
    const rival = heir('second', title);
    const [one, two] = await store.admit([winner, rival]);
    expect(one).to.deep.include({ status: 'accepted' });
    expect(two?.status === 'rival' && toHex(two.winner)).to.equal(toHex(winner.id));
    const [later] = await store.admit([rival]);
    expect(later?.status === 'rival' && toHex(later.winner)).to.equal(toHex(winner.id));
    expect(toHex((await store.successorOf(title.id))!)).to.equal(toHex(winner.id));
    expect(await store.successorOf(winner.id)).to.equal(undefined);
  });

  it('knows a predecessor that comes earlier in the same array, and none that comes later or never', async () => {
    const [a, b] = [row('a'), row('b')];
    expect(await statuses(a, heir('a2', a), heir('b2', b), b, heir('x2', row('x')))).to.deep.equal([
      'accepted',
      'accepted',
      'predecessor-unknown',
      'accepted',
      'predecessor-unknown',
    ]);
  });

  it('frees the predecessor when its successor is refused', async () => {
    const title = row('title');
    const first = heir('first', title);
    await store.admit([title, first]);
    await store.refuse([{ id: first.id, refusal: await refusal(first.id) }]);
    expect(await statuses(heir('second', title))).to.deep.equal(['accepted']);
  });

  it('takes many calls at once, each id once', async () => {
    const all = rows(400, 'many', { submitter: alice });
    const calls = Array.from({ length: 8 }, (_, call) => store.admit(all.slice(call * 40, call * 40 + 120)));
    const outcomes = (await Promise.all(calls)).flat();
    const seqs = outcomes.flatMap((outcome) => (outcome.status === 'accepted' ? [outcome.seq] : []));
    expect(seqs.toSorted((a, b) => a - b)).to.deep.equal(Array.from({ length: 400 }, (_, index) => index + 1));
    expect(outcomes.filter(({ status }) => status === 'pooled')).to.have.length(8 * 120 - 400);
  });

  it('keeps everything over a restart', async () => {
    const all = rows(10);
    await store.admit(all);
    await store.close();
    store = await place.open();
    expect((await store.poolStatus()).count).to.equal(10);
    expect((await store.admit(all)).every(({ status }) => status === 'pooled')).to.equal(true);
    expect(await store.admit([row('next')])).to.deep.equal([{ status: 'accepted', seq: 11 }]);
  });
});
