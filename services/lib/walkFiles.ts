import type { BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { NotariumError } from '../core/errors.ts';

/** A file found, or a path that could not be taken, and why (`file-unreadable`). */
export type WalkedFile =
  | { readonly path: string; readonly sizeBytes: number; readonly error?: never }
  | { readonly path: string; readonly error: NotariumError };

type Step = { readonly path: string; readonly above: ReadonlySet<string> };

/**
 * Files and, recursively, all files of folders, in order of name. Symbolic links are followed; a link back to a folder
 * above, a dangling link, a pipe, a socket, a device and what may not be read come as errors of their own path, and the
 * walk goes on. A folder that is reached twice is walked once.
 * @param options.signal Ends the walk; the signal's reason is thrown.
 */
export async function* walkFiles(
  paths: Iterable<string>,
  options: { signal?: AbortSignal } = {},
): AsyncGenerator<WalkedFile, void, void> {
  const walked = new Set<string>();
  const steps: Step[] = [...paths].reverse().map((path) => ({ path, above: new Set() }));
  for (let step = steps.pop(); step; step = steps.pop()) {
    options.signal?.throwIfAborted();
    const { path, above } = step;
    try {
      const stats = await stat(path, { bigint: true });
      if (stats.isFile()) {
        yield { path, sizeBytes: Number(stats.size) };
      } else if (stats.isDirectory()) {
        const id = `${stats.dev}:${stats.ino}`;
        if (above.has(id)) {
          yield unreadable(path, 'ELOOP', 'a link to a folder above');
        } else if (!walked.has(id)) {
          const names = (await readdir(path)).sort();
          walked.add(id);
          const inside = new Set([...above, id]);
          for (const name of names.reverse()) steps.push({ path: join(path, name), above: inside });
        }
      } else {
        yield unreadable(path, 'not-a-file', kindOf(stats));
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (typeof code !== 'string') throw error;
      if (code === 'ENOENT' && path.includes('\ufffd')) {
        // What Node puts for bytes that it cannot decode: the file is there, under a name that cannot be written down.
        yield unreadable(path, 'not-utf8', 'its name is not UTF-8', error);
      } else {
        yield unreadable(path, code, code, error);
      }
    }
  }
}

function kindOf(stats: BigIntStats): string {
  if (stats.isFIFO()) return 'a pipe';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

function unreadable(path: string, why: string, detail: string, cause?: unknown): WalkedFile {
  return {
    path,
    error: new NotariumError('file-unreadable', `${path} (${detail})`, { data: { path, cause: why }, cause }),
  };
}
