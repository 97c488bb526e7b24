import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { toHex } from '../../../services/core/bytes.ts';
import { entriesPath, tilePath } from '../../../services/core/log/tile.ts';
import { expectCode } from '../../support/expectCode.ts';
import { s3Credentials, type TestS3, testS3 } from '../../support/s3.ts';
import { logAll, rows } from './storeKit.ts';
import { storePlace } from './storePlace.ts';

describe('store with its log in a bucket', () => {
  let s3: TestS3;
  before(async () => {
    s3 = await testS3();
  });
  after(() => s3.stop());

  it('has the same tiles as in a folder, also after a restart and a rebuild', async () => {
    await using folder = await storePlace('sqlite');
    await using bucket = await storePlace('sqlite');
    const places = { logUrl: s3.url('a/log'), evidenceUrl: s3.url('a/evidence'), s3: s3Credentials };
    const inFolder = await folder.open();
    const inBucket = await bucket.open(places);
    const blocks = [];
    for (const [slot, name] of ['a', 'b'].entries()) {
      await logAll(inFolder, rows(300, name), slot);
      blocks.push(await logAll(inBucket, rows(300, name), slot));
    }
    await inBucket.close();
    const again = await bucket.open(places);
    for (const [level, index, width] of [
      [0, 0, 256],
      [0, 1, 256],
      [0, 2, 88],
      [1, 0, 2],
      ['entries', 1, 256],
      ['entries', 2, 88],
    ] as const) {
      const path = level === 'entries' ? entriesPath(index, width) : tilePath(level, index, width);
      const onDisk = await readFile(join(folder.dataDir, 'log', path));
      expect(toHex((await again.readTile(level, index, width))!), path).to.equal(toHex(onDisk));
    }
    const hashes = (await again.readTile(0, 2, 88))!;
    expect(toHex((await again.readTile(0, 2, 44))!)).to.equal(toHex(hashes.subarray(0, 32 * 44)));
    expect(toHex(await again.entry(599))).to.equal(toHex(await inFolder.entry(599)));
    await again.check();
    await again.verifyLog();
    expect(await again.rebuildFromTiles({ blocks })).to.deep.include({ logSize: 600, blocks: 2, missingBlocks: 0 });
    const { digest } = await again.evidence.put(Readable.from([Buffer.from('evidence')]));
    expect((await buffer((await again.evidence.get(digest))!)).toString()).to.equal('evidence');
    expect(await again.evidence.get(new Uint8Array(32))).to.equal(undefined);
  });

  it('says so when there is no such bucket, or the address is none', async () => {
    await using place = await storePlace('sqlite');
    await expectCode('config-invalid', place.open({ logUrl: 'http://127.0.0.1/log' }));
    const store = await place.open({ logUrl: s3.url('x').replace('notarium', 'nowhere'), s3: s3Credentials });
    await expectCode('storage-failed', logAll(store, rows(1)));
    expect(store.logSize()).to.equal(0);
    expect((await store.poolStatus()).count).to.equal(1);
  });
});
