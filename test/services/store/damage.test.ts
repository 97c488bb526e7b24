import { open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'chai';
import { toHex } from '../../../services/core/bytes.ts';
import { entriesPath, tilePath } from '../../../services/core/log/tile.ts';
import { databaseFile } from '../../../services/store/database.ts';
import type { AnchoredBlock } from '../../../services/store/StoredBlock.ts';
import { expectCode } from '../../support/expectCode.ts';
import { anchorNext, heir, logAll, row, rows } from './storeKit.ts';
import { onBothDatabases, type StorePlace, storePlace } from './storePlace.ts';

async function flipByte(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.from([buffer[0]! ^ 1]), 0, 1, at);
  await file.close();
}

const all = rows(700, 'logged');
const logPath = (place: StorePlace, path: string): string => join(place.dataDir, 'log', path);

async function logged(place: StorePlace): Promise<AnchoredBlock[]> {
  const store = await place.open();
  const blocks = [await logAll(store, all.slice(0, 300), 1), await logAll(store, all.slice(300), 2)];
  await store.admit([...rows(5, 'pooled'), heir('heir', all[0]!)]);
  await store.close();
  return blocks;
}

onBothDatabases('store rebuild', (newPlace) => {
  it('mends hash tiles from entries, names damaged entries, and fills all indexes', async () => {
    await using place = await newPlace();
    const blocks = await logged(place);
    const store = await place.open();
    await store.verifyLog();
    const tile = logPath(place, tilePath(0, 1));
    const right = await readFile(tile);
    await flipByte(tile, 100);
    await rm(logPath(place, tilePath(1, 0, 2)));
    expect((await expectCode('tile-corrupt', store.verifyLog())).data).to.deep.equal({ path: tilePath(0, 1) });
    const progress: number[] = [];
    const report = await store.rebuildFromTiles({ blocks, onProgress: (done, total) => progress.push(done / total) });
    expect(report).to.deep.equal({
      logSize: 700,
      blocks: 2,
      missingBlocks: 0,
      mendedTiles: [tilePath(0, 1), tilePath(1, 0, 2)],
      salvaged: undefined,
    });
    expect(progress.at(-1)).to.equal(1);
    expect((await readFile(tile)).equals(right)).to.equal(true);
    await store.verifyLog();
    await store.check();
    for (const leafIndex of [0, 299, 300, 699]) {
      expect(await store.findRecord(all[leafIndex]!.id)).to.deep.include({ where: 'log', leafIndex });
    }
    expect((await store.search({ subject: all[5]!.subject, limit: 2 })).hits.map((hit) => hit.leafIndex)).to.deep.equal(
      [5],
    );
    expect((await store.block(2))?.anchor).to.deep.equal(blocks[1]!.anchor);
    expect((await store.poolStatus()).count).to.equal(6);
    const [rival] = await store.admit([heir('rival', all[0]!)]);
    expect(rival?.status).to.equal('rival');
    await logAll(store, rows(3, 'more'), 3);
    await store.verifyLog();
  });

  it('takes all other records when what the log has of one is damaged', async () => {
    await using place = await newPlace();
    const before = await place.open();
    await logAll(before, all.slice(0, 3));
    await before.close();
    const bundle = logPath(place, entriesPath(0, 3));
    await flipByte(bundle, (await readFile(bundle)).indexOf(all[1]!.subject) + 9);
    const store = await place.open();
    const [fresh, again] = [row('fresh'), heir('again', all[0]!)];
    const outcomes = await store.admit([fresh, all[1]!, heir('of damaged', all[1]!), again, all[2]!]);
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['accepted', 'failed', 'failed', 'accepted', 'logged']);
    for (const at of [1, 2]) {
      const outcome = outcomes[at]!;
      expect(outcome.status === 'failed' && outcome.error.code).to.equal('tile-corrupt');
    }
    expect((await store.poolStatus()).count).to.equal(2);
  });

  it('says that a record is damaged wherever in its entry the damage is', async () => {
    await using place = await newPlace();
    const before = await place.open();
    await logAll(before, all.slice(0, 2));
    await before.close();
    const bundle = logPath(place, entriesPath(0, 2));
    const right = await readFile(bundle);
    const signature = right.indexOf(',"signature":"');
    for (const at of [2, right.indexOf('"digest"') + 3, signature, signature + 3, signature + 13]) {
      await flipByte(bundle, at);
      const store = await place.open();
      expect((await expectCode('tile-corrupt', store.findRecord(all[0]!.id))).data).to.deep.equal({
        path: entriesPath(0, 2),
      });
      const outcomes = await store.admit([row('fresh'), all[0]!]);
      expect(outcomes[1]?.status).to.equal('failed');
      await store.close();
      await writeFile(bundle, right);
    }
  });

  it('names an entry bundle that is damaged or missing, and changes nothing', async () => {
    await using place = await newPlace();
    const blocks = await logged(place);
    const store = await place.open();
    const bundle = logPath(place, entriesPath(0));
    const kept = await readFile(bundle);
    await flipByte(bundle, 1000);
    for (const call of [() => store.verifyLog(), () => store.rebuildFromTiles({ blocks })]) {
      expect((await expectCode('tile-corrupt', call)).data).to.deep.equal({ path: entriesPath(0) });
    }
    await truncate(bundle, 5000);
    expect((await expectCode('tile-corrupt', store.verifyLog())).data).to.deep.equal({ path: entriesPath(0) });
    await rm(bundle);
    expect((await expectCode('tile-corrupt', store.verifyLog())).data).to.deep.equal({ path: entriesPath(0) });
    expect((await expectCode('tile-corrupt', store.entry(3))).data).to.deep.equal({ path: entriesPath(0) });
    expect(await store.findRecord(all[699]!.id)).to.deep.include({ where: 'log' });
    await writeFile(bundle, kept);
    await store.verifyLog();
  });

  it('drops from the pool what is in the log, and keeps what only shares the key of an id', async () => {
    await using place = await newPlace();
    const store = await place.open();
    const [first, second] = rows(2);
    const block = await logAll(store, [first!]);
    const twin = { ...row('twin'), id: first!.id.with(31, first!.id[31]! ^ 1) };
    await store.admit([second!, twin]);
    const next = await anchorNext(store, 1, 2);
    // As after a crash between the files of a block and its transaction: the tiles have it, the pool too.
    const lease = { name: 'publisher', owner: 'gone', token: -1, expiresMs: 0 };
    await expectCode('storage-failed', store.commitBlock(2, { lease }));
    const report = await store.rebuildFromTiles({ blocks: [block, next] });
    expect(report).to.include({ logSize: 2, blocks: 2 });
    expect((await store.findRecord(second!.id))?.where).to.equal('log');
    const { ids, count } = await store.poolCut(10);
    expect([count, toHex(ids)]).to.deep.equal([1, toHex(twin.id)]);
    expect(await store.poolStatus()).to.include({ count: 1, bytes: twin.entry.length });
  });

  it('stops before blocks whose records are not in the tiles', async () => {
    await using place = await newPlace();
    const store = await place.open();
    const blocks = [await logAll(store, all.slice(0, 300), 1)];
    await store.admit(all.slice(300));
    blocks.push(await anchorNext(store, 400, 2));
    expect(await store.rebuildFromTiles({ blocks })).to.deep.include({ logSize: 300, blocks: 1, missingBlocks: 1 });
    await store.commitBlock(2);
    expect(store.logSize()).to.equal(700);
    await store.verifyLog();
  });

  it('empties no index of a log that is not there', async () => {
    await using place = await newPlace();
    const blocks = await logged(place);
    const store = await place.open();
    await rm(logPath(place, entriesPath(2, 188)));
    const { data } = await expectCode('store-behind-chain', store.rebuildFromTiles({ blocks }));
    expect(data).to.deep.equal({ height: 2, path: entriesPath(2, 188), missingBlocks: 1 });
    expect([store.logSize(), (await store.committedBlock())?.header.height]).to.deep.equal([700, 2]);
    expect(await store.findRecord(all[5]!.id)).to.deep.include({ where: 'log', leafIndex: 5 });
    const report = await store.rebuildFromTiles({ blocks, allowMissing: true });
    expect(report).to.include({ blocks: 1, missingBlocks: 1, logSize: 300 });
  });

  it('names the first bundle of a log that is gone as a whole', async () => {
    await using place = await newPlace();
    const blocks = await logged(place);
    const store = await place.open();
    await rm(logPath(place, ''), { recursive: true });
    const { data } = await expectCode('store-behind-chain', store.rebuildFromTiles({ blocks }));
    expect(data).to.deep.equal({ height: 1, path: entriesPath(0), missingBlocks: 2 });
    expect((await store.committedBlock())?.header.height).to.equal(2);
  });
});

