import { execFile } from 'node:child_process';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { walkFiles } from '../../../services/lib/walkFiles.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

describe('walkFiles', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const at = (...names: string[]): string => join(folder.path, ...names);
  beforeEach(async () => {
    folder = await temporaryFolder();
    await mkdir(at('b', 'deep'), { recursive: true });
    await writeFile(at('a.txt'), 'four');
    await writeFile(at('b', 'deep', 'empty'), '');
    await writeFile(at('b', 'z ü.txt'), 'x');
  });
  afterEach(() => folder[Symbol.asyncDispose]());

  async function walked(...paths: string[]): Promise<(string | number | undefined)[][]> {
    const all: (string | number | undefined)[][] = [];
    for await (const { path, ...found } of walkFiles(paths)) {
      const what = 'sizeBytes' in found ? found.sizeBytes : `${found.error?.code} ${found.error?.data.cause}`;
      all.push([relative(folder.path, path), what]);
    }
    return all;
  }

  it('finds the files of folders, in order of name', async () => {
    const want = [
      ['a.txt', 4],
      ['b/deep/empty', 0],
      ['b/z ü.txt', 1],
    ];
    expect(await walked(folder.path)).to.deep.equal(want);
    expect(await walked(at('b'), at('a.txt'))).to.deep.equal([want[1], want[2], want[0]]);
  });

  it('reports links in circles, dangling links, pipes and sockets, and goes on', async () => {
    await symlink('..', at('b', 'deep', 'circle'));
    await symlink('self', at('b', 'self'));
    await symlink('nowhere', at('b', 'dangling'));
    await symlink('../a.txt', at('b', 'fine'));
    await promisify(execFile)('mkfifo', [at('b', 'pipe')]);
    const server = createServer();
    await new Promise<void>((done) => server.listen(at('b', 'socket'), done));
    try {
      expect(await walked(at('b'))).to.deep.equal([
        ['b/dangling', 'file-unreadable ENOENT'],
        ['b/deep/circle', 'file-unreadable ELOOP'],
        ['b/deep/empty', 0],
        ['b/fine', 4],
        ['b/pipe', 'file-unreadable not-a-file'],
        ['b/self', 'file-unreadable ELOOP'],
        ['b/socket', 'file-unreadable not-a-file'],
        ['b/z ü.txt', 1],
      ]);
    } finally {
      await new Promise((done) => server.close(done));
    }
  });

  it('reports a name that is not UTF-8', async function () {
    // Other file systems take no such name.
    if (process.platform !== 'linux') this.skip();
    await writeFile(Buffer.concat([Buffer.from(`${at('b')}/`), Buffer.from([0xff])]), '');
    expect(await walked(at('b'))).to.deep.include(['b/\ufffd', 'file-unreadable not-utf8']);
  });

  it('walks a folder once that links lead to twice', async () => {
    for (const name of ['c1', 'c2']) await symlink('b', at(name));
    expect(await walked(folder.path)).to.have.length(3);
  });

  it('reports what does not exist or may not be read', async function () {
    expect(await walked(at('none'), at('a.txt'))).to.deep.equal([
      ['none', 'file-unreadable ENOENT'],
      ['a.txt', 4],
    ]);
    if (process.getuid?.() === 0) this.skip();
    await chmod(at('b', 'deep'), 0o000);
    expect(await walked(at('b'))).to.deep.include(['b/deep', 'file-unreadable EACCES']);
    await chmod(at('b', 'deep'), 0o700);
  });
});
