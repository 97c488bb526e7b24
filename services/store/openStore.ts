import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NotariumError } from '../core/errors.ts';
import { edgeFrontier } from '../core/log/growTiles.ts';
import { systemClock } from '../lib/clock.ts';
import { admission } from './admission.ts';
import { admit } from './admit.ts';
import { adoptBlock, adoptLogged } from './adoptBlock.ts';
import { apiKeys } from './apiKeys.ts';
import { BlockCache } from './BlockCache.ts';
import { ballots } from './ballots.ts';
import { blockQueries } from './blocks.ts';
import { checkStore } from './checkStore.ts';
import { commitBlock } from './commitBlock.ts';
import type { StoreContext } from './context.ts';
import { type Database, databaseFile, openSqlite } from './database.ts';
import { openDisk } from './disk.ts';
import { events } from './events.ts';
import { evidenceStore } from './evidence.ts';
import { type FolderLock, lockFolder } from './folderLock.ts';
import { governance } from './governance.ts';
import { importBlocks } from './importBlocks.ts';
import { importPooled } from './importPooled.ts';
import { leases } from './leases.ts';
import { logSizeFor } from './locate.ts';
import { latestFrontier, readCheckedEdge } from './logEdge.ts';
import { logFiles } from './logFiles.ts';
import { logReader } from './logReader.ts';
import { claimNetwork, getMeta, rebuildingMeta, rollBacksMeta, setMeta } from './meta.ts';
import { overdue, poolCut, poolStatus, promise } from './pool.ts';
import { rebuildFromTiles } from './rebuild.ts';
import { recordFinder } from './recordFinder.ts';
import { refuse } from './refuse.ts';
import { replica } from './replica.ts';
import { resources } from './resources.ts';
import { noticeRollBack, rollBack } from './rollBack.ts';
import type { SalvageReport, Store, StoreOptions } from './Store.ts';
import { openOrSetAside } from './salvage.ts';
import { search } from './search.ts';
import { seenHeaders } from './seenHeaders.ts';
import { storageError } from './storageError.ts';
import { verifyLog } from './verifyLog.ts';
import { votes } from './votes.ts';
import { webhook } from './webhook.ts';
import { orphanBlocks, saveBlock, updateBlock, voidBlock } from './writeBlocks.ts';

// Those of the newest ten thousand records: older ones are asked for at random, and no cache of a fair size has them.
const defaultCacheBytes = 8 * 2 ** 20;

