import { randomBytes, scrypt } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { computeAddress, decryptKeystoreJson, encryptKeystoreJson, scrypt as ethersScrypt } from 'ethers';
import { z } from 'zod';
import { type Address, fromHex, type Hash, type Hex, toHex } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { addressSchema, hashSchema } from '../core/schemas.ts';
import { curveKey } from './curveKey.ts';
import { readSmallFile } from './readSmallFile.ts';
import { syncFolder } from './syncFolder.ts';

/** The three secrets of a centre, 32 bytes each. */
export type KeystoreSecrets = {
  /** secp256k1: signs blocks, acceptances and transactions; also the libp2p identity. */
  readonly nodeKey: Uint8Array;
  /** Ed25519 seed: signs checkpoints. */
  readonly noteSeed: Uint8Array;
  /** X25519: opens private activities. */
  readonly encryptionKey: Uint8Array;
};

/** What everybody may know about a keystore. */
export type KeystorePublic = {
  readonly address: Address;
  /** Ed25519 public key. */
  readonly noteKey: Hash;
  /** X25519 public key. */
  readonly encryptionPublicKey: Hash;
};

/** An opened keystore. */
export type Keystore = KeystorePublic & KeystoreSecrets;

const maxKeyFileBytes = 1 << 16;

type Kind = 'secp256k1' | 'ed25519' | 'x25519';

const files = {
  nodeKey: { name: 'node-key.json', kind: 'secp256k1' },
  noteSeed: { name: 'note-key.json', kind: 'ed25519' },
  encryptionKey: { name: 'encryption-key.json', kind: 'x25519' },
} as const satisfies Record<keyof KeystoreSecrets, { name: string; kind: Kind }>;

type KeyFile = { readonly name: string; readonly kind: Kind };

/** Of files with encryption keys from before. */
const keptPrefix = 'encryption-key-';

const publicSchema = z.looseObject({
  notarium: z.strictObject({
    kind: z.enum(['secp256k1', 'ed25519', 'x25519']),
    public: z.union([addressSchema, hashSchema]),
  }),
});

// The library's own scrypt is JavaScript: three seconds a key on the main thread instead of a third of one beside it.
ethersScrypt.register(
  (password, salt, N, r, p, keyBytes) =>
    new Promise((done, fail) => {
      scrypt(password, salt, keyBytes, { N, r, p, maxmem: 128 * r * (N + p) + (1 << 20) }, (error, key) =>
        error ? fail(error) : done(new Uint8Array(key)),
      );
    }),
);

/**
 * Makes a keystore: a folder (mode 0700) with three Web3 Secret Storage files (version 3, mode 0600), of which only the
 * password opens the secrets. All or nothing: a crash leaves no half of one.
 * @param options.secrets Secrets to take over; each one left out is drawn at random.
 * @param options.scryptN Work factor; the default 2^17 takes about 0.4 s and 128 MB a key. Lower only in tests.
 * @throws NotariumError `key-exists` when the folder exists and is not empty.
 */
