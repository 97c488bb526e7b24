import { join } from 'node:path';
import { NotariumError } from '../core/errors.ts';
import { isMissingFile, readSmallFile } from '../lib/readSmallFile.ts';

/**
 * The operator's own API key, `admin-key` in the data folder of a centre; undefined where there is none.
 * @throws NotariumError `key-missing` when it is there and cannot be read.
 */
export async function operatorKey(dataDir: string): Promise<string | undefined> {
  const path = join(dataDir, 'admin-key');
  try {
    return (await readSmallFile(path, { maxBytes: 1024 })).toString().trim();
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw new NotariumError('key-missing', path, { cause: error });
  }
}
