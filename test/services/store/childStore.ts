import { keepPoolAwake } from '../../../services/lib/keepPoolAwake.ts';
import { silentLogger } from '../../../services/lib/logger.ts';
import { openStore } from '../../../services/store/openStore.ts';
import type { Store } from '../../../services/store/Store.ts';
import { instance, network } from './storeKit.ts';

/** What a process that is to be killed works with. */
type ChildStore = {
  readonly store: Store;
  /** Names what it writes, so that it differs from what the process before wrote. */
  readonly round: string;
  /** Resolves when the lines have been handed to standard output. */
  say(...lines: string[]): Promise<void>;
};

/** Opens the store that the arguments of the process name: data folder, round, URL of a database or nothing. */
export async function openChildStore(): Promise<ChildStore> {
  keepPoolAwake();
  const [dataDir, round, databaseUrl] = process.argv.slice(2);
  const store = await openStore({
    dataDir: dataDir!,
    ...(databaseUrl ? { databaseUrl } : {}),
    network,
    instance,
    logger: silentLogger,
  });
  return {
    store,
    round: round!,
    say: (...lines) => new Promise((resolve) => process.stdout.write(`${lines.join('\n')}\n`, () => resolve())),
  };
}