export async function createKeystore(
  dir: string,
  password: string,
  options: { secrets?: Partial<KeystoreSecrets>; scryptN?: number } = {},
): Promise<KeystorePublic> {
  const place = resolve(dir);
  await mkdir(dirname(place), { recursive: true });
  const draft = await mkdtemp(join(dirname(place), `.${basename(place)}-`));
  try {
    for (const key of keysOf(files)) {
      const secret = options.secrets?.[key] ?? randomBytes(32);
      const text = await sealed(files[key].kind, secret, password, options.scryptN ?? 1 << 17);
      await writeSecretFile(join(draft, files[key].name), text);
    }
    await syncFolder(draft);
    await renameOver(draft, place);
    await syncFolder(dirname(place));
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
  return readKeystore(place);
}

/**
 * The public parts of a keystore; needs no password.
 * @throws NotariumError `key-missing`.
 */
export async function readKeystore(dir: string): Promise<KeystorePublic> {
  return {
    address: (await readKeyFile(dir, files.nodeKey)).public,
    noteKey: (await readKeyFile(dir, files.noteSeed)).public,
    encryptionPublicKey: (await readKeyFile(dir, files.encryptionKey)).public,
  };
}

/**
 * Opens a keystore; each secret is checked against its public part.
 * @throws NotariumError `key-missing` when a file is missing or damaged, or the password is wrong; data `{ path }`.
 */
export async function openKeystore(dir: string, password: string): Promise<Keystore> {
  return {
    ...(await readKeystore(dir)),
    // One after the other: each takes its 128 MB while it is opened.
    nodeKey: await openKeyFile(dir, files.nodeKey, password),
    noteSeed: await openKeyFile(dir, files.noteSeed, password),
    encryptionKey: await openKeyFile(dir, files.encryptionKey, password),
  };
}

/**
 * Makes another encryption key in a keystore. The file of the one before stays beside it: what was sealed to that is read with it, until it
 * is taken away. A crash leaves the one key or the other in use, and never none.
 * @returns The new public key, and the file with the old one.
 * @throws NotariumError `key-missing`, as {@link openKeystore}.
 */
export async function renewEncryptionKey(
  dir: string,
  password: string,
  options: { scryptN?: number } = {},
): Promise<{ readonly encryptionPublicKey: Hash; readonly kept: string }> {
  const place = resolve(dir);
  // A new one under another password would leave two halves of a keystore.
  await openKeyFile(place, files.encryptionKey, password);
  const { text, public: old } = await readKeyFile(place, files.encryptionKey);
  const kept = join(place, `${keptPrefix}${old.slice(2, 18)}.json`);
  await rm(kept, { force: true });
  await writeSecretFile(kept, text);
  const draft = join(place, '.encryption-key.json');
  await rm(draft, { force: true });
  await writeSecretFile(draft, await sealed('x25519', randomBytes(32), password, options.scryptN ?? 1 << 17));
  await syncFolder(place);
  await rename(draft, join(place, files.encryptionKey.name));
  await syncFolder(place);
  return { encryptionPublicKey: (await readKeyFile(place, files.encryptionKey)).public, kept };
}

/**
 * Encryption keys that a node had before: those kept in its keystore, and other files of the same form and password.
 * @throws NotariumError `key-missing`, as {@link openKeystore}.
 */
export async function openOldEncryptionKeys(
  dir: string,
  others: readonly string[],
  password: string,
): Promise<Uint8Array[]> {
  const kept = (await readdir(dir)).filter((name) => name.startsWith(keptPrefix) && name.endsWith('.json')).toSorted();
  const keys: Uint8Array[] = [];
  for (const path of [...kept.map((name) => join(dir, name)), ...others])
    keys.push(await openKeyFile(dirname(path), { name: basename(path), kind: 'x25519' }, password));
  return keys;
}

async function sealed(kind: Kind, secret: Uint8Array, password: string, scryptN: number): Promise<string> {
  if (secret.length !== 32) throw new RangeError('a secret has 32 bytes');
  const privateKey = toHex(secret);
  const account = { address: computeAddress(privateKey), privateKey };
  const keystore = JSON.parse(await encryptKeystoreJson(account, password, { scrypt: { N: scryptN } }));
  // The address of a note seed means nothing, and one had better not publish a function of it.
  if (kind !== 'secp256k1') delete keystore.address;
  return `${JSON.stringify({ ...keystore, notarium: { kind, public: publicPart(kind, secret) } }, null, 2)}\n`;
}

function publicPart(kind: Kind, secret: Uint8Array): Hex {
  if (kind === 'secp256k1') return computeAddress(toHex(secret)).toLowerCase() as Hex;
  return curveKey(kind, secret).publicKey;
}

async function readKeyFile(dir: string, { name, kind }: KeyFile): Promise<{ text: string; public: Hex }> {
  const path = join(dir, name);
  try {
    const text = (await readSmallFile(path, { maxBytes: maxKeyFileBytes })).toString();
    const { notarium } = publicSchema.parse(JSON.parse(text));
    if (notarium.kind !== kind) throw new Error(`a key of kind ${notarium.kind}`);
    return { text, public: notarium.public };
  } catch (cause) {
    throw keyMissing(path, cause instanceof SyntaxError || cause instanceof z.ZodError ? 'damaged' : undefined, cause);
  }
}

async function openKeyFile(dir: string, key: KeyFile, password: string): Promise<Uint8Array> {
  const path = join(dir, key.name);
  const file = await readKeyFile(dir, key);
  let secret: Uint8Array;
  try {
    secret = fromHex((await decryptKeystoreJson(file.text, password)).privateKey);
  } catch (cause) {
    throw keyMissing(path, 'wrong password or damaged', cause);
  }
  if (publicPart(key.kind, secret) !== file.public) throw keyMissing(path, 'another key than it names');
  return secret;
}

function keyMissing(path: string, detail: string | undefined, cause?: unknown): NotariumError {
  return new NotariumError('key-missing', detail ? `${path}: ${detail}` : path, { data: { path }, cause });
}

async function writeSecretFile(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function renameOver(draft: string, place: string): Promise<void> {
  try {
    // Takes the place of an empty folder, never of one that holds anything.
    await rename(draft, place);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR') throw cause;
    throw new NotariumError('key-exists', place, { data: { path: place }, cause });
  }
}

function keysOf<T extends object>(object: T): (keyof T)[] {
  return Object.keys(object) as (keyof T)[];
}
