import { createHash, randomBytes } from 'node:crypto';
import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { type Hash, toHex } from '../../../../services/core/bytes.ts';
import { AttachmentStore } from '../../../../services/store/activities/AttachmentStore.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { s3Credentials, type TestS3, testS3 } from '../../../support/s3.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { until } from '../../../support/until.ts';
import { hashOf } from './activityKit.ts';

const digestOf = (bytes: Uint8Array): Hash => toHex(createHash('sha256').update(bytes).digest());
const startMs = Date.now();

for (const where of ['folder', 'bucket'] as const) {
  describe(`AttachmentStore in a ${where}`, () => {
    let s3: TestS3 | undefined;
    let lastPlace = 0;
    before(async () => {
      if (where === 'bucket') s3 = await testS3();
    });
    after(() => s3?.stop());

    async function place() {
      const folder = await temporaryFolder();
      const url = s3?.url(`attachments-${++lastPlace}`);
      const time = { nowMs: startMs };
      const clock = { nowMs: () => time.nowMs, sleep: () => Promise.resolve() };
      return {
        ...{ folder: folder.path, arriving: join(folder.path, 'attachments.arriving'), time },
        open: () =>
          AttachmentStore.open({ dataDir: folder.path, url, s3: s3 && s3Credentials, maxBytes: 1 << 20, clock }),
        [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
      };
    }
    const read = async (store: AttachmentStore, digest: Hash, range?: Parameters<AttachmentStore['open']>[1]) => {
      const opened = await store.open(digest, range);
      return opened && { sizeBytes: opened.sizeBytes, bytes: await buffer(opened.content) };
    };

    it('gives what was put by its digest, whole or in ranges, also after a restart', async () => {
      await using at = await place();
      const store = await at.open();
      for (const bytes of [Buffer.alloc(0), Buffer.from('attachment'), randomBytes(300_000)]) {
        const sealedDigest = digestOf(bytes);
        expect(await store.has(sealedDigest)).to.equal(false);
        expect(await read(store, sealedDigest)).to.equal(undefined);
        const put = await store.put(Readable.from([bytes.subarray(0, 7), bytes.subarray(7)]));
        expect(put).to.deep.equal({ sealedDigest, sizeBytes: bytes.length });
        const again = await at.open();
        expect(await again.has(sealedDigest)).to.equal(true);
        expect(await again.arrived(sealedDigest)).to.equal(bytes.length);
        expect(await read(again, sealedDigest)).to.deep.equal({ sizeBytes: bytes.length, bytes });
        const part = await read(again, sealedDigest, { start: 5, sizeBytes: 4 });
        expect(part).to.deep.equal({ sizeBytes: bytes.length, bytes: bytes.subarray(5, 9) });
        expect((await read(again, sealedDigest, { start: 1000 }))!.bytes).to.deep.equal(bytes.subarray(1000));
      }
      expect(await readdir(at.arriving)).to.deep.equal([]);
    });

    it('goes on where it broke off, also in another process', async () => {
      await using at = await place();
      const bytes = randomBytes(500_000);
      const digest = digestOf(bytes);
      const size = bytes.length;
      let store = await at.open();
      const breaking = async function* (from: number, to: number) {
        yield bytes.subarray(from, to);
        throw new Error('the line is dead');
      };
      let said = '';
      await store.append(digest, size, 0, breaking(0, 100_000)).catch((error: Error) => {
        said = error.message;
      });
      expect(said).to.equal('the line is dead');
      expect(await store.arrived(digest)).to.equal(100_000);
      expect(await store.has(digest)).to.equal(false);
      expect(await store.open(digest)).to.equal(undefined);
      expect((await expectCode('upload-conflict', store.append(digest, size, 0, [bytes]))).data).to.include({
        have: 100_000,
      });
      expect(await store.append(digest, size, 100_000, [bytes.subarray(100_000, 200_000)])).to.equal(200_000);
      store = await at.open();
      expect(await store.arrived(digest)).to.equal(200_000);
      expect(await store.append(digest, size, 200_000, Readable.from([bytes.subarray(200_000)]))).to.equal(size);
      expect((await read(store, digest))!.bytes).to.deep.equal(bytes);
      expect(await readdir(at.arriving)).to.deep.equal([]);
      // It is here: nothing more comes.
      expect(await store.append(digest, size, size, [])).to.equal(size);
      await expectCode('upload-conflict', store.append(digest, size, 0, [bytes]));
    });

    it('takes in what had arrived whole when it was killed', async () => {
      await using at = await place();
      const bytes = randomBytes(1000);
      const digest = digestOf(bytes);
      const store = await at.open();
      await writeFile(join(at.arriving, digest.slice(2)), bytes);
      expect(await store.arrived(digest)).to.equal(1000);
      expect(await store.has(digest)).to.equal(false);
      expect(await store.append(digest, 1000, 1000, [])).to.equal(1000);
      expect((await read(store, digest))!.bytes).to.deep.equal(bytes);
    });

    it('takes nothing that is not what its digest says, and begins anew', async () => {
      await using at = await place();
      const bytes = randomBytes(2000);
      const digest = digestOf(bytes);
      const store = await at.open();
      await expectCode('attachment-mismatch', store.append(digest, 2000, 0, [randomBytes(2000)]));
      expect(await store.arrived(digest)).to.equal(0);
      // Damage on the disk meanwhile, as a loss of power leaves it.
      await store.append(digest, 2000, 0, [bytes.subarray(0, 500)]);
      const path = join(at.arriving, digest.slice(2));
      await writeFile(path, Buffer.alloc(500));
      const other = await at.open();
      await expectCode('attachment-mismatch', other.append(digest, 2000, 500, [bytes.subarray(500)]));
      // Somebody has written more than there is: the file says what has arrived.
      await store.append(digest, 2000, 0, [bytes.subarray(0, 500)]);
      await appendFile(path, bytes.subarray(500, 600));
      expect(await store.append(digest, 2000, 600, [bytes.subarray(600)])).to.equal(2000);
      expect((await read(store, digest))!.bytes).to.deep.equal(bytes);
    });

    it('keeps to its limits', async () => {
      await using at = await place();
      const store = await at.open();
      const large = new Uint8Array(600_000);
      await expectCode('request-too-large', store.put([large, large]));
      await expectCode('request-too-large', store.append(hashOf('x'), 2 << 20, 0, []));
      await expectCode('request-too-large', store.append(hashOf('x'), 1000, 0, [large]));
      expect(await store.arrived(hashOf('x'))).to.equal(0);
      // What a message had said to be larger than it is goes.
      await store.append(hashOf('x'), 1000, 0, [new Uint8Array(900)]);
      const small = Buffer.from('small');
      await store.append(digestOf(small), 1000, 0, [new Uint8Array(900)]);
      await expectCode('upload-conflict', store.append(digestOf(small), small.length, 900, [small]));
      expect(await store.append(digestOf(small), small.length, 0, [small])).to.equal(5);
      expect(await readdir(at.arriving)).to.deep.equal([hashOf('x').slice(2)]);
      for (const bad of ['0x', '0x../../x', hashOf('x').slice(0, 64)] as Hash[]) {
        let error: unknown;
        await store.append(bad, 5, 0, [small]).catch((thrown: unknown) => {
          error = thrown;
        });
        expect(error).to.be.instanceOf(RangeError);
      }
    });

    it('lets one write at a time', async () => {
      await using at = await place();
      const store = await at.open();
      const bytes = randomBytes(1000);
      const digest = digestOf(bytes);
      let go = (): void => undefined;
      const gate = new Promise<void>((resolve) => {
        go = resolve;
      });
      let begun = (): void => undefined;
      const writing = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const slow = async function* () {
        yield bytes.subarray(0, 400);
        begun();
        await gate;
        yield bytes.subarray(400);
      };
      const first = store.append(digest, 1000, 0, slow());
      await writing;
      await expectCode('upload-conflict', store.append(digest, 1000, 400, [bytes.subarray(400)]));
      go();
      expect(await first).to.equal(1000);
      expect((await read(store, digest))!.bytes).to.deep.equal(bytes);
    });

    it('removes what no message names and what never came whole, when it is old', async () => {
      await using at = await place();
      const store = await at.open();
      const [named, unnamed] = [Buffer.from('named'), Buffer.from('unnamed')];
      for (const bytes of [named, unnamed]) await store.put([bytes]);
      await store.append(hashOf('x'), 1000, 0, [new Uint8Array(900)]);
      await writeFile(join(at.arriving, 'put-left'), 'by a kill');
      const names = {
        needed: async (digests: readonly Hash[]) => new Set(digests.filter((each) => each === digestOf(named))),
        release: async () => true,
      };
      at.time.nowMs = startMs + 1000;
      expect(await store.collect(names, 60_000_000)).to.deep.equal({ files: 0, sizeBytes: 0 });
      expect(await store.has(digestOf(unnamed))).to.equal(true);
      at.time.nowMs = Date.now() + 100_000_000;
      if (where === 'folder') {
        // Put again, it is young again.
        await store.put([unnamed]);
        expect(await store.collect(names, 60_000_000)).to.deep.equal({ files: 2, sizeBytes: 909 });
        expect(await store.has(digestOf(unnamed))).to.equal(true);
        at.time.nowMs += 100_000_000;
        expect(await store.collect(names, 60_000_000)).to.deep.equal({ files: 1, sizeBytes: 7 });
      } else {
        expect(await store.collect(names, 60_000_000)).to.deep.equal({ files: 3, sizeBytes: 916 });
      }
      expect(await store.has(digestOf(unnamed))).to.equal(false);
      expect(await store.collect({ needed: async () => new Set(), release: async () => false }, 0)).to.include({
        files: 0,
      });
      expect((await read(store, digestOf(named)))!.bytes).to.deep.equal(named);
      expect(await readdir(at.arriving)).to.deep.equal([]);
      expect(await store.collect(names, 60_000_000)).to.deep.equal({ files: 0, sizeBytes: 0 });
    });

    it('leaves what is being written, however old its last byte is', async () => {
      await using at = await place();
      const store = await at.open();
      const [putting, fetching] = [randomBytes(700), randomBytes(900)];
      let go = (): void => undefined;
      const gate = new Promise<void>((resolve) => {
        go = resolve;
      });
      const slow = async function* (bytes: Uint8Array) {
        yield bytes.subarray(0, 400);
        await gate;
        yield bytes.subarray(400);
      };
      const put = store.put(slow(putting));
      const appended = store.append(digestOf(fetching), 900, 0, slow(fetching));
      await until('both have begun', async () => (await readdir(at.arriving)).length === 2);
      at.time.nowMs = Date.now() + 100_000_000;
      const nothing = { needed: async () => new Set<Hash>(), release: async () => true };
      expect(await store.collect(nothing, 1000)).to.deep.equal({ files: 0, sizeBytes: 0 });
      go();
      expect((await put).sealedDigest).to.equal(digestOf(putting));
      expect(await appended).to.equal(900);
      expect(await store.has(digestOf(fetching))).to.equal(true);
    });

    if (where === 'folder') {
      it('says that the disk failed, and keeps what was there', async () => {
        await using at = await place();
        const store = await at.open();
        const bytes = randomBytes(1000);
        await store.put([bytes]);
        await rm(at.arriving, { recursive: true });
        await writeFile(at.arriving, 'no folder');
        await expectCode('storage-failed', store.put([bytes]));
        await expectCode('storage-failed', store.append(hashOf('x'), 10, 0, [bytes.subarray(0, 5)]));
        const hex = digestOf(bytes).slice(2);
        expect(await readFile(join(at.folder, 'attachments', hex.slice(0, 2), hex.slice(2, 4), hex))).to.deep.equal(
          bytes,
        );
      });
    }
  });
}
