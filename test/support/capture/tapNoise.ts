/**
 * Preloaded into a process (`--import`): whatever its noise connections decrypt and encrypt is written into the folder NOTARIUM_TEST_TAP,
 * one file for each direction of each connection. It changes nothing of what the process does.
 */
import crypto from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { registerHooks, syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

const folder = process.env.NOTARIUM_TEST_TAP!;
const cipherName = 'chacha20-poly1305';
mkdirSync(folder, { recursive: true });

// Noise takes a cipher in WebAssembly for what is short: here it takes that of Node for all.
registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    const source = loaded.source?.toString() ?? '';
    if (!source.includes('chaCha20Poly1305Decrypt(')) return loaded;
    return { ...loaded, source: source.replaceAll('text.byteLength < 1200', 'text.byteLength < 0') };
  },
});

type Updating = { update(bytes: Uint8Array): Buffer };

function tapped<T extends Updating>(direction: 'in' | 'out', cipher: T, key: unknown): T {
  const name = crypto
    .createHash('sha256')
    .update(key as Uint8Array)
    .digest('hex')
    .slice(0, 32);
  const update = cipher.update.bind(cipher);
  cipher.update = (bytes: Uint8Array): Buffer => {
    const result = update(bytes);
    appendFileSync(join(folder, `${name}.${direction}`), direction === 'in' ? result : bytes);
    return result;
  };
  return cipher;
}

const { createCipheriv, createDecipheriv } = crypto;
Object.assign(crypto, {
  createCipheriv: (...args: Parameters<typeof createCipheriv>) => {
    const cipher = createCipheriv(...args);
    return args[0] === cipherName ? tapped('out', cipher as Updating, args[1]) : cipher;
  },
  createDecipheriv: (...args: Parameters<typeof createDecipheriv>) => {
    const cipher = createDecipheriv(...args);
    return args[0] === cipherName ? tapped('in', cipher as Updating, args[1]) : cipher;
  },
});
syncBuiltinESMExports();
