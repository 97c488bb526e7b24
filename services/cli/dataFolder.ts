import { join } from 'node:path';
import { NotariumError } from '../core/errors.ts';
import { createKeystore, type KeystorePublic } from '../lib/keystore.ts';
import { exists } from './exists.ts';
import { writeJson } from './notarize/evidenceFiles.ts';
import { readPassword } from './openClient.ts';
import type { Run } from './Run.ts';

/**
 * Makes a keystore in the data folder.
 * @throws NotariumError `key-exists`, `key-missing`, `usage-invalid` for an empty password.
 */
export async function makeKeys({ settings, terminal }: Pick<Run<unknown>, 'settings' | 'terminal'>): Promise<{
  readonly keystore: string;
  readonly keys: KeystorePublic;
  readonly password: string;
}> {
  const password = await readPassword(settings, terminal, 'Password for the new keystore');
  if (password === '') throw new NotariumError('usage-invalid', 'an empty password protects nothing');
  const keystore = join(settings.data, 'keystore');
  return { keystore, keys: await createKeystore(keystore, password), password };
}

/** Writes the settings of the run beside the keystore of {@link makeKeys}, where there are none. */
export async function writeSettings({ settings }: Pick<Run<unknown>, 'settings'>): Promise<void> {
  const config = join(settings.data, 'config.json');
  if (await exists(config)) return;
  const { url, rpcUrl, contract, host, port, databaseUrl, logUrl, passwordFile } = settings;
  // What is not set is left out: JSON has no undefined.
  await writeJson(config, {
    keystore: 'keystore',
    url,
    rpcUrl,
    contract,
    host,
    port,
    databaseUrl,
    logUrl,
    passwordFile,
  });
}
