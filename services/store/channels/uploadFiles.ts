import { createReadStream } from 'node:fs';
import { access, unlink } from 'node:fs/promises';
import type { SealedFile } from '../../lib/readSealed.ts';

/** Removes a file, if it is there. */
export async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

/** A file of this machine, as sealed content is read. */
export function localFile(path: string, sizeBytes: number): SealedFile {
  return {
    sizeBytes,
    read: async (start, length) => createReadStream(path, { start, end: start + length - 1 }),
  };
}

/** Whether there is such a file. */
export async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