/**
 * Opens the store of a data folder, making what is missing.
 * @throws NotariumError `store-locked`, `store-network-mismatch`, `store-version-unsupported`, `store-corrupt`,
 *   `storage-full`, `storage-failed`, `config-invalid`.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { dataDir, databaseUrl } = options;
  const path = join(dataDir, databaseFile);
  const opened: (() => void | Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    while (opened.length > 0) await opened.pop()!();
  };
  try {
    await mkdir(dataDir, { recursive: true });
    let database: Database;
    let salvaged: SalvageReport | undefined;
    if (databaseUrl === undefined) {
      const lock: FolderLock = lockFolder(dataDir);
      opened.push(() => lock.release());
      ({ database, salvaged } =
        options.onDamage === 'setAside'
          ? await openOrSetAside(path, options)
          : { database: await openSqlite(path), salvaged: undefined });
    } else {
      // Read only when it is needed: a centre with its own database starts sooner.
      const { openPostgres } = await import('./postgres.ts');
      database = await openPostgres(databaseUrl, options.logger, options.databaseAnswerMs);
    }
    opened.push(() => database.close());
    await claimNetwork(database.db, options);
    if (options.onDamage !== 'setAside' && (await getMeta(database.db, rebuildingMeta)) !== undefined) {
      throw new NotariumError('store-corrupt', 'a rebuild has not come to its end: run notarium rebuild');
    }
    const context = await contextOf(options, database);
    opened.push(() => context.log.clear());
    const evidenceFolder = join(dataDir, 'evidence');
    const evidence = evidenceStore(
      await openDisk(options.evidenceUrl, evidenceFolder, options.s3),
      join(evidenceFolder, '.tmp'),
    );
    const file = databaseUrl === undefined ? path : undefined;
    return guarded({ ...storeOf(context, salvaged), evidence: guarded(evidence, file), close }, file);
  } catch (error) {
    await close();
    throw storageError(error, databaseUrl === undefined ? path : undefined);
  }
}

async function contextOf(options: StoreOptions, database: Database): Promise<StoreContext> {
  const files = logFiles(await openDisk(options.logUrl, join(options.dataDir, 'log'), options.s3));
  const counters = await database.reader.selectFrom('counters').select('log_size').executeTakeFirstOrThrow();
  return {
    ...database,
    files,
    spoolDir: join(options.dataDir, 'incoming'),
    log: logReader(files, options.cacheBytes ?? defaultCacheBytes),
    clock: options.clock ?? systemClock,
    logger: options.logger,
    blocksByLeaf: new BlockCache(),
    logSize: counters.log_size,
    rollBacks: Number((await getMeta(database.reader, rollBacksMeta)) ?? 0),
  };
}

function storeOf(context: StoreContext, salvaged: SalvageReport | undefined): Omit<Store, 'evidence' | 'close'> {
  return {
    engine: context.engine,
    admit: (rows) => admit(context, rows),
    poolStatus: () => poolStatus(context),
    poolCut: (limit) => poolCut(context, limit),
    overdue: (slot, limit) => overdue(context, slot, limit),
    promise: (ids, terms) => promise(context, ids, terms),
    refuse: refuse(context),
    ...votes(context),
    ...seenHeaders(context),
    saveBlock: (block, range, write) => saveBlock(context, block, range, write),
    updateBlock: (height, patch, write) => updateBlock(context, height, patch, write),
    voidBlock: (height, write) => voidBlock(context, height, write),
    adoptBlock: (hash, anchor, write) => adoptBlock(context, hash, anchor, write),
    adoptLogged: (block, write) => adoptLogged(context, block, write),
    orphanBlocks: (aboveHeight, write) => orphanBlocks(context, aboveHeight, write),
    commitBlock: (height, write) => commitBlock(context, height, write),
    importBlocks: (blocks, entries, write) => importBlocks(context, blocks, entries, write),
    importPooled: (block, seqs, write) => importPooled(context, block, seqs, write),
    ...rollBack(context),
    ...blockQueries(context),
    logSize: () => context.logSize,
    frontier: async (of = 'committed') =>
      of === 'latest' ? latestFrontier(context) : edgeFrontier(await readCheckedEdge(context, context.logSize)),
    entry: async (leafIndex) => context.log.entry(leafIndex, context.logSize),
    readTile: (level, index, width) => context.log.tile(level, index, width, context.logSize),
    nodeReader: (treeSize) => context.log.nodeReader(treeSize, context.logSize),
    inclusionPath: async (leaf, tree) => context.log.inclusionPath(leaf, tree, context.logSize),
    findRecord: recordFinder(context),
    successorOf: async (id) => {
      const query = context.reader.selectFrom('successors').select('winner').where('predecessor', '=', id);
      return (await query.executeTakeFirst())?.winner;
    },
    search: (query) => search(context, query),
    ...replica(context),
    ...events(context),
    ...governance(context),
    ...ballots(context),
    ...resources(context),
    ...webhook(context),
    ...admission(context),
    ...apiKeys(context),
    getMeta: (name) => getMeta(context.db, name),
    setMeta: (name, value) => setMeta(context.db, name, value),
    ...leases(context),
    refresh: async () => {
      if (context.engine === 'sqlite') return;
      context.blocksByLeaf = new BlockCache();
      await noticeRollBack(context);
      await logSizeFor(context, context.reader, Number.MAX_SAFE_INTEGER);
    },
    check: () => checkStore(context),
    verifyLog: (onProgress) => verifyLog(context, onProgress),
    rebuildFromTiles: async (source) => ({ ...(await rebuildFromTiles(context, source)), salvaged }),
  };
}

/** Gives every failure of a method a stable code, at the one place where they leave the store. */
function guarded<T extends object>(parts: T, file: string | undefined): T {
  const wrapped = Object.entries(parts).map(([name, part]) => {
    if (typeof part !== 'function') return [name, part];
    const call = (...inputs: unknown[]): unknown => {
      const result: unknown = part(...inputs);
      if (!(result instanceof Promise)) return result;
      return result.catch((error: unknown) => {
        throw storageError(error, file);
      });
    };
    return [name, call];
  });
  return Object.fromEntries(wrapped) as T;
}
