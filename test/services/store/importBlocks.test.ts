import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { toHex } from '../../../services/core/bytes.ts';
import { leafHash } from '../../../services/core/sha256.ts';
import type { PoolRow } from '../../../services/store/PoolRow.ts';
import type { Store } from '../../../services/store/Store.ts';
import type { AnchoredBlock } from '../../../services/store/StoredBlock.ts';
import { expectCode } from '../../support/expectCode.ts';
import { anchorNext, heir, logAll, nextBlock, row, rows, sha256 } from './storeKit.ts';
import { onBothDatabases, type StorePlace } from './storePlace.ts';

onBothDatabases('store importBlocks', (newPlace) => {
  let [hisPlace, place]: StorePlace[] = [];
  let [his, store]: Store[] = [];
  beforeEach(async () => {
    [hisPlace, place] = [await newPlace(), await newPlace()];
    [his, store] = [await hisPlace.open(), await place.open()];
  });
  afterEach(async () => {
    await hisPlace![Symbol.asyncDispose]();
    await place![Symbol.asyncDispose]();
  });

  async function* chunks(entries: readonly Uint8Array[], size = 100): AsyncGenerator<Uint8Array[]> {
    for (let start = 0; start < entries.length; start += size) yield entries.slice(start, start + size);
  }
  const entriesOf = (all: readonly PoolRow[]): Uint8Array[] => all.map(({ entry }) => entry);
  const take = (block: AnchoredBlock, all: readonly PoolRow[]): Promise<void> =>
    store!.importBlocks([block], chunks(entriesOf(all)));
  const tiles = async (of: StorePlace): Promise<string[]> =>
    (await readdir(join(of.dataDir, 'log'), { recursive: true, withFileTypes: true }))
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath.slice(of.dataDir.length), file.name))
      .sort();

  /** Files in which entries are set aside. */
  const spooled = async (of: StorePlace): Promise<string[]> =>
    existsSync(join(of.dataDir, 'incoming')) ? await readdir(join(of.dataDir, 'incoming')) : [];

  it('sets a large block aside on disk, and leaves nothing there', async () => {
    const all = rows(700, 'large', { meta: { text: 'x'.repeat(15_000) } });
    const block = await logAll(his!, all);
    let most = 0;
    const watched = async function* (entries: readonly Uint8Array[]): AsyncGenerator<Uint8Array[]> {
      for await (const some of chunks(entries)) {
        yield some;
        most = Math.max(most, (await spooled(place!)).length);
      }
    };
    const forged = row('forged').entry;
    await expectCode('block-invalid', store!.importBlocks([block], watched([...entriesOf(all.slice(1)), forged])));
    await expectCode('block-invalid', store!.importBlocks([block], watched([...entriesOf(all), forged])));
    expect(most).to.equal(1);
    expect(await spooled(place!)).to.deep.equal([]);
    await store!.importBlocks([block], watched(entriesOf(all)));
    expect(await tiles(place!)).to.deep.equal(await tiles(hisPlace!));
    expect(await spooled(place!)).to.deep.equal([]);
    await store!.verifyLog();
  });

  it('makes the same log, whatever of the records was in the pool and in which order', async () => {
    const all = rows(700);
    const late = row('late');
    await store!.admit([late, ...all.slice(300).reverse()]);
    const block = await logAll(his!, all);
    await take(block, all);
    expect(store!.logSize()).to.equal(700);
    expect(await tiles(place!)).to.deep.equal(await tiles(hisPlace!));
    expect(await store!.poolStatus()).to.include({ count: 1, bytes: late.entry.length });
    for (const at of [0, 255, 256, 699]) {
      const found = await store!.findRecord(all[at]!.id);
      expect(found).to.include({ where: 'log', leafIndex: at });
    }
    const kept = await store!.committedBlock();
    expect(kept).to.deep.include({ hash: block.hash, state: 'committed', count: 700, anchor: block.anchor });
    await store!.verifyLog();

    const more = [late, ...rows(300, 'more')];
    const second = await logAll(his!, more, 2);
    await take(second, more);
    expect((await store!.poolStatus()).count).to.equal(0);
    expect(await tiles(place!)).to.deep.equal(await tiles(hisPlace!));
    expect(await spooled(place!)).to.deep.equal([]);
  });

  it('makes the same log of pool rows, in whatever order they stand there', async () => {
    const all = rows(700);
    const late = row('late');
    const block = await logAll(his!, all);
    const mixed = [...all.slice(300, 500).reverse(), late, ...all.slice(500), ...all.slice(0, 300)];
    await store!.admit(mixed);
    const { seqs } = await store!.poolLeaves(new Uint8Array(Buffer.concat(all.map(({ id }) => id))));
    expect(await store!.importPooled(block, seqs)).to.equal(true);
    expect(await tiles(place!)).to.deep.equal(await tiles(hisPlace!));
    expect(await store!.poolStatus()).to.include({ count: 1, bytes: late.entry.length });
    for (const at of [0, 255, 256, 499, 500, 699]) {
      expect(await store!.findRecord(all[at]!.id)).to.include({ where: 'log', leafIndex: at });
    }
    const kept = await store!.committedBlock();
    expect(kept).to.deep.include({ hash: block.hash, state: 'committed', count: 700, anchor: block.anchor });
    await store!.verifyLog();
    expect((await store!.frontier()).size).to.equal(700);
  });

  it('takes several blocks at once, each checked by its own root', async () => {
    const parts = [rows(300, 'one'), rows(1, 'two'), rows(500, 'three')];
    const all = parts.flat();
    const blocks: AnchoredBlock[] = [];
    for (const [at, some] of parts.entries()) blocks.push(await logAll(his!, some, at + 1));
    const events = blocks.map(({ header: { height } }) => ({
      type: 'block.committed',
      time: '2026-11-21T01:30:00.000Z',
      data: { height },
    }));
    const swapped = entriesOf([...all.slice(0, 299), all[300]!, all[299]!, ...all.slice(301)]);
    const error = await expectCode('block-invalid', store!.importBlocks(blocks, chunks(swapped), { events }));
    expect(error.data.height).to.equal(1);
    expect(store!.logSize()).to.equal(0);
    for (const wrong of [[], [blocks[0]!, blocks[2]!], [blocks[1]!, blocks[0]!], [blocks[0]!, blocks[0]!]]) {
      const thrown = await store!.importBlocks(wrong, chunks(entriesOf(all))).catch((reason: unknown) => reason);
      expect(thrown).to.be.instanceOf(RangeError);
    }
    await store!.admit([all[7]!, row('late')]);
    await store!.importBlocks(blocks, chunks(entriesOf(all)), { events });
    // Partial tiles come with the sizes that a log happened to have.
    const full = (files: readonly string[]): string[] => files.filter((file) => !file.includes('.p/'));
    expect(full(await tiles(place!))).to.deep.equal(full(await tiles(hisPlace!)));
    expect((await store!.poolStatus()).count).to.equal(1);
    for (const { header, hash } of blocks) {
      const count = parts[header.height - 1]!.length;
      expect(await store!.block(header.height)).to.deep.include({ header, hash, state: 'committed', count });
    }
    expect((await store!.eventsAfter(0, 10)).map(({ data }) => data.height)).to.deep.equal([1, 2, 3]);
    expect((await store!.blockOfLeaf(300))?.header.height).to.equal(2);
    await store!.verifyLog();
  });

  it('takes no block of pool rows that are not its own', async () => {
    const all = rows(300);
    const block = await logAll(his!, all);
    await store!.admit(all);
    const { seqs } = await store!.poolLeaves(new Uint8Array(Buffer.concat(all.map(({ id }) => id))));
    const pool = await store!.poolStatus();
    const wrong: Float64Array[] = [seqs.toReversed(), seqs.with(7, 9_999), seqs.with(7, seqs[8]!)];
    for (const some of wrong) expect(await store!.importPooled(block, some)).to.equal(false);
    expect(store!.logSize()).to.equal(0);
    expect(await store!.poolStatus()).to.deep.equal(pool);
    expect(await store!.importPooled(block, seqs)).to.equal(true);
    expect((await store!.poolStatus()).count).to.equal(0);
  });

  it('leaves nothing in the index of a block that it could not take', async () => {
    const all = rows(300);
    const block = await logAll(his!, all);
    const event = { type: 'block.committed', time: '2026-11-21T01:30:00.000Z', data: { count: 1n } };
    // Fails in the last transaction, when the index has been written: stands for a kill -9.
    await expectCode('storage-failed', store!.importBlocks([block], chunks(entriesOf(all)), { event }));
    const own = rows(300, 'own');
    await logAll(store!, own);
    for (const at of [0, 150, 299]) {
      expect(await store!.findRecord(all[at]!.id)).to.equal(undefined);
      expect(await store!.findRecord(own[at]!.id)).to.deep.include({ where: 'log', leafIndex: at });
    }
  });

  it('keeps what a quorum has put into the log although it is no record, also through a rebuild', async () => {
    for (const text of ['garbage', '{"digest":1}']) {
      const entry = new TextEncoder().encode(text);
      const strange = { ...row(`not ${text}`), entry, leafHash: leafHash(entry, sha256) };
      const all = [row(`before ${text}`), strange, row(`after ${text}`)];
      await take(await logAll(his!, all), all);
    }
    const blocks = (await store!.blocks({ limit: 9 })).reverse() as AnchoredBlock[];
    expect((await store!.rebuildFromTiles({ blocks })).logSize).to.equal(6);
    expect(await store!.findRecord(row('after garbage').id)).to.include({ where: 'log', leafIndex: 2 });
    expect(await store!.entry(1)).to.deep.equal(new TextEncoder().encode('garbage'));
  });

  it('changes nothing when the records are not those of the block', async () => {
    const all = rows(300);
    const block = await logAll(his!, all);
    await store!.admit(all.slice(0, 5));
    const wrong: [string, readonly PoolRow[]][] = [
      ['another record', [...all.slice(0, 299), row('forged')]],
      ['another order', [all[1]!, all[0]!, ...all.slice(2)]],
      ['one missing', all.slice(1)],
      ['one too many', [...all, row('extra')]],
    ];
    for (const [, some] of wrong) await expectCode('block-invalid', take(block, some));
    expect(store!.logSize()).to.equal(0);
    expect((await store!.poolStatus()).count).to.equal(5);
    expect(await store!.committedBlock()).to.equal(undefined);
    expect(await spooled(place!)).to.deep.equal([]);
    await take(block, all);
    expect(store!.logSize()).to.equal(300);
  });

  it('refuses what does not follow', async () => {
    const first = rows(3);
    const one = await logAll(his!, first);
    const second = rows(3, 'second');
    const two = await logAll(his!, second, 2);
    const error = await store!.importBlocks([two], chunks(entriesOf([...first, ...second]))).catch((thrown) => thrown);
    expect(error).to.be.instanceOf(RangeError);
    await take(one, first);
    const again = await take(one, first).catch((thrown) => thrown);
    expect(again).to.be.instanceOf(RangeError);
  });

  it('gives up its own block at the height, whose records are free again', async () => {
    const mine = rows(4, 'mine');
    await store!.admit(mine);
    const { range, ...own } = await nextBlock(store!, 4);
    await store!.saveBlock(own, range);
    const theirs = [mine[2]!, row('theirs')];
    const block = await logAll(his!, theirs);
    await take(block, theirs);
    expect(await store!.liveBlocks()).to.deep.equal([]);
    const cut = await store!.poolCut(10);
    expect(cut.count).to.equal(3);
    await anchorNext(store!, 3, 3);
    await store!.commitBlock(2);
    expect(store!.logSize()).to.equal(5);
    await store!.verifyLog();
  });

  it('lets the log decide between rivals, and names those that have lost', async () => {
    const title = row('title');
    const [one, other] = [heir('one', title), heir('other', title)];
    await logAll(his!, [title]).then((block) => take(block, [title]));
    await store!.admit([other, row('bystander')]);
    expect(await store!.rivals(10)).to.deep.equal([]);
    const block = await logAll(his!, [one], 2);
    await take(block, [one]);
    const lost = await store!.rivals(10);
    expect(lost.map(({ id, winner }) => [toHex(id), toHex(winner)])).to.deep.equal([[toHex(other.id), toHex(one.id)]]);
    expect(toHex((await store!.successorOf(title.id))!)).to.equal(toHex(one.id));
  });

  it('lists its pool for others, and says what it has', async () => {
    const all = rows(5);
    await logAll(store!, all.slice(0, 2));
    await store!.admit(all.slice(2));
    const page = await store!.poolIds({ afterSeq: 0, limit: 2 });
    expect(toHex(page.ids)).to.equal(toHex(Buffer.concat([all[2]!.id, all[3]!.id])));
    const rest = await store!.poolIds({ afterSeq: page.lastSeq, limit: 10 });
    expect(toHex(rest.ids)).to.equal(toHex(all[4]!.id));
    expect(await store!.poolIds({ afterSeq: rest.lastSeq, limit: 10 })).to.deep.equal({
      ids: new Uint8Array(0),
      lastSeq: rest.lastSeq,
    });
    const stranger = row('stranger');
    const ids = [all[0]!.id, stranger.id, all[4]!.id];
    expect(await store!.hasRecords(ids)).to.deep.equal([true, false, true]);
    expect((await store!.entriesOf(ids)).map((entry) => entry && toHex(entry))).to.deep.equal([
      toHex(all[0]!.entry),
      undefined,
      toHex(all[4]!.entry),
    ]);
    const leaves = await store!.poolLeaves(new Uint8Array(Buffer.concat(ids)));
    expect([...leaves.seqs].map((seq) => seq > 0)).to.deep.equal([false, false, true]);
    expect(toHex(leaves.leafHashes.subarray(64))).to.equal(toHex(all[4]!.leafHash));
    expect([...leaves.expiresMs]).to.deep.equal(Array(3).fill(Number.POSITIVE_INFINITY));
    expect(leaves.supersedes).to.deep.equal([]);
    expect(await store!.poolIds({ afterSeq: 0, lastSeq: page.lastSeq, limit: 10 })).to.deep.equal(page);
  });
});
