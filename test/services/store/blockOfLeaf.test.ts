import { join } from 'node:path';
import { expect } from 'chai';
import { BlockCache } from '../../../services/store/BlockCache.ts';
import { blockQueries } from '../../../services/store/blocks.ts';
import type { StoreContext } from '../../../services/store/context.ts';
import { databaseFile, openSqlite } from '../../../services/store/database.ts';
import { orphanBlocks } from '../../../services/store/writeBlocks.ts';
import { logAll, rows } from './storeKit.ts';
import { storePlace } from './storePlace.ts';

describe('store blockOfLeaf', () => {
  it('does not keep a block that was read just before it was orphaned', async () => {
    await using place = await storePlace('sqlite');
    const store = await place.open();
    await logAll(store, rows(5, 'a'), 1);
    const second = await logAll(store, rows(5, 'b'), 2);
    await store.close();

    const database = await openSqlite(join(place.dataDir, databaseFile));
    const [asked, told] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    /** Holds each answer of the database back until it is told not to. */
    const held: Parameters<typeof database.reader.withPlugin>[0] = {
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        asked.resolve();
        await told.promise;
        return result;
      },
    };
    const reader = database.reader.withPlugin(held);
    const context = { ...database, reader, blocksByLeaf: new BlockCache() } as unknown as StoreContext;
    const { blockOfLeaf } = blockQueries(context);
    const reading = blockOfLeaf(7);
    await asked.promise;
    await orphanBlocks(context, 1);
    told.resolve();
    expect((await reading)?.hash).to.equal(second.hash);
    expect(await blockOfLeaf(7)).to.equal(undefined);
    await database.close();
  });
});
