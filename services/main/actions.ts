import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { apiKeys } from '../app/apiKeys.ts';
import { blocksForRebuild } from '../app/blocksForRebuild.ts';
import type { Centre } from '../app/Centre.ts';
import { openChain } from '../chain/openChain.ts';
import type { ActionContext, CliActions } from '../cli/CliActions.ts';
import type { Terminal } from '../cli/Terminal.ts';
import { NotariumError } from '../core/errors.ts';
import { systemClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/logger.ts';
import { loadCrypto } from '../lib/nativeCrypto.ts';
import { databaseFile } from '../store/database.ts';
import type { RebuildReport, StoreOptions } from '../store/Store.ts';
import { required } from './required.ts';
import { storeOptions, storePlaces, withStore } from './storePlaces.ts';

/** The commands that need store, chain and HTTP server, for the command line to call. */
export function cliActions(terminal: Terminal): CliActions {
  return {
    runNode: async (context) => (await import('./runNode.ts')).runNode(context, terminal),

    runVerifier: async (context, options) => (await import('./verifier.ts')).runVerifier(context, options, terminal),
    channels: {
      open: async (context, options) => (await import('./channels.ts')).openChannelByAction(context, options),
      known: async (context) => (await import('./channels.ts')).knownChannels(context),
      use: async (context, options, work) => (await import('./channels.ts')).useChannel(context, options, work),
      content: async (context, options) => (await import('./channels.ts')).channelContent(context, options),
    },
    runWatchtower: async (context) => (await import('./watchtower.ts')).runWatchtower(context, terminal),

    async rebuild(context, { allowMissing }) {
      const { settings, progress } = context;
      if (settings.logUrl === undefined) requireDataFolder(settings.data);
      const { options, chain } = await openForStore(context);
      try {
        return await withStore({ ...options, onDamage: 'setAside' }, async (store) => {
          const head = await chain.head();
          const reading = progress('Reading the chain', head);
          const onBlock = (): void => reading.advance(1);
          const blocks = await blocksForRebuild(store, chain, { head, crypto: await loadCrypto(), onBlock });
          reading.stop();
          const filling = progress('Checking and indexing the log', blocks.at(-1)?.header.treeSize ?? 0);
          let shown = 0;
          const report = await store.rebuildFromTiles({
            blocks,
            allowMissing,
            onProgress(done) {
              filling.advance(done - shown);
              shown = done;
            },
          });
          filling.stop();
          return { blocks: report.blocks, records: report.logSize, notes: notesOf(report) };
        });
      } finally {
        chain.close();
        context.output.note(`data folder: ${settings.data}`);
      }
    },

    join: async (context, options) => (await import('./join.ts')).joinByAction(context, options),
    joinStatus: async (context, candidate) => (await import('./join.ts')).joinStatusByAction(context, candidate),

    keys: {
      create: (context, name, scopes) => withKeys(context, (keys) => keys.create(name, scopes)),
      list: (context) => withKeys(context, (keys) => keys.list()),
      revoke: (context, id) => withKeys(context, (keys) => keys.revoke(id)),
    },
    readEvidence: async ({ settings }) => (await import('./readEvidence.ts')).readEvidence(settings),
    exportData: async (context, file) => (await import('./backup.ts')).exportData(context, file),
    importData: async (context, file) => (await import('./backup.ts')).importData(context, file),
  };
}

function notesOf({ mendedTiles, missingBlocks, salvaged }: RebuildReport): string[] {
  const notes = mendedTiles.map((path) => `made again: ${path}`);
  if (missingBlocks > 0) {
    notes.push(`newer blocks of the chain whose records are in the pool, or were left out: ${missingBlocks}`);
  }
  if (salvaged) {
    const rows = Object.entries(salvaged.rows).map(([table, count]) => `${table} ${count}`);
    notes.push(
      `the damaged database is kept at ${salvaged.path}; copied over from it: ${rows.join(', ') || 'nothing'}`,
    );
    if (!salvaged.complete) {
      notes.push('parts of it could not be read: records that were accepted but not anchored may be lost');
    }
  }
  return notes;
}

/**
 * A mistyped folder must not become a new, empty one.
 * @throws NotariumError `config-invalid`.
 */
function requireDataFolder(path: string): void {
  const parts = [databaseFile, 'log', 'keystore', 'config.json'];
  if (parts.some((name) => existsSync(join(path, name)))) return;
  throw new NotariumError('config-invalid', `${path} is no data folder of a centre: check --data`);
}

/** The chain, read only, and the options of the store that belongs to it. */
async function openForStore({ settings, signal }: ActionContext) {
  const chain = await openChain({
    rpcUrl: required(settings.rpcUrl, 'the RPC of the chain', '--rpc URL'),
    contract: required(settings.contract, 'the contract BlockAnchor', '--contract ADDRESS'),
    logger: silentLogger,
    signal,
  });
  const options: StoreOptions = storeOptions(storePlaces(settings), chain);
  return { chain, options };
}

/** API keys in the data folder of a centre that does not run; only one that never ran needs its chain for that. */
async function withKeys<T>(context: ActionContext, use: (keys: Centre['keys']) => Promise<T>): Promise<T> {
  const { data, databaseUrl } = context.settings;
  const withoutChain = databaseUrl !== undefined || existsSync(join(data, databaseFile));
  if (!withoutChain) requireDataFolder(data);
  const { chain, options } = withoutChain
    ? { chain: undefined, options: storeOptions(storePlaces(context.settings)) }
    : await openForStore(context);
  try {
    return await withStore(options, (store) => use(apiKeys(store, systemClock)));
  } finally {
    chain?.close();
  }
}
