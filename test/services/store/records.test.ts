import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { toHex } from '../../../services/core/bytes.ts';
import type { Store } from '../../../services/store/Store.ts';
import { expectCode } from '../../support/expectCode.ts';
import { instance, row } from './storeKit.ts';
import { onBothDatabases, type StorePlace } from './storePlace.ts';

onBothDatabases('store of a centre', (newPlace) => {
  let place: StorePlace;
  let store: Store;
  let nowMs = 1000;
  beforeEach(async () => {
    nowMs = 1000;
    place = await newPlace();
    store = await place.open({ clock: { nowMs: () => nowMs, sleep: async () => {} } });
  });
  afterEach(() => place[Symbol.asyncDispose]());

  it('numbers events without gaps, also when transactions fail or come at once', async () => {
    const event = (n: number) => ({ type: 'alert', time: '2026-11-21T01:30:00.000Z', data: { n } });
    await Promise.all([1, 2, 3].map((n) => store.appendEvent(event(n))));
    await expectCode('block-not-found', store.updateBlock(9, { state: 'submitted' }, { event: event(9) }));
    expect(await store.appendEvent(event(4))).to.equal(4);
    expect(await store.lastEventSeq()).to.equal(4);
    expect((await store.eventsAfter(1, 2)).map(({ seq }) => seq)).to.deep.equal([2, 3]);
    expect((await store.eventsAfter(3, 10))[0]?.data).to.deep.equal({ n: 4 });
  });

  it('keeps API keys by the hash of their secret', async () => {
    const hash = createHash('sha256').update('secret').digest();
    const key = {
      id: 'k1',
      hash: new Uint8Array(hash),
      name: 'sensor',
      scopes: ['submit'],
      createdAt: '2026-11-21T01:30:00.000Z',
    };
    await store.createKey(key);
    expect((await store.findKeyByHash(hash))?.name).to.equal('sensor');
    expect(await store.findKeyByHash(new Uint8Array(32))).to.equal(undefined);
    expect(await store.revokeKey('k1', 'first')).to.equal(true);
    expect(await store.revokeKey('k1', 'second')).to.equal(true);
    expect(await store.revokeKey('none', 'first')).to.equal(false);
    expect((await store.listKeys()).map(({ id, scopes, revokedAt }) => ({ id, scopes, revokedAt }))).to.deep.equal([
      { id: 'k1', scopes: ['submit'], revokedAt: 'first' },
    ]);
  });

  it('gives a lease to one owner at a time, and a higher token to each', async () => {
    const first = (await store.acquireLease('sealer', 'a', 100))!;
    expect(await store.acquireLease('sealer', 'b', 100)).to.equal(undefined);
    nowMs += 50;
    expect((await store.renewLease(first, 100))?.expiresMs).to.equal(1150);
    nowMs += 101;
    const second = (await store.acquireLease('sealer', 'b', 100))!;
    expect(second.token).to.be.greaterThan(first.token);
    expect(await store.renewLease(first, 100)).to.equal(undefined);
    await expectCode('storage-failed', store.voidBlock(1, { lease: first }));
    await store.voidBlock(1, { lease: second });
    await store.releaseLease(first);
    expect(await store.acquireLease('sealer', 'a', 100)).to.equal(undefined);
    await store.releaseLease(second);
    expect((await store.acquireLease('sealer', 'a', 100))?.token).to.be.greaterThan(second.token);
  });

  it('keeps notes of its own', async () => {
    expect(await store.getMeta('x')).to.equal(undefined);
    await store.setMeta('x', '1');
    await store.setMeta('x', '2');
    expect(await store.getMeta('x')).to.equal('2');
  });

  it('belongs to one network and one instance of it', async () => {
    await store.close();
    const other = await expectCode('store-network-mismatch', place.open({ network: 'eip155:1:0x00' }));
    expect(other.data).to.include({ name: 'network' });
    const reset = await expectCode('store-network-mismatch', place.open({ instance: `0x${'cd'.repeat(32)}` }));
    expect(reset.data).to.deep.equal({ name: 'instance', have: instance, want: `0x${'cd'.repeat(32)}` });
    store = await place.open();
    expect(await store.admit([row('still mine')])).to.have.length(1);
  });

  it('keeps evidence by its digest', async () => {
    const content = randomBytes(300_000);
    const digest = new Uint8Array(createHash('sha256').update(content).digest());
    expect(await store.evidence.has(digest)).to.equal(false);
    expect(await store.evidence.get(digest)).to.equal(undefined);
    for (const _ of [1, 2]) {
      const put = await store.evidence.put(Readable.from([content.subarray(0, 1000), content.subarray(1000)]));
      expect(toHex(put.digest)).to.equal(toHex(digest));
      expect(put.sizeBytes).to.equal(300_000);
    }
    const back = await buffer((await store.evidence.get(digest))!);
    expect(back.equals(content)).to.equal(true);
    const empty = await store.evidence.put(Readable.from([]));
    expect(empty.sizeBytes).to.equal(0);
    expect((await buffer((await store.evidence.get(empty.digest))!)).length).to.equal(0);
  });
});
