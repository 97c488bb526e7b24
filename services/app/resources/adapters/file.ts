import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isNotariumError } from '../../../core/errors.ts';
import { isMissingFile, readSmallFile } from '../../../lib/readSmallFile.ts';
import { syncFolder } from '../../../lib/syncFolder.ts';
import { writeFileWhole } from '../../../lib/writeFileWhole.ts';
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
        const reason = isNotariumError(cause, 'file-unwritable')
          ? cause.data.cause
          : (cause as NodeJS.ErrnoException).code;
        throw resourceFailed(name, `cannot be written (${reason ?? 'unknown'})`, cause);
      }
    },
  };
}

async function replaceFile(path: string, text: string): Promise<void> {
  // A link keeps leading where it led; whoever may read the file still may.
  const target = await realpath(path).catch(() => path);
  const mode = await stat(target).then(
    (info) => info.mode & 0o777,
    () => 0o644,
  );
  await writeFileWhole(target, text, mode);
  await syncFolder(dirname(target));
}
