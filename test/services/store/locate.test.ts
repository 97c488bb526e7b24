import { join } from 'node:path';
import { expect } from 'chai';
import { toHex } from '../../../services/core/bytes.ts';
import type { StoreContext } from '../../../services/store/context.ts';
import { databaseFile, openSqlite } from '../../../services/store/database.ts';
import { openDisk } from '../../../services/store/disk.ts';
import { locate } from '../../../services/store/locate.ts';
import { logFiles } from '../../../services/store/logFiles.ts';
import { logReader } from '../../../services/store/logReader.ts';
import { anchorNext, row } from './storeKit.ts';
import { storePlace } from './storePlace.ts';

describe('locate', () => {
  it('finds a record that a block takes from the pool into the log while it is looked for', async () => {
    await using place = await storePlace('sqlite');
    const store = await place.open();
    const record = row('moving');
    await store.admit([record]);
    const block = await anchorNext(store, 1);
    const beside = await openSqlite(join(place.dataDir, databaseFile));
    try {
      let answers = 0;
      // The block is committed when the pool has answered that it has the record, before its row is read.
      const gated = beside.reader.withPlugin({
        transformQuery: ({ node }) => node,
        async transformResult({ result }) {
          if (++answers === 1) await store.commitBlock(block.header.height);
          return result;
        },
      });
      const files = logFiles(await openDisk(undefined, join(place.dataDir, 'log'), undefined));
      const context = { ...beside, files, log: logReader(files, 1 << 20), logSize: 0, rollBacks: 0 };
      const found = await locate(context as unknown as StoreContext, gated, [record.id]);
      expect(found.get(toHex(record.id))).to.include({ where: 'log', leafIndex: 0 });
    } finally {
      await beside.close();
    }
  });
});