describe('store with a damaged database', () => {
  it('says which file, and what to do; a rebuild brings everything back', async () => {
    await using place = await storePlace('sqlite');
    const blocks = await logged(place);
    const path = join(place.dataDir, databaseFile);
    await writeFile(path, Buffer.alloc(100_000, 'garbage'));
    const error = await expectCode('store-corrupt', place.open());
    expect(error.data).to.deep.equal({ file: path });
    expect(error.message).to.contain('notarium rebuild');
    const aside = await place.open({ onDamage: 'setAside' });
    await aside.close();
    // Without its indexes it must not be worked with.
    await expectCode('store-corrupt', place.open());
    const store = await place.open({ onDamage: 'setAside' });
    const report = await store.rebuildFromTiles({ blocks });
    expect(report.logSize).to.equal(700);
    await store.close();
    const again = await place.open();
    expect(await again.findRecord(all[400]!.id)).to.deep.include({ where: 'log', leafIndex: 400 });
    expect((await again.admit([row('after')]))[0]?.status).to.equal('accepted');
  });

  it('is not opened after a rebuild that did not come to its end', async () => {
    await using place = await storePlace('sqlite');
    const store = await place.open();
    await store.admit(rows(3));
    const block = await anchorNext(store, 3);
    const lease = { name: 'publisher', owner: 'gone', token: -1, expiresMs: 0 };
    await expectCode('storage-failed', store.commitBlock(1, { lease }));
    await store.close();
    using db = new DatabaseSync(join(place.dataDir, databaseFile));
    // Stands for a kill -9 just before the pool rows go.
    db.exec("create trigger crash before delete on pool begin select raise(abort, 'killed'); end");
    const rebuilding = await place.open({ onDamage: 'setAside' });
    await expectCode('storage-failed', rebuilding.rebuildFromTiles({ blocks: [block] }));
    await rebuilding.close();
    await expectCode('store-corrupt', place.open());
    db.exec('drop trigger crash');
    const again = await place.open({ onDamage: 'setAside' });
    await again.rebuildFromTiles({ blocks: [block] });
    expect((await again.poolCut(10)).count).to.equal(0);
    expect(again.logSize()).to.equal(3);
  });

  it('finds overwritten pages, and saves what is readable: pool, votes, events, keys', async () => {
    await using place = await storePlace('sqlite');
    const blocks = await logged(place);
    const before = await place.open();
    await before.vote({ slot: 3, hash: blocks[0]!.hash, header: blocks[0]!.header });
    await before.appendEvent({ type: 'alert', time: '2026-11-21T01:30:00.000Z', data: {} });
    await before.close();
    await overwriteTable(join(place.dataDir, databaseFile), 'postings');
    const broken = await place.open();
    await expectCode('store-corrupt', broken.check());
    await broken.close();
    const store = await place.open({ onDamage: 'setAside' });
    const { salvaged, logSize } = await store.rebuildFromTiles({ blocks });
    expect(logSize).to.equal(700);
    expect(salvaged?.rows).to.include({ pool: 6, votes: 1, events: 1, blocks: 2 });
    expect(salvaged?.complete).to.equal(true);
    expect((await stat(salvaged!.path)).isFile()).to.equal(true);
    expect((await store.voteOf(3))?.hash).to.equal(blocks[0]!.hash);
    expect((await store.findRecord(row('pooled 3').id))?.where).to.equal('pool');
    expect(toHex((await store.successorOf(all[0]!.id))!)).to.equal(toHex(heir('heir', all[0]!).id));
    expect(await store.appendEvent({ type: 'alert', time: 'x', data: {} })).to.equal(2);
    await store.check();
    await logAll(store, rows(2, 'more'), 3);
    expect(store.logSize()).to.equal(702);
    await store.verifyLog();
  });
});

/** Destroys every page of one table but leaves the rest of the file as it is. */
async function overwriteTable(path: string, table: string): Promise<void> {
  const db = new DatabaseSync(path);
  db.exec('pragma wal_checkpoint(truncate)');
  const root = Number(db.prepare('select rootpage from sqlite_schema where name = ?').get(table)!.rootpage);
  const { page_size } = db.prepare('pragma page_size').get() as { page_size: number };
  db.close();
  const file = await open(path, 'r+');
  await file.write(Buffer.alloc(page_size, 0xa5), 0, page_size, (root - 1) * page_size);
  await file.close();
}
