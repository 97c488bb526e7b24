import { silentLogger } from '../../../services/lib/logger.ts';
import { openStore } from '../../../services/store/openStore.ts';
import { openPostgres } from '../../../services/store/postgres.ts';
import type { Store, StoreOptions } from '../../../services/store/Store.ts';
import { testPostgres } from '../../support/postgres.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { instance, network } from './storeKit.ts';

/** Opens stores of one kind over and over, each in its own place or again in the same. */
export type StorePlace = AsyncDisposable & {
  readonly dataDir: string;
  readonly databaseUrl: string | undefined;
  open(options?: Partial<StoreOptions>): Promise<Store>;
};

let migrated: Promise<string> | undefined;

/** A PostgreSQL database with the schema of a store and nothing in it: a copy of one, which costs less than to make it each time. */
async function newDatabase(): Promise<string> {
  const server = await testPostgres();
  migrated ??= (async () => {
    const url = await server.createDatabase();
    await (await openPostgres(url, silentLogger)).close();
    return url;
  })();
  return await server.createDatabase(await migrated);
}

/** A new, empty place for a store. */
export async function storePlace(engine: 'sqlite' | 'postgres'): Promise<StorePlace> {
  const folder = await temporaryFolder();
  const databaseUrl = engine === 'postgres' ? await newDatabase() : undefined;
  const opened: Store[] = [];
  return {
    dataDir: folder.path,
    databaseUrl,
    async open(options = {}) {
      const store = await openStore({
        dataDir: folder.path,
        ...(databaseUrl ? { databaseUrl } : {}),
        network,
        instance,
        logger: silentLogger,
        ...options,
      });
      opened.push(store);
      return store;
    },
    async [Symbol.asyncDispose]() {
      for (const store of opened) await store.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The same suite on both databases. */
export function onBothDatabases(
  title: string,
  suite: (place: () => Promise<StorePlace>, engine: 'sqlite' | 'postgres') => void,
): void {
  for (const engine of ['sqlite', 'postgres'] as const) {
    describe(`${title} (${engine})`, () => {
      suite(() => storePlace(engine), engine);
    });
  }
}
