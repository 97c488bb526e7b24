import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeReceipt } from '../../services/app/makeReceipt.ts';
import { toHex } from '../../services/core/bytes.ts';
import { networkName } from '../../services/core/eip712.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';
import { silentLogger } from '../../services/lib/logger.ts';
import { loadCrypto } from '../../services/lib/nativeCrypto.ts';
import { openStore } from '../../services/store/openStore.ts';
import type { StoreOptions } from '../../services/store/Store.ts';
import type { CentreBench } from './CentreBench.ts';
import { median } from './Row.ts';
import { runChild, serveParent } from './runChild.ts';

type Task = {
  readonly store: Omit<StoreOptions, 'logger'>;
  readonly runs: readonly Uint8Array[];
  readonly file: string;
};
type Answer = { readonly perSecond: number };

const runs = 4;
const receiptsOfRun = 20_000;
const atOnce = 64;
const kept = 10_000;

/** How fast they were made, and a file with some of them, one a line. */
export type MadeReceipts = { readonly perSecond: number; readonly file: string };

/** Makes receipts on the data folder of a centre, which is stopped meanwhile; some of them go into a file, one a line. */
export async function makeReceipts(centre: CentreBench): Promise<MadeReceipts> {
  const { chain, dataDir, network } = centre.net;
  const genesis = (await jsonRpc(chain.rpcUrl)('eth_getBlockByNumber', ['0x0', false])) as { hash: string };
  const file = join(dataDir, '..', 'receipts.ndjson');
  const task: Task = {
    store: { dataDir, network: networkName(network), instance: genesis.hash },
    runs: Array.from({ length: runs }, () => centre.randomIds(receiptsOfRun)),
    file,
  };
  await centre.net.centre.stop();
  const answer = await runChild<Answer>(new URL('./receiptsChild.ts', import.meta.url), task);
  await centre.net.start();
  return { ...answer, file };
}

serveParent<Task, Answer>(async (task) => {
  const store = await openStore({ ...task.store, logger: silentLogger });
  const { sha256 } = await loadCrypto();
  const rates: number[] = [];
  let last: string[] = [];
  for (const ids of task.runs) {
    const texts = new Array<string>(receiptsOfRun);
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < receiptsOfRun) {
        const at = next++;
        texts[at] = JSON.stringify(await makeReceipt(store, toHex(ids.subarray(32 * at, 32 * at + 32)), sha256));
      }
    };
    const startMs = performance.now();
    await Promise.all(Array.from({ length: atOnce }, work));
    rates.push((1000 * receiptsOfRun) / (performance.now() - startMs));
    last = texts;
  }
  await store.close();
  await writeFile(task.file, last.slice(0, kept).join('\n'));
  // The first run is for caches and compiler.
  return { perSecond: median(rates.slice(1)) };
});
