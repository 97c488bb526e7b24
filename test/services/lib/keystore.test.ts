import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { expect } from 'chai';
import { Wallet } from 'ethers';
import { toHex } from '../../../services/core/bytes.ts';
import {
  createKeystore,
  openKeystore,
  openOldEncryptionKeys,
  readKeystore,
  renewEncryptionKey,
} from '../../../services/lib/keystore.ts';
import { expectCode } from '../../support/expectCode.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

// Scrypt's real work factor would make every test last seconds.
const quick = { scryptN: 2 };

const filled = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

describe('keystore', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let dir: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
    dir = join(folder.path, 'below', 'keys');
  });
  afterEach(() => folder[Symbol.asyncDispose]());

  it('gets a new encryption key, and keeps those from before until they are taken away', async () => {
    const made = await createKeystore(dir, 'secret', quick);
    const first = (await openKeystore(dir, 'secret')).encryptionKey;
    await expectCode('key-missing', renewEncryptionKey(dir, 'wrong', quick));
    expect(await openOldEncryptionKeys(dir, [], 'secret')).to.deep.equal([]);
    const { encryptionPublicKey, kept } = await renewEncryptionKey(dir, 'secret', quick);
    const opened = await openKeystore(dir, 'secret');
    expect(opened).to.include({ address: made.address, noteKey: made.noteKey, encryptionPublicKey });
    expect(opened.encryptionKey).not.to.deep.equal(first);
    expect(await openOldEncryptionKeys(dir, [], 'secret')).to.deep.equal([first]);
    expect((await stat(kept)).mode & 0o777).to.equal(0o600);
    const elsewhere = join(folder.path, 'old.json');
    await rename(kept, elsewhere);
    expect(await openOldEncryptionKeys(dir, [], 'secret')).to.deep.equal([]);
    expect(await openOldEncryptionKeys(dir, [elsewhere], 'secret')).to.deep.equal([first]);
    await expectCode('key-missing', openOldEncryptionKeys(dir, [elsewhere], 'wrong'));
    await expectCode('key-missing', openOldEncryptionKeys(dir, [join(dir, 'node-key.json')], 'secret'));
    await renewEncryptionKey(dir, 'secret', quick);
    expect(await openOldEncryptionKeys(dir, [elsewhere], 'secret')).to.deep.equal([opened.encryptionKey, first]);
  });

  it('opens with its password what it made', async () => {
    const made = await createKeystore(dir, 'pass wörd', quick);
    expect(await readKeystore(dir)).to.deep.equal(made);
    const opened = await openKeystore(dir, 'pass wörd');
    expect(opened).to.deep.include(made);
    const { nodeKey, noteSeed, encryptionKey } = opened;
    expect(new Set([nodeKey, noteSeed, encryptionKey].map(toHex)).size).to.equal(3);
    expect(new Wallet(toHex(nodeKey)).address.toLowerCase()).to.equal(made.address);
  });

  it('takes secrets over, and names the public keys that others derive', async () => {
    const secrets = { nodeKey: filled(1), noteSeed: filled(2), encryptionKey: filled(3) };
    const made = await createKeystore(dir, 'x', { ...quick, secrets });
    expect(made).to.deep.equal({
      address: new Wallet(toHex(secrets.nodeKey)).address.toLowerCase(),
      noteKey: toHex(ed25519.getPublicKey(secrets.noteSeed)),
      encryptionPublicKey: toHex(x25519.getPublicKey(secrets.encryptionKey)),
    });
    expect(await openKeystore(dir, 'x')).to.deep.equal({ ...made, ...secrets });
  });

  it('leaves nothing behind when it cannot be made', async () => {
    // The file format holds secp256k1 keys, of which zero is none.
    const outcome = await createKeystore(dir, 'x', { ...quick, secrets: { noteSeed: filled(0) } }).catch(
      () => 'failed',
    );
    expect(outcome).to.equal('failed');
    expect(await readdir(join(folder.path, 'below'))).to.deep.equal([]);
  });

  it('shows no secret to others', async () => {
    await createKeystore(dir, 'x', quick);
    const secrets = await openKeystore(dir, 'x');
    const names = await readdir(dir);
    expect(names.sort()).to.deep.equal(['encryption-key.json', 'node-key.json', 'note-key.json']);
    expect((await stat(dir)).mode & 0o777).to.equal(0o700);
    for (const name of names) {
      expect((await stat(join(dir, name))).mode & 0o777).to.equal(0o600);
      const text = (await readFile(join(dir, name), 'utf8')).toLowerCase();
      for (const secret of [secrets.nodeKey, secrets.noteSeed, secrets.encryptionKey]) {
        expect(text).to.not.include(toHex(secret).slice(2));
      }
      expect('address' in JSON.parse(text)).to.equal(name === 'node-key.json');
    }
  });

  it('is never overwritten', async () => {
    const made = await createKeystore(dir, 'x', quick);
    await expectCode('key-exists', createKeystore(dir, 'y', quick));
    expect(await readKeystore(dir)).to.deep.equal(made);
    expect(await readdir(join(folder.path, 'below'))).to.deep.equal(['keys']);
  });

  it('says when a key is missing, damaged, mixed up, or the password wrong', async () => {
    await expectCode('key-missing', readKeystore(dir));
    await createKeystore(dir, 'x', quick);
    const { data } = await expectCode('key-missing', openKeystore(dir, 'X'));
    expect(data).to.deep.equal({ path: join(dir, 'node-key.json') });
    const file = join(dir, 'note-key.json');
    const text = await readFile(file, 'utf8');
    await writeFile(file, await readFile(join(dir, 'encryption-key.json'), 'utf8'));
    await expectCode('key-missing', openKeystore(dir, 'x'));
    await writeFile(file, text.replace(/"public": "0x./, '"public": "0x'));
    await expectCode('key-missing', readKeystore(dir));
    await writeFile(file, text.replace(/"public": "0x[0-9a-f]{64}/, `"public": "0x${'11'.repeat(32)}`));
    await expectCode('key-missing', openKeystore(dir, 'x'));
    await writeFile(file, text.slice(0, 100));
    await expectCode('key-missing', openKeystore(dir, 'x'));
    await writeFile(file, text);
    await openKeystore(dir, 'x');
  });

  it('opens a keystore of the real work factor', async () => {
    await createKeystore(dir, 'x');
    const scrypt = JSON.parse(await readFile(join(dir, 'node-key.json'), 'utf8')).Crypto.kdfparams;
    expect(scrypt).to.deep.include({ n: 131_072, r: 8, p: 1 });
    await openKeystore(dir, 'x');
  });
});
