import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { toHex } from '../../../../services/core/bytes.ts';
import { checkEvidence } from '../../../../services/store/channels/checkEvidence.ts';
import { EvidenceVault } from '../../../../services/store/channels/EvidenceVault.ts';
import type { Uploads } from '../../../../services/store/channels/Uploads.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { s3Credentials, type TestS3, testS3 } from '../../../support/s3.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { channelA, channelB, contentsOf, declare, openUploads, packOf, put, read, sha256Of } from './vaultKit.ts';

const dayMs = 86_400_000;

for (const where of ['folder', 'bucket'] as const) {
  describe(`EvidenceVault in a ${where}`, () => {
    let s3: TestS3 | undefined;
    let lastPlace = 0;
    before(async () => {
      if (where === 'bucket') s3 = await testS3();
    });
    after(() => s3?.stop());

    async function place(): Promise<
      AsyncDisposable & { folder: string; uploads: Uploads; open(): Promise<EvidenceVault> }
    > {
      const folder = await temporaryFolder();
      const url = s3?.url(`vault-${++lastPlace}`);
      return {
        folder: join(folder.path, 'evidence'),
        uploads: await openUploads(join(folder.path, 'uploads')),
        open: () => EvidenceVault.open({ folder: join(folder.path, 'evidence'), url, s3: s3 && s3Credentials }),
        [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
      };
    }

    it('gives what was put by its digest, also after a restart, and nothing for another one', async () => {
      await using at = await place();
      const vault = await at.open();
      for (const content of [Buffer.alloc(0), Buffer.from('evidence'), randomBytes(300_000)]) {
        const digest = await put(vault, at.uploads, content);
        const again = await at.open();
        expect(await read(again, digest)).to.deep.equal(content);
      }
      expect(await read(vault, sha256Of(Buffer.from('other')))).to.equal(undefined);
      expect(await readdir(join(at.folder, '..', 'uploads'))).to.deep.equal([]);
    });

    it('finds each content of a pack, and the pack by its root', async () => {
      await using at = await place();
      const vault = await at.open();
      const contents = [...contentsOf(500), Buffer.alloc(0), randomBytes(200_000)];
      const { bytes, root } = packOf(contents);
      await put(vault, at.uploads, bytes, { digest: root, kind: 'pack' });
      const again = await at.open();
      for (const content of [...contents.slice(0, 20), ...contents.slice(-3)]) {
        expect(await read(again, sha256Of(content))).to.deep.equal(content);
        expect(await read(again, sha256Of(content), { within: root })).to.deep.equal(content);
      }
      expect(await read(again, root)).to.deep.equal(Buffer.from(bytes));
      expect(await read(again, sha256Of(Buffer.from('no member')))).to.equal(undefined);
      const [file] = await again.filesOf(root);
      expect(await checkEvidence(again, file!)).to.include({ found: 'intact', kind: 'pack', sizeBytes: bytes.length });
    });

    it('takes in the rest of what a kill has left half taken', async () => {
      await using at = await place();
      const before = await at.open();
      const contents = contentsOf(20);
      const { bytes, root } = packOf(contents);
      const { id } = await at.uploads.create(channelA, declare(bytes, root, 'pack'));
      await at.uploads.append(channelA, id, 0, [bytes]);
      const files = await at.uploads.finished(channelA, id);
      // A kill between the two files, and one before it was noted that both were taken.
      await before.take({ ...files, membersPath: undefined });
      expect(await at.uploads.isMoved(channelA, id)).to.equal(true);
      await (await at.open()).take(files);
      const after = await at.open();
      await after.take(files);
      for (const content of contents) {
        expect(await read(after, sha256Of(content), { within: root })).to.deep.equal(content);
      }
    });

    it('keeps content encrypted: the right key reads it, no other one, and the checksum needs none', async () => {
      await using at = await place();
      const vault = await at.open();
      const key = randomBytes(32);
      for (const sizeBytes of [0, 1, 65_536, 65_537, 200_000]) {
        const content = randomBytes(sizeBytes);
        const digest = await put(vault, at.uploads, content, { key });
        expect(await read(vault, digest, { key })).to.deep.equal(content);
        await expectCode('evidence-key-missing', vault.open(digest));
        await expectCode('evidence-key-missing', vault.open(digest, { key: randomBytes(32) }));
        const [file] = await vault.filesOf(digest);
        expect((await checkEvidence(vault, file!)).found).to.equal('stored');
        expect((await checkEvidence(vault, file!, randomBytes(32))).found).to.equal('stored');
        expect((await checkEvidence(vault, file!, key)).found).to.equal('intact');
      }
      const contents = contentsOf(300);
      const { bytes, root } = packOf([randomBytes(70_000), ...contents]);
      await put(vault, at.uploads, bytes, { digest: root, kind: 'pack', key });
      expect(await read(vault, sha256Of(contents[299]!), { key })).to.deep.equal(contents[299]);
      await expectCode('evidence-key-missing', vault.open(sha256Of(contents[0]!)));
    });

    it('writes documents beside evidence, for each channel its own', async () => {
      await using at = await place();
      const vault = await at.open();
      const digest = toHex(await put(vault, at.uploads, Buffer.from('evidence')));
      await vault.putDocuments([
        { channelId: channelA, digest, name: 'bill-1', kind: 'content', json: '{"a":1}' },
        { channelId: channelB, digest, name: 'bill-1', kind: 'content', json: '{"b":1}' },
      ]);
      await vault.putDocuments([{ channelId: channelA, digest, name: 'bill-1', kind: 'content', json: '{"a":2}' }]);
      expect([...(await vault.documents(channelA, digest))]).to.deep.equal([['bill-1-content', '{"a":2}']]);
      expect([...(await vault.documents(channelB, digest))]).to.deep.equal([['bill-1-content', '{"b":1}']]);
      const missing = toHex(new Uint8Array(32));
      await expectCode(
        'evidence-not-found',
        vault.putDocuments([{ channelId: channelA, digest: missing, name: 'x', kind: 'content', json: '{}' }]),
      );
    });

    it('looks for a content of a channel in no pack but its own', async () => {
      await using at = await place();
      const vault = await at.open();
      const contents = contentsOf(9);
      const mine = packOf(contents);
      const theirs = packOf(contentsOf(9, 'theirs'));
      for (const { bytes, root } of [mine, theirs]) await put(vault, at.uploads, bytes, { digest: root, kind: 'pack' });
      const document = { name: 'bill', kind: 'pack', json: '{}' } as const;
      await vault.putDocuments([
        { ...document, channelId: channelA, digest: toHex(mine.root) },
        { ...document, channelId: channelB, digest: toHex(theirs.root) },
      ]);
      for (const reader of [vault, await at.open()]) {
        const member = await reader.open(sha256Of(contents[4]!), { holder: channelA });
        expect(await buffer(member!.content)).to.deep.equal(Buffer.from(contents[4]!));
        expect(await reader.open(sha256Of(contents[4]!), { holder: channelB })).to.equal(undefined);
      }
      if (s3) return;
      // An index that is read is missed where it is gone.
      await rm(join(at.folder, 'members', toHex(theirs.root).slice(2)));
      expect(await vault.open(sha256Of(Buffer.from('nowhere')), { holder: channelA })).to.equal(undefined);
      await expectCode('storage-failed', vault.open(sha256Of(Buffer.from('nowhere')), { holder: channelB }));
    });

    it('collects what no channel holds, when it is old enough, and nothing else', async () => {
      await using at = await place();
      const vault = await at.open();
      const held = await put(vault, at.uploads, Buffer.from('held'));
      const loose = await put(vault, at.uploads, Buffer.from('loose'));
      const pack = packOf(contentsOf(3));
      await put(vault, at.uploads, pack.bytes, { digest: pack.root, kind: 'pack' });
      const document = { digest: toHex(held), name: 'hold', kind: 'content', json: '{}' } as const;
      await vault.putDocuments([
        { ...document, channelId: channelA },
        { ...document, channelId: channelB },
      ]);
      expect(await vault.collect(dayMs, Date.now())).to.deep.equal({ files: 0, sizeBytes: 0 });
      const later = Date.now() + 2 * dayMs;
      expect(await vault.collect(dayMs, later)).to.deep.equal({ files: 2, sizeBytes: 5 + pack.bytes.length });
      expect(await vault.filesOf(loose)).to.deep.equal([]);
      expect(await read(vault, sha256Of(contentsOf(1)[0]!))).to.equal(undefined);
      await vault.release(channelA, toHex(held));
      expect((await vault.collect(dayMs, later)).files).to.equal(0);
      await vault.release(channelB, toHex(held));
      expect(await vault.collect(dayMs, later)).to.deep.equal({ files: 1, sizeBytes: 4 });
      expect(await read(await at.open(), held)).to.equal(undefined);
    });

    it('says which digests a channel holds: contents, roots and members of packs', async () => {
      await using at = await place();
      const vault = await at.open();
      const contents = contentsOf(50);
      const { bytes, root } = packOf(contents);
      await put(vault, at.uploads, bytes, { digest: root, kind: 'pack' });
      const single = await put(vault, at.uploads, Buffer.from('single'));
      const sorted = (digests: Uint8Array[]): Uint8Array => Buffer.concat(digests.sort(Buffer.compare));
      const fresh = contentsOf(20, 'fresh').map(sha256Of);
      const asked = sorted([...fresh, sha256Of(contents[7]!), single]);
      expect(await vault.firstHeld(asked)).to.equal(undefined);
      await vault.putDocuments([
        { channelId: channelA, digest: toHex(single), name: 'hold', kind: 'content', json: '{}' },
      ]);
      expect(await vault.firstHeld(asked)).to.deep.equal(single);
      await vault.putDocuments([{ channelId: channelA, digest: toHex(root), name: 'hold', kind: 'pack', json: '{}' }]);
      expect(toHex((await vault.firstHeld(sorted([...fresh, sha256Of(contents[7]!)])))!)).to.equal(
        toHex(sha256Of(contents[7]!)),
      );
      expect(await vault.firstHeld(sorted(fresh))).to.equal(undefined);
    });
  });
}

describe('EvidenceVault and large objects', () => {
  it('moves what is over 64 MiB into a bucket in parts', async () => {
    const s3 = await testS3();
    try {
      await using folder = await temporaryFolder();
      const url = s3.url('large');
      const vault = await EvidenceVault.open({ folder: folder.path, url, s3: s3Credentials });
      const content = Buffer.concat([randomBytes(1000), Buffer.alloc(64 * 1024 * 1024), randomBytes(1000)]);
      const digest = await put(vault, await openUploads(join(folder.path, 'uploads')), content);
      const [file] = await vault.filesOf(digest);
      expect(await checkEvidence(vault, file!)).to.include({ found: 'intact', sizeBytes: content.length });
    } finally {
      await s3.stop();
    }
  });
});

describe('EvidenceVault and damage', () => {
  async function damaged(
    change: (path: string) => Promise<void>,
    key?: Uint8Array,
    content: Uint8Array = randomBytes(150_000),
  ): Promise<AsyncDisposable & { vault: EvidenceVault; digest: Uint8Array }> {
    const folder = await temporaryFolder();
    const vault = await EvidenceVault.open({ folder: join(folder.path, 'evidence') });
    const digest = await put(vault, await openUploads(join(folder.path, 'uploads')), content, key ? { key } : {});
    const [file] = await vault.filesOf(digest);
    await change(join(folder.path, 'evidence', file!.name));
    return { vault, digest, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
  }
  const flip = (at: number) => async (path: string) => {
    const bytes = await readFile(path);
    bytes[at < 0 ? bytes.length + at : at]! ^= 1;
    await writeFile(path, bytes);
  };
  const check = async ({ vault, digest }: { vault: EvidenceVault; digest: Uint8Array }, key?: Uint8Array) =>
    checkEvidence(vault, (await vault.filesOf(digest))[0]!, key);

  it('finds one altered byte, and a cut file', async () => {
    for (const change of [flip(77_777), (path: string) => truncate(path, 100)]) {
      await using place = await damaged(change);
      await expectCode('evidence-corrupt', check(place));
    }
  });

  it('finds them in encrypted content without the key and with it, and never gives a wrong byte', async () => {
    const key = randomBytes(32);
    for (const change of [flip(30), flip(70_000), flip(-40), (path: string) => truncate(path, 70_000)]) {
      await using place = await damaged(change, key);
      await expectCode('evidence-corrupt', check(place));
      await expectCode('evidence-corrupt', check(place, key));
      await expectCode('evidence-corrupt', read(place.vault, place.digest, { key }));
    }
    await using place = await damaged(flip(-1), key);
    await expectCode('evidence-corrupt', check(place));
  });

  it('does not take a chunk at another place for the right one', async () => {
    const key = randomBytes(32);
    const swap = async (path: string): Promise<void> => {
      const bytes = await readFile(path);
      const record = 65_536 + 28;
      const first = Buffer.from(bytes.subarray(50, 50 + record));
      bytes.copyWithin(50, 50 + record, 50 + 2 * record);
      bytes.set(first, 50 + record);
      await writeFile(path, bytes);
    };
    await using place = await damaged(swap, key);
    await expectCode('evidence-corrupt', read(place.vault, place.digest, { key }));
  });

  it('finds a damaged index of a pack', async () => {
    await using folder = await temporaryFolder();
    const vault = await EvidenceVault.open({ folder: folder.path });
    const { bytes, root } = packOf(contentsOf(10));
    await put(vault, await openUploads(join(folder.path, 'uploads')), bytes, { digest: root, kind: 'pack' });
    const [name] = await readdir(join(folder.path, 'members'));
    await flip(40)(join(folder.path, 'members', name!));
    await expectCode('evidence-corrupt', check({ vault, digest: root }));
  });

  it('writes unheld content anew when it comes again, so that it is not collected under a bill', async () => {
    await using folder = await temporaryFolder();
    const vault = await EvidenceVault.open({ folder: folder.path });
    const uploads = await openUploads(join(folder.path, 'uploads'));
    const digest = await put(vault, uploads, Buffer.from('again'));
    const [file] = await vault.filesOf(digest);
    await utimes(join(folder.path, file!.name), 1, 1);
    await put(vault, uploads, Buffer.from('again'));
    expect((await vault.collect(dayMs, Date.now())).files).to.equal(0);
    await utimes(join(folder.path, file!.name), 1, 1);
    expect((await vault.collect(dayMs, Date.now())).files).to.equal(1);
  });
});
