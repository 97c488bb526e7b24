import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { NotariumError } from '../core/errors.ts';

const temporaryName = /^\.notarium-[0-9a-f]{12}\.tmp$/;

/** Whether a file is what a kill has left of {@link writeFileWhole}: nobody's content. */
export function isLeftOver(path: string): boolean {
  return temporaryName.test(basename(path));
}

/**
 * Writes a file whole or not at all, with the folders above it, through a temporary file beside it that is synced before it
 * takes its name.
 * @throws NotariumError `file-unwritable`.
 */
export async function writeFileWhole(path: string, text: string, mode = 0o666): Promise<void> {
  // A short name of its own: with a suffix, the longest name that fits would not fit.
  const temporary = join(dirname(path), `.notarium-${randomBytes(6).toString('hex')}.tmp`);
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new NotariumError('file-unwritable', `${path} (${code})`, { cause, data: { path, cause: code } });
  }
}
