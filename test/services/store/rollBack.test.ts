import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { toHex } from '../../../services/core/bytes.ts';
import { leafHash } from '../../../services/core/sha256.ts';
import { idOfEntry } from '../../../services/store/keys.ts';
import type { PoolPromise, PoolRow } from '../../../services/store/PoolRow.ts';
import type { Store } from '../../../services/store/Store.ts';
import type { AnchoredBlock } from '../../../services/store/StoredBlock.ts';
import { bundled } from '../../support/bundled.ts';
import { expectCode } from '../../support/expectCode.ts';
import { anchorNext, heir, logAll, row, rows } from './storeKit.ts';
import { onBothDatabases, type StorePlace, storePlace } from './storePlace.ts';

const promise: PoolPromise = { acceptedAt: 1_763_000_100, includeBySlot: 176_300_050, acceptance: new Uint8Array(1) };

onBothDatabases('store rollBackLog', (newPlace, engine) => {
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

  async function* chunks(all: readonly PoolRow[]): AsyncGenerator<Uint8Array[]> {
    for (let start = 0; start < all.length; start += 100) yield all.slice(start, start + 100).map(({ entry }) => entry);
  }
  const files = async (of: StorePlace): Promise<Map<string, string>> => {
    const folder = join(of.dataDir, 'log');
    const found = await readdir(folder, { recursive: true, withFileTypes: true });
    const names = found.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
    const contents = names.map(async (name) => [name.slice(folder.length), toHex(await readFile(name))] as const);
    return new Map((await Promise.all(contents)).sort());
  };
  const pooled = async (): Promise<string[]> => {
    const { ids } = await store!.poolIds({ afterSeq: 0, limit: 10_000 });
    return Array.from({ length: ids.length / 32 }, (_, at) => toHex(ids.subarray(32 * at, 32 * at + 32)));
  };
  const idsOf = (all: readonly PoolRow[]): string[] => all.map(({ id }) => toHex(id));

  const common = rows(300, 'common');
  const lost = rows(500, 'lost');
  const newer = rows(40, 'newer');
  const others = rows(900, 'others');
  /** What the chain has in place of what is lost: most of it, in another order, and more. */
  const chosen = [...others, ...lost.slice(10).reverse()];

  /** Two logs that go on otherwise after the first block; ours has lost the anchor of its second. Answers the chain's second. */
  async function fork(): Promise<AnchoredBlock> {
    const first = await logAll(his!, common, 1);
    await store!.importBlocks([first], chunks(common));
    await logAll(store!, lost, 2);
    await store!.admit(newer);
    await store!.orphanBlocks(1);
    return await logAll(his!, chosen, 3);
  }

  it('is asked for by a block of the chain only with its very records', async () => {
    const block = await fork();
    expect(await store!.isForkedBy(block, chunks(chosen))).to.equal(true);
    await expectCode('block-invalid', store!.isForkedBy(block, chunks(chosen.toReversed())));
    await expectCode('block-invalid', store!.isForkedBy(block, chunks(chosen.slice(1))));
    // Neither a longer nor a shorter log of the same records is another one.
    for (const [count, slot] of [[500, 4] as const, [300, 5] as const, [700, 6] as const]) {
      await using like = await newPlace();
      const same = await like.open();
      await logAll(same, common, 1);
      const all = [...lost, ...others].slice(0, count);
      const next = await logAll(same, all, slot);
      expect(await store!.isForkedBy(next, chunks(all)), String(count)).to.equal(false);
    }
    expect(store!.logSize()).to.equal(800);
  });

  it('puts the records back in front, each once, and then follows the chain to the same files', async () => {
    const block = await fork();
    const event = { type: 'alert', time: '2026-11-21T01:30:00.000Z', data: { code: 'log-rolled-back' } };
    expect(await store!.rollBackLog(promise, { event })).to.equal(500);
    expect((await store!.eventsAfter(0, 100)).at(-1)).to.deep.include(event);
    expect(store!.logSize()).to.equal(300);
    expect(await pooled()).to.deep.equal(idsOf([...lost, ...newer]));
    const bytes = [...lost, ...newer].reduce((sum, { entry }) => sum + entry.length, 0);
    expect(await store!.poolStatus()).to.include({ count: 540, bytes });
    expect(await store!.findRecord(lost[3]!.id)).to.deep.include({ where: 'pool', ...promise });
    expect((await store!.search({ digest: lost[3]!.digest, limit: 5 })).hits).to.deep.equal([]);
    expect(await store!.blockOfLeaf(300)).to.equal(undefined);
    await expectCode('tile-not-found', store!.entry(300));
    await store!.check();
    // A restart finds it all the same, and nothing is taken twice.
    await store!.close();
    store = await place!.open();
    await store.check();
    expect((await store.admit([lost[0]!, common[0]!])).map(({ status }) => status)).to.deep.equal(['pooled', 'logged']);

    await store.importBlocks([block], chunks(chosen));
    expect(await pooled()).to.deep.equal(idsOf([...lost.slice(0, 10), ...newer]));
    expect(await files(place!)).to.deep.equal(await files(hisPlace!));
    for (const at of [0, 255, 256, 299, 300, 511, 512, 1199, 1689]) {
      const { id } = [...common, ...chosen][at]!;
      expect(await store.findRecord(id), String(at)).to.include({ where: 'log', leafIndex: at });
    }
    await store.verifyLog();
    await anchorNext(store, 50, 7);
    await store.commitBlock(3);
    expect(store.logSize()).to.equal(1740);
    await store.verifyLog();
  });

  it('keeps nothing of the lost part that somebody reads who began before it went', async () => {
    const block = await fork();
    const read = store!.nodeReader(800);
    await store!.rollBackLog(promise);
    expect(await read(0, 300)).to.deep.equal(leafHash(lost[0]!.entry));
    await store!.importBlocks([block], chunks(chosen));
    expect(await store!.nodeReader(1690)(0, 300)).to.deep.equal(leafHash(others[0]!.entry));
  });

  it('goes back twice before it goes on, to a log that ends within the same tile', async () => {
    await fork();
    await store!.rollBackLog(promise);
    await store!.orphanBlocks(0);
    expect(await store!.rollBackLog(promise)).to.equal(300);
    expect(await pooled()).to.deep.equal(idsOf([...common, ...lost, ...newer]));
    await using other = await newPlace();
    const short = await other.open();
    const some = [...common.slice(0, 200), ...others.slice(0, 60)];
    await store!.importBlocks([await logAll(short, some, 9)], chunks(some));
    expect(await files(place!)).to.deep.equal(await files(other));
    await store!.verifyLog();
  });

  it('keeps a successor for the record that goes back, and gives it to the chain’s', async () => {
    const before = row('before');
    const [mine, theirs] = [heir('mine', before), heir('theirs', before)];
    const first = await logAll(his!, [before], 1);
    await store!.importBlocks([first], chunks([before]));
    await logAll(store!, [mine], 2);
    await store!.orphanBlocks(1);
    await store!.rollBackLog(promise);
    expect(await store!.admit([theirs])).to.deep.equal([{ status: 'rival', winner: mine.id }]);
    await store!.importBlocks([await logAll(his!, [theirs], 3)], chunks([theirs]));
    expect(await store!.rivals(10)).to.deep.equal([{ id: mine.id, winner: theirs.id }]);
  });

  it('forgets void blocks, whose rows have other numbers now', async () => {
    await logAll(store!, common, 1);
    const given = await (async () => {
      await store!.admit(lost);
      const block = await anchorNext(store!, 20, 2);
      await store!.updateBlock(2, { state: 'submitted', anchor: null });
      await store!.voidBlock(2);
      return block;
    })();
    await anchorNext(store!, 30, 4);
    await store!.commitBlock(2);
    await store!.orphanBlocks(1);
    // Already now: the log has gone on.
    await expectCode('block-not-found', store!.adoptBlock(given.hash, given.anchor));
    await store!.rollBackLog(promise);
    expect(await store!.knowsBlock(given.hash)).to.equal(false);
    expect(await pooled()).to.deep.equal(idsOf(lost));
  });

  if (engine === 'postgres') {
    it('is noticed by another process on the same database', async () => {
      const block = await fork();
      const second = await place!.open();
      expect(second.logSize()).to.equal(800);
      expect(await second.entry(300)).to.deep.equal(lost[0]!.entry);
      await store!.rollBackLog(promise);
      await store!.importBlocks([block], chunks(chosen));
      await second.refresh();
      expect(second.logSize()).to.equal(1690);
      expect(await second.entry(300)).to.deep.equal(others[0]!.entry);
    });
  }
});

