import { expect } from 'chai';
import type { CentreParts } from '../../../services/app/CentreParts.ts';
import { cutPool } from '../../../services/app/cutPool.ts';
import { createMetrics } from '../../../services/app/metrics.ts';
import { toHex } from '../../../services/core/bytes.ts';
import { parseNetworkName } from '../../../services/core/eip712.ts';
import { systemClock } from '../../../services/lib/clock.ts';
import type { Store } from '../../../services/store/Store.ts';
import type { Lease } from '../../../services/store/WriteOptions.ts';
import { randomSigner } from '../../support/recordKit.ts';
import { heir, logAll, network, row, rows } from '../store/storeKit.ts';
import { onBothDatabases, type StorePlace } from '../store/storePlace.ts';

const endMs = Date.parse('2026-11-21T02:00:00.000Z');
const expires = '2026-11-21T02:00:00.000Z';

onBothDatabases('cut of the pool', (newPlace) => {
  let place: StorePlace;
  let store: Store;
  let lease: Lease;
  const calls: string[] = [];
  beforeEach(async () => {
    place = await newPlace();
    store = await place.open();
    lease = (await store.acquireLease('publisher', 'test', 60_000))!;
    calls.length = 0;
  });
  afterEach(() => place[Symbol.asyncDispose]());

  /** Cuts for the slot that begins when `expires` is over. */
  const cut = (periodSeconds = 10, limit = 10_000) => {
    const counting: Store = {
      ...store,
      findRecord: (id) => {
        calls.push('findRecord');
        return store.findRecord(id);
      },
      areLogged: (ids) => {
        calls.push(`areLogged ${ids.length}`);
        return store.areLogged(ids);
      },
      refuse: (items, options) => {
        calls.push(`refuse ${items.length}`);
        return store.refuse(items, options);
      },
    };
    const parts = {
      ...{ store: counting, network: parseNetworkName(network), signer: randomSigner(), clock: systemClock },
      ...{ metrics: createMetrics(), periodSeconds },
    };
    return cutPool(parts as unknown as CentreParts, endMs / 1000 / periodSeconds, lease, limit);
  };

  it('asks once where all predecessors are', async () => {
    const logged = rows(600, 'logged');
    await logAll(store, logged);
    const heirs = logged.map((of, index) => heir(`heir ${index}`, of));
    await store.admit(heirs);
    const { ids } = await cut();
    expect(toHex(ids)).to.equal(toHex(Buffer.concat(heirs.map(({ id }) => id))));
    expect(calls).to.deep.equal(['areLogged 600']);
  });

  it('refuses whatever supersedes a record that will not be in the log, and its heirs', async () => {
    const [good, late] = [row('good'), row('late', { expires })];
    const [first, second] = [heir('first', late), heir('of good', good)];
    await store.admit([good, late, first, second, heir('of first', first)]);
    const { ids } = await cut();
    expect(toHex(ids)).to.equal(toHex(Buffer.concat([good.id, second.id])));
    const reasons = [];
    for (const record of [late, first, heir('of first', first)]) {
      const found = await store.findRecord(record.id);
      reasons.push(found?.where === 'refused' && found.refusal.reason);
    }
    expect(reasons).to.deep.equal(['record-expired', 'record-predecessor-unknown', 'record-predecessor-unknown']);
    // What they would have superseded is free again.
    expect(await store.successorOf(late.id)).to.equal(undefined);
  });

  it('refuses in pieces, and leaves to the next slot what would take too long', async () => {
    const front = rows(3, 'front');
    const behind = rows(2, 'behind');
    await store.admit([...front, ...rows(1_200, 'late', { expires }), ...behind]);
    // A quarter of a millisecond is over after one piece.
    expect(toHex((await cut(0.001)).ids)).to.equal(toHex(Buffer.concat(front.map(({ id }) => id))));
    expect(calls).to.deep.equal(['refuse 500']);
    expect((await store.poolStatus()).count).to.equal(705);
    await cut(0.001);
    const { ids } = await cut(0.001);
    expect(toHex(ids)).to.equal(toHex(Buffer.concat([...front, ...behind].map(({ id }) => id))));
    const pool = [...front, ...behind];
    expect(await store.poolStatus()).to.include({
      count: pool.length,
      bytes: pool.reduce((sum, { entry }) => sum + entry.length, 0),
    });
    const events = await store.eventsAfter(0, 10);
    expect(events.map(({ data }) => data.count)).to.deep.equal([500, 500, 200]);
  });

  it('may come to nothing in a slot, and goes on in the next one', async () => {
    await store.admit(rows(700, 'late', { expires }));
    expect((await cut(0.001)).count).to.equal(0);
    expect((await cut(0.001)).count).to.equal(0);
    expect((await store.poolStatus()).count).to.equal(0);
  });
});
