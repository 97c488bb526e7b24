import { NotariumError } from '../../core/errors.ts';
import { openKeystore } from '../../lib/keystore.ts';
import { privateKeyOf, readPassword } from '../openClient.ts';
import { personalKey } from '../personalKey.ts';
import type { Run } from '../Run.ts';

/**
 * The private key of a requester, by the settings: `key`, `keystore`, or the user's own. A channel signs states faster than a KMS would.
 * @throws NotariumError `key-missing`.
 */
export async function requesterKey({ settings, terminal, output }: Run<unknown>): Promise<Uint8Array> {
  if (settings.apiKey !== undefined && settings.key === undefined && settings.keystore === undefined) {
    throw new NotariumError('key-missing', 'a channel needs a key pair of yours, not an API key');
  }
  if (settings.key !== undefined) return await privateKeyOf(settings.key, terminal.cwd);
  if (settings.keystore !== undefined) {
    const password = await readPassword(settings, terminal, `Password of ${settings.keystore}`);
    return (await openKeystore(settings.keystore, password)).nodeKey;
  }
  const { privateKey, path, isNew } = await personalKey(terminal.home);
  if (isNew) output.note(`Made a signing key of your own, kept in ${path}.`);
  return privateKey;
}
