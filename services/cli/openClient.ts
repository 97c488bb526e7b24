import { resolve } from 'node:path';
import { password as askPassword, isCancel } from '@clack/prompts';
import { type Hex, isHex } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import type { Signer } from '../core/signature.ts';
import { readNetworkFile } from '../lib/client/NetworkFolder.ts';
import { Notarium } from '../lib/client/Notarium.ts';
import { openKeystore } from '../lib/keystore.ts';
import { isPrivateKey, localSigner } from '../lib/localSigner.ts';
import { loadCrypto } from '../lib/nativeCrypto.ts';
import { readSmallFile } from '../lib/readSmallFile.ts';
import type { Settings } from './settings.ts';
import type { Terminal } from './Terminal.ts';

const maxKeyBytes = 1 << 16;

/** Centre of a machine where `npm start` runs. */
export const defaultUrl = 'http://127.0.0.1:8080';

/** A client by the settings; without key and API key it can only read and verify. */
export async function openClient(
  settings: Settings,
  options: { signer?: Signer | undefined; networkFile?: string | undefined; trustNewEpochs?: boolean | undefined } = {},
): Promise<Notarium> {
  const trusted = options.networkFile === undefined ? undefined : await readNetworkFile(options.networkFile);
  return new Notarium({
    url: settings.url ?? defaultUrl,
    signer: options.signer,
    apiKey: settings.apiKey,
    rpcUrl: settings.rpcUrl,
    trusted,
    networksFolder: settings.networks,
    trustNewEpochs: options.trustNewEpochs,
  });
}

/**
 * The key pair by the settings: `key` before `keystore`; undefined when there is neither.
 * @throws NotariumError `key-missing`, `config-invalid`.
 */
export async function openSigner(settings: Settings, terminal: Terminal): Promise<Signer | undefined> {
  if (settings.key === undefined && settings.keystore === undefined) return undefined;
  const crypto = await loadCrypto();
  if (settings.key !== undefined) {
    return localSigner(await privateKeyOf(settings.key, terminal.cwd), crypto);
  }
  const password = await readPassword(settings, terminal, `Password of ${settings.keystore}`);
  const { nodeKey } = await openKeystore(settings.keystore!, password);
  return localSigner(nodeKey, crypto);
}

/**
 * The password: from the file, from the setting, or asked for.
 * @throws NotariumError `key-missing` when there is none and nobody to ask.
 */
export async function readPassword(settings: Settings, terminal: Terminal, question: string): Promise<string> {
  if (settings.passwordFile !== undefined) {
    const text = await readKeyText(settings.passwordFile);
    return text.replace(/\r?\n$/, '');
  }
  if (settings.password !== undefined) return settings.password;
  if (!terminal.interactive) {
    throw new NotariumError('key-missing', 'no password: give --password-file FILE or set NOTARIUM_PASSWORD');
  }
  const answer = await askPassword({ message: question, signal: terminal.signal });
  if (isCancel(answer)) throw new DOMException('cancelled', 'AbortError');
  return answer;
}

/**
 * The private key that `--key` stands for: itself, or a file with it.
 * @throws NotariumError `key-missing`.
 */
export async function privateKeyOf(key: string, cwd: string): Promise<Uint8Array> {
  const bytes = hexBytes(await privateKeyText(key, cwd));
  if (!isPrivateKey(bytes)) throw new NotariumError('key-missing', '--key is no secp256k1 private key');
  return bytes;
}

async function privateKeyText(key: string, cwd: string): Promise<Hex> {
  const text = /^(0x)?[0-9a-fA-F]{64}$/.test(key) ? key : (await readKeyText(resolve(cwd, key))).trim();
  const hex = `0x${text.replace(/^0x/, '').toLowerCase()}`;
  // Never the text itself: it may be half of a key.
  if (!isHex(hex, 32)) throw new NotariumError('key-missing', '--key is no private key, and the file holds none');
  return hex;
}

async function readKeyText(path: string): Promise<string> {
  try {
    return (await readSmallFile(path, { maxBytes: maxKeyBytes, pipes: true })).toString();
  } catch (cause) {
    if (!(cause instanceof NotariumError)) throw cause;
    throw new NotariumError('key-missing', cause.detail, { cause, data: { path } });
  }
}

function hexBytes(hex: Hex): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.slice(2), 'hex'));
}
