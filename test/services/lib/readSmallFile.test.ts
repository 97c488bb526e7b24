import { execFileSync } from 'node:child_process';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { isMissingFile, readSmallFile } from '../../../services/lib/readSmallFile.ts';
import { expectCode } from '../../support/expectCode.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const maxBytes = 100_000;

describe('readSmallFile', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let path: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
    path = join(folder.path, 'a file');
  });
  afterEach(() => folder[Symbol.asyncDispose]());

  it('gives all of a file up to the limit, and nothing of one above', async () => {
    for (const sizeBytes of [0, 1, 65_536, maxBytes]) {
      const bytes = Buffer.alloc(sizeBytes, 'notarium');
      await writeFile(path, bytes);
      expect((await readSmallFile(path, { maxBytes })).equals(bytes), String(sizeBytes)).to.equal(true);
    }
    await writeFile(path, Buffer.alloc(maxBytes + 1));
    const { data } = await expectCode('file-unreadable', readSmallFile(path, { maxBytes }));
    expect(data).to.deep.equal({ path, cause: 'too-large' });
    await expectCode('receipt-malformed', readSmallFile(path, { maxBytes, tooLarge: 'receipt-malformed' }));
  });

  it('reads nothing of a great file', async () => {
    const file = await open(path, 'w');
    await file.truncate(50e9);
    await file.close();
    const before = process.memoryUsage.rss();
    await expectCode('file-unreadable', readSmallFile(path, { maxBytes }));
    expect(process.memoryUsage.rss() - before).to.be.lessThan(50e6);
  });

  it('says that there is no file', async () => {
    const error = await expectCode('file-unreadable', readSmallFile(path, { maxBytes }));
    expect(error.data).to.deep.equal({ path, cause: 'ENOENT' });
    expect(isMissingFile(error)).to.equal(true);
    const folderError = await expectCode('file-unreadable', readSmallFile(folder.path, { maxBytes }));
    expect(isMissingFile(folderError)).to.equal(false);
  });

  it('takes no device, and a pipe only where it may, and then no endless one', async () => {
    execFileSync('mkfifo', [path]);
    for (const strange of ['/dev/zero', '/dev/null', path]) {
      const { data } = await expectCode('file-unreadable', readSmallFile(strange, { maxBytes }));
      expect(data.cause).to.equal('not-a-file');
    }
    await expectCode('file-unreadable', readSmallFile('/dev/zero', { maxBytes, pipes: true }));
    const written = writeFile(path, 'a password');
    expect((await readSmallFile(path, { maxBytes, pipes: true })).toString()).to.equal('a password');
    await written;
    const endless = writeFile(path, Buffer.alloc(4 * maxBytes)).catch((error: NodeJS.ErrnoException) => error.code);
    await expectCode('file-unreadable', readSmallFile(path, { maxBytes, pipes: true }));
    expect(await endless).to.equal('EPIPE');
  });

  it('reads files that tell no size', async function () {
    if (process.platform !== 'linux') this.skip();
    const status = await readSmallFile('/proc/self/status', { maxBytes });
    expect(status.toString()).to.match(/^Name:/);
    await expectCode('file-unreadable', readSmallFile('/proc/self/status', { maxBytes: 10 }));
  });
});
