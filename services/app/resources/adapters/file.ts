import { randomBytes } from 'node:crypto';
import { mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isNotariumError } from '../../../core/errors.ts';
import { isMissingFile, readSmallFile } from '../../../lib/readSmallFile.ts';
import type { Adapter } from './Adapter.ts';
import { actualJson, maxActualBytes } from './actualJson.ts';
import { resourceFailed } from './failure.ts';

/** A JSON file, replaced as a whole: whoever reads it sees the one before or the new one, also after a crash. */
export function fileAdapter({ path }: { readonly path: string }): Adapter {
  const name = `file ${path}`;
  return {
    name,
    async read() {
      try {
        return actualJson(await readSmallFile(path, { maxBytes: maxActualBytes, tooLarge: 'json-too-large' }));
      } catch (error) {
        if (isMissingFile(error)) return undefined;
        if (isNotariumError(error, 'file-unreadable')) throw resourceFailed(name, error.detail, error);
        throw error;
      }
    },
    async write({ configuration }) {
      // Two spaces: people look into it.
      const text = `${JSON.stringify(configuration, undefined, 2)}\n`;
      try {
        await replaceFile(path, text);
      } catch (cause) {
        throw resourceFailed(name, `cannot be written (${(cause as NodeJS.ErrnoException).code ?? 'unknown'})`, cause);
      }
    },
  };
}

async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  // A link keeps leading where it led; whoever may read the file still may.
  const target = await realpath(path).catch(() => path);
  const mode = await stat(target).then(
    (info) => info.mode & 0o777,
    () => 0o644,
  );
  const temporary = join(dirname(target), `.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  const folder = await open(dirname(target), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
