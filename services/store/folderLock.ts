import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { NotariumError } from '../core/errors.ts';

/** A folder that no other process holds. */
export type FolderLock = { release(): void };

/**
 * Takes a folder for this process. The lock is one of the operating system (that of a SQLite file kept in an exclusive
 * transaction), so it ends with the process, however that ends; the pid beside it only says who it is.
 * @throws NotariumError `store-locked` with { folder, pid }.
 */
export function lockFolder(folder: string): FolderLock {
  const pidPath = join(folder, 'lock.pid');
  const db = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
  try {
    db.exec('pragma journal_mode = delete; begin exclusive');
  } catch (cause) {
    db.close();
    if ((cause as { errcode?: number }).errcode !== 5) throw cause;
    const pid = readPid(pidPath);
    throw new NotariumError('store-locked', `${folder}${pid === undefined ? '' : ` (process ${pid})`}`, {
      data: { folder, ...(pid === undefined ? {} : { pid }) },
      cause,
    });
  }
  writeFileSync(pidPath, String(process.pid));
  return { release: () => db.close() };
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    // The other process has taken the lock this very moment; its pid is only a courtesy.
    return undefined;
  }
}
