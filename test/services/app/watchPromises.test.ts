import { expect } from 'chai';
import type { CentreParts } from '../../../services/app/CentreParts.ts';
import { Problems } from '../../../services/app/Problems.ts';
import { watchPromises } from '../../../services/app/watchPromises.ts';
import { toHex } from '../../../services/core/bytes.ts';
import { systemClock } from '../../../services/lib/clock.ts';
import { silentLogger } from '../../../services/lib/logger.ts';
import { anchorNext, row, rows } from '../store/storeKit.ts';
import { onBothDatabases } from '../store/storePlace.ts';

onBothDatabases('promises', (newPlace) => {
  it('that are broken are a problem and one alert, until their records are in a block', async () => {
    await using place = await newPlace();
    const store = await place.open();
    const problems = new Problems();
    const told: (readonly Uint8Array[])[] = [];
    const replication = { broadcast: (entries: readonly Uint8Array[]) => void told.push(entries) };
    const parts = { store, problems, clock: systemClock, logger: silentLogger, replication } as unknown as CentreParts;
    const others = { ...row('of another centre'), acceptance: new Uint8Array(0) };
    const mine = rows(20);
    const { includeBySlot } = mine[0]!;
    await store.admit([others, ...mine]);
    await watchPromises(parts, includeBySlot);
    expect(problems.list()).to.deep.equal([]);
    await watchPromises(parts, includeBySlot + 1);
    await watchPromises(parts, includeBySlot + 2);
    expect(problems.list()).to.deep.equal([{ code: 'promise-broken', detail: '20 records wait beyond their slot' }]);
    expect(told).to.deep.equal([mine.map(({ entry }) => entry)]);
    const alerts = await store.eventsAfter(0, 10);
    expect(alerts.map(({ type, data }) => ({ type, ...data }))).to.deep.equal([
      {
        type: 'alert',
        code: 'promise-broken',
        slot: includeBySlot + 1,
        count: 20,
        recordIds: mine.slice(0, 16).map(({ id }) => toHex(id)),
      },
    ]);
    await anchorNext(store, 100);
    await watchPromises(parts, includeBySlot + 3);
    expect(problems.list()).to.deep.equal([]);
  });
});
