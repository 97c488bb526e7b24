import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NotariumError } from '../core/errors.ts';
import { isPrivateKey } from '../lib/localSigner.ts';
import { readSmallFile } from '../lib/readSmallFile.ts';

/** The signing key of a user who has named none. */
export type PersonalKey = { readonly privateKey: Uint8Array; readonly path: string; readonly isNew: boolean };

/**
 * The user's own signing key, `~/.notarium/client-key`: made at the first use, readable by this user only, like a key of
 * ssh without a passphrase. Who needs a passphrase uses a keystore (`notarium init`).
 * @throws NotariumError `key-missing` when the file holds no key.
 */
export async function personalKey(home: string): Promise<PersonalKey> {
  const path = join(home, '.notarium', 'client-key');
  try {
    await mkdir(join(home, '.notarium'), { recursive: true, mode: 0o700 });
    const made = randomBytes(32);
    // `wx`: of two runs at the same time one makes it, and the other reads it.
    await writeFile(path, `0x${made.toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true });
    return { privateKey: made, path, isNew: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new NotariumError('key-missing', `${path} (${(error as NodeJS.ErrnoException).code})`, { cause: error });
    }
  }
  const text = (await readSmallFile(path, { maxBytes: 1024, tooLarge: 'key-missing' })).toString().trim();
  const privateKey = /^0x[0-9a-f]{64}$/.test(text) ? Buffer.from(text.slice(2), 'hex') : undefined;
  if (!privateKey || !isPrivateKey(privateKey)) throw new NotariumError('key-missing', `${path} holds no private key`);
  return { privateKey, path, isNew: false };
}
