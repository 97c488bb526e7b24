import { join } from 'node:path';
import type { Logger as PinoLogger } from 'pino';
import type { Chain } from '../chain/Chain.ts';
import type { Settings } from '../cli/settings.ts';
import { networkName } from '../core/eip712.ts';
import { openStore } from '../store/openStore.ts';
import type { S3Credentials, Store, StoreOptions } from '../store/Store.ts';
import { nodeLogger } from './nodeLogger.ts';

/** Where a node keeps its data. */
export type StorePlaces = {
  readonly dataDir: string;
  readonly databaseUrl?: string;
  readonly logUrl?: string;
  /** Bucket of the files of private activities. */
  readonly attachmentsUrl?: string;
  readonly s3?: S3Credentials;
  readonly logger: PinoLogger;
};

/** {@link StorePlaces} of the settings. */
export function storePlaces(settings: Settings): StorePlaces {
  const { data, databaseUrl, logUrl, attachmentsUrl, s3AccessKeyId, s3SecretAccessKey, logLevel } = settings;
  return {
    dataDir: data,
    logger: nodeLogger(logLevel ?? 'info'),
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    ...(logUrl === undefined ? {} : { logUrl }),
    ...(attachmentsUrl === undefined ? {} : { attachmentsUrl }),
    ...(s3AccessKeyId === undefined || s3SecretAccessKey === undefined
      ? {}
      : { s3: { accessKeyId: s3AccessKeyId, secretAccessKey: s3SecretAccessKey } }),
  };
}

/** Keystore folder of a centre. */
export function keysDirOf(settings: Settings): string {
  return settings.keystore ?? join(settings.data, 'keystore');
}

/** The store of a node on its chain; without a chain, a store that has been opened on one before. */
export function storeOptions(places: StorePlaces, chain?: Pick<Chain, 'info'>): StoreOptions {
  const { dataDir, databaseUrl, logUrl, s3, logger } = places;
  return {
    dataDir,
    ...(chain && { network: networkName(chain.info.network), instance: chain.info.genesisHash }),
    logger,
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    ...(logUrl === undefined ? {} : { logUrl }),
    ...(s3 === undefined ? {} : { s3 }),
  };
}

/** Opens a store without a centre, for the commands that need only it, and closes it in the end. */
export async function withStore<T>(options: StoreOptions, use: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(options);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}
