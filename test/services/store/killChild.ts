import { openChildStore } from './childStore.ts';
import { anchorNext, row } from './storeKit.ts';

/*
 * Works on a store until it is killed: takes records, seals, anchors and commits. Says each thing that was promised on
 * standard output, after the promise.
 */
const { store, round, say } = await openChildStore();
await say('open');

let batch = 0;
const take = async (): Promise<void> => {
  for (;;) {
    const texts = Array.from({ length: 60 }, (_, index) => `${round} ${batch} ${index}`);
    batch++;
    await store.admit(texts.map((text) => row(text)));
    await say(...texts.map((text) => `row ${text}`));
  }
};
const seal = async (): Promise<void> => {
  for (;;) {
    for (const { header } of await store.liveBlocks()) {
      await store.updateBlock(header.height, { state: 'anchored' });
      await store.commitBlock(header.height);
      await say(`block ${header.height}`);
    }
    if ((await store.poolCut(1)).count > 0) await anchorNext(store, 400, batch);
  }
};
await Promise.all([take(), seal()]);
