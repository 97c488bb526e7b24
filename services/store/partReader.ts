import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';

/** Reads parts of files that never change, keeping the last ones open. */
export type PartReader = {
  /** @throws Error `ENOENT`; an answer shorter than asked for where the file ends. */
  read(path: string, start: number, sizeBytes: number): Promise<Uint8Array>;
  /** Closes the files; they are opened again when asked for. */
  clear(): void;
};

const openFiles = 256;

/** Parts of the files in a folder. */
export function partReader(root: string): PartReader {
  const handles = new LRUCache<string, Promise<FileHandle>>({
    max: openFiles,
    // close waits for reads that are under way; a file that could not be opened has nothing to close.
    dispose: (opening) => void opening.then((handle) => handle.close()).catch(() => undefined),
  });
  return {
    async read(path, start, sizeBytes) {
      let opening = handles.get(path);
      if (!opening) {
        opening = open(join(root, path), 'r');
        handles.set(path, opening);
        opening.catch(() => handles.delete(path));
      }
      const handle = await opening;
      const { bytesRead, buffer } = await handle.read(new Uint8Array(sizeBytes), 0, sizeBytes, start);
      return buffer.subarray(0, bytesRead);
    },
    clear: () => handles.clear(),
  };
}
