import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { signRefusal } from '../../../services/core/acceptance.ts';
import { toHex } from '../../../services/core/bytes.ts';
import { parseNetworkName } from '../../../services/core/eip712.ts';
import { rootOf } from '../../../services/core/log/compactRange.ts';
import { decodeEntries } from '../../../services/core/log/entryBundle.ts';
import { inclusionProof } from '../../../services/core/log/proof.ts';
import { entriesPath, tilePath } from '../../../services/core/log/tile.ts';
import { verifyInclusion } from '../../../services/core/log/verifyProof.ts';
import type { Store } from '../../../services/store/Store.ts';
import { expectCode } from '../../support/expectCode.ts';
import { randomSigner } from '../../support/recordKit.ts';
import { anchor, anchorNext, bob, heir, logAll, network, nextBlock, row, rows, sha256, zero } from './storeKit.ts';
import { onBothDatabases, type StorePlace } from './storePlace.ts';

const event = { type: 'block.sealed', time: '2026-11-21T01:30:00.000Z', data: { height: 1 } };

async function rangeError(call: Promise<unknown>): Promise<void> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).to.be.instanceOf(RangeError);
}

onBothDatabases('store blocks', (newPlace) => {
  let place: StorePlace;
  let store: Store;
  beforeEach(async () => {
    place = await newPlace();
    store = await place.open();
  });
  afterEach(() => place[Symbol.asyncDispose]());

  it('cuts the oldest rows that no live block has, packed', async () => {
    const all = [...rows(4), row('late', { expires: '2026-11-22T00:00:00.000Z' })];
    await store.admit([...all, heir('heir', all[0]!)]);
    const cut = await store.poolCut(100);
    expect([...cut.seqs]).to.deep.equal([1, 2, 3, 4, 5, 6]);
    expect(toHex(cut.ids.subarray(32, 64))).to.equal(toHex(all[1]!.id));
    expect(toHex(cut.leafHashes.subarray(128, 160))).to.equal(toHex(all[4]!.leafHash));
    expect([...cut.expiresMs]).to.deep.equal([1 / 0, 1 / 0, 1 / 0, 1 / 0, Date.parse('2026-11-22'), 1 / 0]);
    expect(cut.supersedes.map(({ index, predecessor }) => [index, toHex(predecessor)])).to.deep.equal([
      [5, toHex(all[0]!.id)],
    ]);
    const { range, ...block } = await nextBlock(store, 2);
    await store.saveBlock(block, range);
    expect([...(await store.poolCut(3)).seqs]).to.deep.equal([3, 4, 5]);
    expect((await store.poolStatus()).count).to.equal(6);
    await store.voidBlock(1);
    expect([...(await store.poolCut(3)).seqs]).to.deep.equal([1, 2, 3]);
    expect((await store.poolCut(0)).count).to.equal(0);
  });

  it('saves, finds and lists blocks, and keeps their order', async () => {
    await store.admit(rows(10));
    const { range, ...block } = await nextBlock(store, 4);
    await rangeError(store.saveBlock(block, { ...range, count: 3 }));
    await rangeError(store.saveBlock(block, { firstSeq: 2, lastSeq: 5, count: 4 }));
    await rangeError(store.saveBlock({ ...block, header: { ...block.header, height: 2 } }, range));
    await store.saveBlock(block, range, { event });
    await store.saveBlock(block, range);
    expect(await store.block(1)).to.deep.equal({ ...block, state: 'sealed', count: 4, range });
    const second = await nextBlock(store, 6, 2);
    await store.saveBlock(second, second.range);
    expect((await store.liveBlocks()).map(({ header }) => header.height)).to.deep.equal([1, 2]);
    expect((await store.blocks({ limit: 1 })).map(({ hash }) => hash)).to.deep.equal([second.hash]);
    expect((await store.blocks({ limit: 5, before: 2 })).map(({ hash }) => hash)).to.deep.equal([block.hash]);
    expect(await store.eventsAfter(0, 10)).to.deep.equal([{ ...event, seq: 1 }]);
    await rangeError(
      store
        .updateBlock(1, { state: 'void' })
        .then(() => store.updateBlock(1, { state: 'sealed' }))
        .catch(() => {
          throw new RangeError();
        }),
    );
  });

  it('follows the life of a block, and refuses what is not in it', async () => {
    await store.admit(rows(3));
    const { range, ...block } = await nextBlock(store, 3);
    await store.saveBlock(block, range);
    await rangeError(store.commitBlock(1));
    await store.updateBlock(1, { state: 'submitted', submission: { nonce: 7 } });
    expect((await store.block(1))?.submission).to.deep.equal({ nonce: 7 });
    await store.updateBlock(1, { state: 'anchored', anchor });
    await rangeError(store.voidBlock(1));
    await store.updateBlock(1, { state: 'submitted', anchor: null });
    expect((await store.block(1))?.anchor).to.equal(undefined);
    await store.voidBlock(1);
    expect(await store.block(1)).to.equal(undefined);
    await expectCode('block-not-found', store.updateBlock(1, { state: 'submitted' }));
    await expectCode('block-not-found', store.commitBlock(1));
    // The same block may be sealed again.
    await store.saveBlock(block, range);
    expect((await store.latestBlock())?.state).to.equal('sealed');
  });

  it('commits blocks into the log', async () => {
    const all = rows(700);
    await store.admit(all);
    for (const [slot, count] of [300, 212, 188].entries()) await anchorNext(store, count, slot);
    await rangeError(store.commitBlock(2));
    for (const height of [1, 2, 3]) await store.commitBlock(height, { event: { ...event, type: 'block.committed' } });
    await store.commitBlock(3);
    expect(store.logSize()).to.equal(700);
    expect(await store.poolStatus()).to.deep.equal({ count: 0, bytes: 0, oldestAcceptedAt: null, lastSeq: 700 });
    expect((await store.eventsAfter(0, 10)).map(({ seq }) => seq)).to.deep.equal([1, 2, 3]);
    const { header } = (await store.committedBlock())!;
    expect(toHex(rootOf(await store.frontier()))).to.equal(header.root);
    for (const leafIndex of [0, 255, 256, 511, 512, 699]) {
      const { id, entry, leafHash } = all[leafIndex]!;
      expect(toHex(await store.entry(leafIndex))).to.equal(toHex(entry));
      const found = await store.findRecord(id);
      expect(found?.where === 'log' && found.leafIndex).to.equal(leafIndex);
      const path = await inclusionProof(leafIndex, 700, store.nodeReader(700));
      const root = rootOf(await store.frontier());
      expect(verifyInclusion({ leafHash, leafIndex, treeSize: 700, path, root })).to.equal(true);
    }
    expect((await store.blockOfLeaf(299))?.header.height).to.equal(1);
    expect((await store.blockOfLeaf(300))?.header.height).to.equal(2);
    expect((await store.blockOfLeaf(699))?.header.height).to.equal(3);
    expect(await store.blockOfLeaf(700)).to.equal(undefined);
    await expectCode('tile-not-found', store.entry(700));
    await store.check();
    await store.verifyLog();
  });

  it('serves tiles: full ones, the partial one, and narrower ones of old sizes', async () => {
    await logAll(store, rows(200, 'a'), 1);
    await logAll(store, rows(100, 'b'), 2);
    expect((await store.readTile(0, 0, 256))?.length).to.equal(8192);
    expect((await store.readTile(0, 0, 200))?.length).to.equal(6400);
    expect((await store.readTile(0, 1, 44))?.length).to.equal(44 * 32);
    expect((await store.readTile(1, 0, 1))?.length).to.equal(32);
    const bundle = await store.readTile('entries', 0, 200);
    const whole = await store.readTile('entries', 0, 256);
    expect(toHex(whole!.subarray(0, bundle!.length))).to.equal(toHex(bundle!));
    for (const [level, index, width] of [
      [0, 1, 45],
      [0, 2, 1],
      [1, 0, 2],
      [2, 0, 1],
      ['entries', 1, 256],
    ] as const) {
      expect(await store.readTile(level, index, width)).to.equal(undefined);
    }
  });

  it('leaves out rows that were refused before the block, and refuses none in it', async () => {
    const all = rows(6);
    await store.admit(all);
    const refusal = await signRefusal(
      parseNetworkName(network)!,
      { recordId: toHex(all[2]!.id), reason: 'record-expired', winner: zero, slot: 1 },
      randomSigner(),
    );
    await store.refuse([{ id: all[2]!.id, refusal }], { event });
    await anchorNext(store, 4);
    await rangeError(store.refuse([{ id: all[3]!.id, refusal }]));
    await store.commitBlock(1);
    expect(store.logSize()).to.equal(4);
    expect(toHex(await store.entry(2))).to.equal(toHex(all[3]!.entry));
    expect((await store.findRecord(all[4]!.id))?.where).to.equal('log');
    expect((await store.findRecord(all[5]!.id))?.where).to.equal('pool');
    expect((await store.poolStatus()).count).to.equal(1);
  });

  it('takes a void block back, with what was refused since', async () => {
    const all = rows(4);
    await store.admit(all);
    const { range, ...block } = await nextBlock(store, 3);
    await store.saveBlock(block, range);
    await store.voidBlock(1);
    const refusal = await signRefusal(
      parseNetworkName(network)!,
      { recordId: toHex(all[1]!.id), reason: 'record-expired', winner: zero, slot: 1 },
      randomSigner(),
    );
    await store.refuse([{ id: all[1]!.id, refusal }]);
    const other = await nextBlock(store, 10, 2);
    await store.saveBlock(other, other.range);
    await store.adoptBlock(block.hash, anchor);
    expect((await store.liveBlocks()).map(({ hash, state }) => [hash, state])).to.deep.equal([
      [block.hash, 'anchored'],
    ]);
    await store.commitBlock(1);
    expect((await store.findRecord(all[1]!.id))?.where).to.equal('log');
    expect((await store.poolStatus()).count).to.equal(1);
    await store.verifyLog();
  });

  it('covers the rest of the log by a new block after orphaned ones', async () => {
    await logAll(store, rows(5, 'a'), 1);
    await logAll(store, rows(5, 'b'), 2);
    await logAll(store, rows(5, 'c'), 3);
    await store.orphanBlocks(1);
    expect(store.logSize()).to.equal(15);
    expect((await store.latestBlock())?.header.height).to.equal(1);
    expect(await store.blockOfLeaf(7)).to.equal(undefined);
    await store.check();
    const latest = (await store.latestBlock())!;
    const frontier = await store.frontier('latest');
    const header = {
      ...latest.header,
      height: 2,
      slot: 9,
      treeSize: 15,
      root: toHex(rootOf(frontier)),
      parent: latest.hash,
    };
    await store.saveBlock({ ...latest, header, hash: toHex(sha256('other')) }, { firstSeq: 0, lastSeq: 0, count: 0 });
    expect((await store.block(2))?.count).to.equal(10);
    await store.updateBlock(2, { state: 'anchored', anchor });
    await store.commitBlock(2);
    expect((await store.blockOfLeaf(14))?.header.height).to.equal(2);
    await logAll(store, rows(3, 'd'), 10);
    expect(store.logSize()).to.equal(18);
    await store.verifyLog();
  });

  it('takes blocks of the chain again that it had orphaned too early', async () => {
    const blocks = [];
    for (const slot of [1, 2, 3]) blocks.push(await logAll(store, rows(5, `slot ${slot}`), slot));
    await store.orphanBlocks(1);
    const [, second, third] = blocks;
    await rangeError(store.adoptLogged(third!));
    await store.adoptLogged(second!);
    await store.adoptLogged(third!);
    expect(await store.committedBlock()).to.deep.include({ hash: third!.hash, count: 5, anchor: third!.anchor });
    expect((await store.blockOfLeaf(7))?.hash).to.equal(second!.hash);
    await store.check();
    await store.verifyLog();
  });

  it('searches by digest, subject and submitter, page by page in log order', async () => {
    const same = [
      row('x', { subject: 'urn:s' }),
      row('y', { subject: 'urn:s', submitter: bob }),
      row('z', { subject: 'urn:t', submitter: bob }),
    ];
    await logAll(store, [...rows(300), ...same]);
    await store.admit([row('pooled', { subject: 'urn:s' })]);
    const leaves = async (query: Parameters<Store['search']>[0]) =>
      (await store.search(query)).hits.map(({ leafIndex }) => leafIndex);
    expect(await leaves({ subject: 'urn:s', limit: 10 })).to.deep.equal([300, 301]);
    expect(await leaves({ submitter: same[1]!.submitter, limit: 10 })).to.deep.equal([301, 302]);
    expect(await leaves({ digest: same[2]!.digest, limit: 10 })).to.deep.equal([302]);
    expect(await leaves({ subject: 'urn:s', submitter: same[1]!.submitter, limit: 10 })).to.deep.equal([301]);
    expect(await leaves({ subject: 'urn:none', limit: 10 })).to.deep.equal([]);
    const paged: number[] = [];
    for (let after: string | undefined; ; ) {
      const page = await store.search({ submitter: same[0]!.submitter, limit: 100, ...(after ? { after } : {}) });
      paged.push(...page.hits.map(({ leafIndex }) => leafIndex));
      if (page.next === undefined) break;
      after = page.next;
    }
    expect(paged).to.deep.equal(Array.from({ length: 301 }, (_, index) => index));
    await expectCode('request-invalid', store.search({ subject: 'urn:s', after: 'x', limit: 1 }));
    await expectCode('request-invalid', store.search({ limit: 1 }));
  });

  it('finds every record at its own place after a commit that did not come to its end', async () => {
    const [a, b, c] = rows(3, 'p');
    await store.admit([a!, b!, c!]);
    await anchorNext(store, 3);
    // Fails in the last transaction, when the index has been written: stands for a kill -9.
    const unwritable = { ...event, data: { count: 1n } };
    await expectCode('storage-failed', store.commitBlock(1, { event: unwritable }));
    await store.updateBlock(1, { state: 'submitted', anchor: null });
    await store.voidBlock(1);
    const id = toHex(a!.id);
    const refusal = { recordId: id, reason: 'record-expired', winner: zero, slot: 1 } as const;
    const signed = await signRefusal(parseNetworkName(network)!, refusal, randomSigner());
    await store.refuse([{ id: a!.id, refusal: signed }]);
    const later = row('later');
    await store.admit([later]);
    await anchorNext(store, 10, 2);
    await store.commitBlock(1);
    for (const [leafIndex, record] of [b!, c!, later].entries()) {
      expect(await store.findRecord(record.id)).to.deep.include({ where: 'log', leafIndex });
    }
    expect((await store.findRecord(a!.id))?.where).to.equal('refused');
    expect((await store.search({ digest: b!.digest, limit: 5 })).hits.map(({ leafIndex }) => leafIndex)).to.deep.equal([
      0,
    ]);
    expect((await store.admit([row('innocent'), b!])).map(({ status }) => status)).to.deep.equal([
      'accepted',
      'logged',
    ]);
    expect(await store.getMeta('posting')).to.equal(undefined);
  });

  it('has every width of a tile that the log could have had', async () => {
    const all = rows(270);
    await logAll(store, all.slice(0, 3), 1);
    await logAll(store, all.slice(3, 8), 2);
    const wide = (await store.readTile(0, 0, 8))!;
    const proof = await inclusionProof(1, 3, store.nodeReader(3));
    const check = async (): Promise<void> => {
      for (const width of [1, 2, 3, 7]) {
        expect(toHex((await store.readTile(0, 0, width))!)).to.equal(toHex(wide.subarray(0, 32 * width)));
        const bundle = (await store.readTile('entries', 0, width))!;
        expect(decodeEntries(bundle)).to.deep.equal(all.slice(0, width).map(({ entry }) => entry));
      }
      expect(await inclusionProof(1, 3, store.nodeReader(3))).to.deep.equal(proof);
    };
    await check();
    // A mirror, and a centre that took a longer block from others, never had the file of that size.
    for (const path of [tilePath(0, 0, 3), entriesPath(0, 3)]) await rm(join(place.dataDir, 'log', path));
    await store.close();
    store = await place.open();
    await check();
    expect(await store.readTile(0, 0, 9)).to.equal(undefined);
    await logAll(store, all.slice(8), 3);
    await check();
  });

  it('ends a page early when its records are large', async () => {
    await logAll(store, rows(150, 'large', { subject: 'urn:large', meta: { text: 'x'.repeat(12_000) } }));
    const page = await store.search({ subject: 'urn:large', limit: 150 });
    expect(page.hits).to.have.length.within(80, 90);
    const rest = await store.search({ subject: 'urn:large', limit: 150, after: page.next! });
    expect([rest.hits[0]!.leafIndex, rest.hits.at(-1)!.leafIndex]).to.deep.equal([page.hits.length, 149]);
    expect(rest.next).to.equal(undefined);
  });

  it('keeps votes, and refuses a second one in a slot', async () => {
    await store.admit(rows(1));
    const { header, hash } = await nextBlock(store, 1, 5);
    await store.vote({ slot: 5, hash, header });
    await store.vote({ slot: 5, hash, header });
    const error = await expectCode('vote-conflict', store.vote({ slot: 5, hash: zero, header }));
    expect(error.data).to.deep.equal({ slot: 5, have: hash, want: zero });
    expect(await store.voteOf(5)).to.deep.equal({ slot: 5, hash, header });
    expect(await store.voteOf(6)).to.equal(undefined);
  });
});
