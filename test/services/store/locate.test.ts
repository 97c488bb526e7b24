import { join } from 'node:path';
import { expect } from 'chai';
import { toHex } from '../../../services/core/bytes.ts';
import type { StoreContext } from '../../../services/store/context.ts';
import { type Database, databaseFile, openSqlite } from '../../../services/store/database.ts';
import { locate } from '../../../services/store/locate.ts';
import type { Store } from '../../../services/store/Store.ts';
import { alice, anchorNext, rows, zero } from './storeKit.ts';
import { type StorePlace, storePlace } from './storePlace.ts';

describe('the place of a record', () => {
  let place: StorePlace;
  let store: Store;
  let beside: Database;
  beforeEach(async () => {
    place = await storePlace('sqlite');
    store = await place.open();
    beside = await openSqlite(join(place.dataDir, databaseFile));
  });
  afterEach(async () => {
    await beside.close();
    await place[Symbol.asyncDispose]();
  });

  /** A reader of the store's database; what is to happen does so between the first answer and the next question. */
  function reading(between: () => Promise<void>): StoreContext {
    let answers = 0;
    const plugin: Parameters<Database['reader']['withPlugin']>[0] = {
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        if (++answers === 1) await between();
        return result;
      },
    };
    const log = { entry: (leafIndex: number) => store.entry(leafIndex) };
    return {
      ...beside,
      reader: beside.reader.withPlugin(plugin),
      log,
      logSize: 0,
      rollBacks: 0,
    } as unknown as StoreContext;
  }

  it('is the log where its block is committed between two questions', async () => {
    const all = rows(3);
    await store.admit(all);
    const { header } = await anchorNext(store, 3);
    const context = reading(() => store.commitBlock(header.height));
    const found = await locate(
      context,
      context.reader,
      all.map(({ id }) => id),
    );
    expect(all.map(({ id }) => found.get(toHex(id))?.where)).to.deep.equal(['log', 'log', 'log']);
  });

  it('is the refusals where it is refused between two questions, and the pool for the others', async () => {
    const [refused, kept] = rows(2);
    await store.admit([refused!, kept!]);
    const signature = `0x${'33'.repeat(64)}` as const;
    const about = { recordId: toHex(refused!.id), reason: 'record-expired', winner: zero } as const;
    const refusal = { ...about, slot: 1, centre: alice, signature };
    const context = reading(() => store.refuse([{ id: refused!.id, refusal }]));
    const found = await locate(context, context.reader, [refused!.id, kept!.id]);
    expect([refused, kept].map((row) => found.get(toHex(row!.id))?.where)).to.deep.equal(['refused', 'pool']);
  });
});
