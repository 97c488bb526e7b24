import { silentLogger } from '../../../services/lib/logger.ts';
import { openStore } from '../../../services/store/openStore.ts';
import { anchorNext, instance, network, row } from './storeKit.ts';

/*
 * Works on a store until it is killed: takes records, seals, anchors and commits. Says each thing that was promised on
 * standard output, after the promise.
 */
const [dataDir, round, databaseUrl] = process.argv.slice(2);
const store = await openStore({
  dataDir: dataDir!,
  ...(databaseUrl ? { databaseUrl } : {}),
  network,
  instance,
  logger: silentLogger,
});
const say = (...lines: string[]): Promise<void> =>
  new Promise((resolve) => process.stdout.write(`${lines.join('\n')}\n`, () => resolve()));
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
