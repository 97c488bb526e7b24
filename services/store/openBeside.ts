import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Kysely } from 'kysely';
import { type ErrorCode, isNotariumError, NotariumError } from '../core/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { type Database, type Migrations, openSqlite } from './database.ts';
import type { Engine } from './Engine.ts';
import { storageError } from './storageError.ts';

/** Where a database stands beside the main one. */
export type BesidePlace = {
  /** Of SQLite. */
  readonly path: string;
  /** Of the folder that it is in, when it is missing. */
  readonly folderMode?: number;
  /** A PostgreSQL database, in the place of the file. */
  readonly postgres?: { readonly url: string; readonly logger: Logger } | undefined;
  readonly migrations: Migrations;
  /** How damage is told that the log and the chain do not mend; as that of the main database when left out. */
  readonly corrupt?: { readonly code: ErrorCode; readonly data?: { readonly row: string } };
};

/** A database with tables of its own, beside the main one. */
export type BesideDatabase<Tables> = {
  readonly engine: Engine;
  readonly db: Kysely<Tables>;
  readonly reader: Kysely<Tables>;
  /** Runs work whose failures are those of storage. */
  readonly guarded: <T>(work: Promise<T>) => Promise<T>;
  close(): Promise<void>;
};

/**
 * Opens a database beside the main one, making what is missing.
 * @throws NotariumError `store-version-unsupported`, `storage-full`, `storage-failed`, and the code of damage.
 */
export async function openBeside<Tables>(place: BesidePlace): Promise<BesideDatabase<Tables>> {
  const { path, folderMode, postgres, migrations } = place;
  const guarded = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw failure(error, place);
    });
  const open = async (): Promise<Database> => {
    if (postgres) {
      // Read only when it is needed: most have their files.
      const { openPostgres } = await import('./postgres.ts');
      return openPostgres(postgres.url, postgres.logger, undefined, migrations);
    }
    await mkdir(dirname(path), { recursive: true, mode: folderMode });
    return openSqlite(path, migrations);
  };
  const { engine, db, reader, close } = await guarded(open());
  const [ownDb, ownReader] = [db, reader] as unknown as [Kysely<Tables>, Kysely<Tables>];
  return { engine, db: ownDb, reader: ownReader, guarded, close: () => guarded(close()) };
}

function failure(error: unknown, { path, postgres, corrupt }: BesidePlace): Error {
  const file = postgres ? undefined : path;
  const known = storageError(error, file);
  if (!corrupt || !isNotariumError(known, 'store-corrupt')) return known;
  const data = { ...corrupt.data, ...(file === undefined ? {} : { file }) };
  return new NotariumError(corrupt.code, file, { data, cause: error });
}
