import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { chmod, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { toHex } from '../../../services/core/bytes.ts';
import { hashFile } from '../../../services/lib/hashFile.ts';
import { expectCode } from '../../support/expectCode.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const megabyte = 1 << 20;

describe('hashFile', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let path: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
    path = join(folder.path, 'a file.bin');
  });
  afterEach(() => folder[Symbol.asyncDispose]());

  for (const sizeBytes of [0, 1, megabyte - 1, megabyte, megabyte + 1, 3 * megabyte + 7]) {
    it(`hashes ${sizeBytes} bytes`, async () => {
      const bytes = Buffer.alloc(sizeBytes, 'notarium');
      await writeFile(path, bytes);
      const seen: number[] = [];
      const { digest, sizeBytes: size } = await hashFile(path, { onProgress: (readBytes) => seen.push(readBytes) });
      expect(size).to.equal(sizeBytes);
      expect(toHex(digest)).to.equal(`0x${createHash('sha256').update(bytes).digest('hex')}`);
      expect(seen.at(-1) ?? 0).to.equal(sizeBytes);
    });
  }

  it('needs no more memory for a file of 5 GB', async () => {
    const file = await open(path, 'w');
    await file.truncate(5e9);
    await file.close();
    const before = process.memoryUsage().rss;
    let most = 0;
    const stop = new AbortController();
    const hashing = hashFile(path, {
      signal: stop.signal,
      onProgress(readBytes, sizeBytes) {
        expect(sizeBytes).to.equal(5e9);
        most = Math.max(most, process.memoryUsage.rss() - before);
        if (readBytes > 600e6) stop.abort(new Error('enough'));
      },
    });
    const outcome = await hashing.catch((error: Error) => error.message);
    expect(outcome).to.equal('enough');
    expect(most).to.be.lessThan(150 * megabyte);
  });

  const changes: Record<string, () => void> = {
    'written in place': () => writeFileSync(path, 'x', { flag: 'r+' }),
    growing: () => appendFileSync(path, 'more'),
    cut: () => truncateSync(path, megabyte),
    removed: () => rmSync(path),
    'replaced by another': () => {
      writeFileSync(`${path}.new`, Buffer.alloc(3 * megabyte, 1));
      renameSync(`${path}.new`, path);
    },
    'set to an earlier time': () => utimesSync(path, 1, 1),
  };
  for (const [name, change] of Object.entries(changes)) {
    for (const when of ['first', 'last'] as const) {
      it(`notices a file that is ${name} after the ${when} piece`, async () => {
        await writeFile(path, Buffer.alloc(3 * megabyte, 1));
        let done = false;
        const onProgress = (readBytes: number, sizeBytes: number): void => {
          if (done || (when === 'last' && readBytes < sizeBytes)) return;
          done = true;
          change();
        };
        const { data } = await expectCode('file-changed', hashFile(path, { onProgress }));
        expect(data).to.deep.equal({ path });
      });
    }
  }

  it('says what it cannot read', async () => {
    await expectCode('file-unreadable', hashFile(join(folder.path, 'none')));
    await expectCode('file-unreadable', hashFile(folder.path));
    await promisify(execFile)('mkfifo', [join(folder.path, 'pipe')]);
    await expectCode('file-unreadable', hashFile(join(folder.path, 'pipe')));
    await expectCode('file-unreadable', hashFile('/dev/zero'));
  });

  it('says that it may not read', async function () {
    // Root may read everything.
    if (process.getuid?.() === 0) this.skip();
    await writeFile(path, 'secret');
    await chmod(path, 0o000);
    const { data } = await expectCode('file-unreadable', hashFile(path));
    expect(data.cause).to.equal('EACCES');
  });

  it('ends when asked to', async () => {
    const stop = new AbortController();
    stop.abort(new Error('no more'));
    await writeFile(path, 'x');
    const outcome = await hashFile(path, { signal: stop.signal }).catch((error: Error) => error.message);
    expect(outcome).to.equal('no more');
  });
});