for (const [engine, kills] of [
  ['sqlite', 4],
  ['postgres', 2],
] as const) {
  describe(`store rollBackLog under kill -9 (${engine})`, () => {
    let child: ChildProcess | undefined;
    let script: Awaited<ReturnType<typeof bundled>>;
    before(async () => {
      script = await bundled(join(import.meta.dirname, 'rollBackChild.ts'));
    });
    after(() => script?.[Symbol.asyncDispose]());
    // A test that gives up must not leave mocha waiting for it.
    afterEach(() => void child?.kill('SIGKILL'));

    it('has every record exactly once, whenever it dies', async () => {
      await using place = await storePlace(engine);
      const said: string[] = [];
      for (let round = 0; round < kills; round++) {
        // In the middle of a roll-back, or while the log grows anew over what it has left.
        const at = round % 2 === 0 ? 'rolling' : 'growing';
        let left = 1 + Math.floor(Math.random() * 4);
        const started: ChildProcess = spawn(
          process.execPath,
          [script.path, place.dataDir, String(round), place.databaseUrl ?? ''],
          { stdio: ['ignore', 'pipe', 'inherit'] },
        );
        child = started;
        createInterface({ input: started.stdout! }).on('line', (line) => {
          if (line.startsWith('row ')) said.push(line.slice(4));
          if (line === at && --left === 0) started.kill('SIGKILL');
        });
        const [, signal] = (await once(started, 'close')) as [number | null, string | null];
        expect(signal).to.equal('SIGKILL');

        const store = await place.open();
        await store.check();
        const found: string[] = [];
        const { ids } = await store.poolIds({ afterSeq: 0, limit: 1_000_000 });
        for (let start = 0; start < ids.length; start += 32) found.push(toHex(ids.subarray(start, start + 32)));
        expect(found.length).to.equal((await store.poolStatus()).count);
        for (let leaf = 0; leaf < store.logSize(); leaf++) found.push(toHex(idOfEntry(await store.entry(leaf))));
        expect(new Set(found).size).to.equal(found.length);
        expect(found).to.include.members(said.map((text) => toHex(row(text).id)));
        const covered = (await store.committedBlock())?.header.treeSize ?? 0;
        if (covered === store.logSize()) await store.verifyLog();
        await store.close();
      }
      expect(said.length).to.be.greaterThan(kills * 100);
    });
  });
}
