import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { NotariumError } from '../core/errors.ts';
import { databaseFile } from './database.ts';
import { allVotesMeta } from './meta.ts';
import { storageError } from './storageError.ts';

/**
 * Writes a consistent copy of the embedded database of a data folder to a new file, also while a centre is writing to it.
 * @throws NotariumError `store-corrupt`, `storage-full`, `config-invalid` when there is no embedded database.
 */
export function snapshotDatabase(dataDir: string, target: string): void {
  const path = join(dataDir, databaseFile);
  if (!existsSync(path)) throw new NotariumError('config-invalid', `there is no ${path}`, { data: { path } });
  copyDatabase(path, target);
  try {
    // The original goes on voting.
    using copy = new DatabaseSync(target);
    copy.prepare('delete from meta where name = ?').run(allVotesMeta);
  } catch (error) {
    throw storageError(error, path);
  }
}

/**
 * Writes a consistent copy of a database file to a new file, also while somebody is writing to it.
 * @throws NotariumError as {@link snapshotDatabase}.
 */
export function copyDatabase(path: string, target: string): void {
  try {
    using database = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
    database.prepare('vacuum into ?').run(target);
  } catch (error) {
    throw storageError(error, path);
  }
}

/** Records in the committed log of a database file that no process is using. */
export function recordsIn(path: string): number {
  try {
    using database = new DatabaseSync(path, { readOnly: true });
    return Number(database.prepare('select log_size from counters').get()?.log_size ?? 0);
  } catch (error) {
    throw storageError(error, path);
  }
}
