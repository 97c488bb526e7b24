import { openChildStore } from './childStore.ts';
import { anchorNext, row } from './storeKit.ts';

/*
 * Works on a store until it is killed: takes records, brings them into the log, loses the newest anchors, takes the log
 * back, and brings the records into blocks of other sizes. Says on standard output what it has done and what it begins.
 */
const { store, round, say } = await openChildStore();

let slot = 0;
const seal = async (limit: number): Promise<void> => {
  for (const { header } of await store.liveBlocks()) {
    await store.updateBlock(header.height, { state: 'anchored' });
    await store.commitBlock(header.height);
  }
  if ((await store.poolCut(1)).count === 0) return;
  const { header } = await anchorNext(store, limit, ++slot);
  await store.commitBlock(header.height);
};
const rollBack = async (blocks: number): Promise<void> => {
  const height = (await store.committedBlock())?.header.height ?? 0;
  await say('rolling');
  await store.orphanBlocks(Math.max(0, height - blocks));
  await store.rollBackLog({ acceptedAt: 1, includeBySlot: 2, acceptance: new Uint8Array(1) });
};
// A crash may have come between the two: the log is longer than its blocks then.
await rollBack(0);
for (let turn = 0; ; turn++) {
  const texts = Array.from({ length: 400 }, (_, index) => `${round} ${turn} ${index}`);
  await store.admit(texts.map((text) => row(text)));
  await say(...texts.map((text) => `row ${text}`));
  for (let block = 0; block < 3; block++) await seal(100 + ((37 * turn + 90 * block) % 150));
  await rollBack(1 + (turn % 3));
  await say('growing');
  await seal(130 + ((53 * turn) % 200));
}
