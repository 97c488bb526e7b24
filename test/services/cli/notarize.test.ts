import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Receipt } from '../../../services/core/receipt.ts';
import { type CliPlace, type CliRun, cli } from '../../support/cliKit.ts';
import { type HttpTest, sealingUntil, startHttpTest, stopHttpTests } from '../../support/httpTest.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

// Well-known development key: 32 bytes of 5.
const key = `0x${'05'.repeat(32)}`;
type Report = {
  ok: boolean;
  accepted: number;
  anchored: number;
  kept: number;
  failed: number;
  files: { path: string; status: string; id?: string; code?: string; evidence?: string }[];
};

describe('notarium notarize', () => {
  let http: HttpTest;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: CliPlace;
  const notarize = (...argv: string[]): Promise<CliRun> =>
    cli(place, 'notarize', '--url', http.url, '--key', key, '--json', ...argv);
  const sealing = (run: Promise<CliRun>): Promise<CliRun> => sealingUntil(http, run);

  beforeEach(async () => {
    folder = await temporaryFolder();
    place = { cwd: folder.path };
    http = await startHttpTest();
    await mkdir(join(folder.path, 'docs/deep'), { recursive: true });
    await writeFile(join(folder.path, 'docs/a.txt'), 'a');
    await writeFile(join(folder.path, 'docs/empty'), '');
    await writeFile(join(folder.path, 'docs/deep/b.txt'), 'b');
  });
  afterEach(async () => {
    await stopHttpTests();
    await folder[Symbol.asyncDispose]();
  });

  it('writes a receipt for each file of a folder, and verify takes every one of them offline', async () => {
    const run = await sealing(notarize('docs', '--wait'));
    expect(run.code, run.stdout + run.stderr).to.equal(0);
    expect(run.json<Report>()).to.include({ ok: true, anchored: 3, accepted: 0, failed: 0 });
    expect(await readdir(join(folder.path, 'docs'))).to.have.members([
      'a.txt',
      'a.txt.receipt.json',
      'deep',
      'empty',
      'empty.receipt.json',
    ]);
    await stopHttpTests();
    for (const name of ['docs/a.txt', 'docs/empty', 'docs/deep/b.txt']) {
      const verified = await cli(place, 'verify', name, `${name}.receipt.json`, '--offline', '--json');
      expect(verified.code, verified.stdout).to.equal(0);
      expect(verified.json()).to.include({ ok: true, online: false });
    }
    await writeFile(join(folder.path, 'docs/a.txt'), 'A');
    expect((await cli(place, 'verify', 'docs/a.txt', '--offline')).code).to.equal(11);
  });

  it('puts all files under one record, and gives each its own receipt', async () => {
    const run = await sealing(notarize('docs', '--aggregate', '--wait', '--out', 'out'));
    expect(run.code, run.stdout + run.stderr).to.equal(0);
    const { files } = run.json<Report>();
    expect(new Set(files.map(({ id }) => id)).size).to.equal(1);
    expect(await http.centre.status()).to.deep.include({ log: (await http.centre.status()).log });
    expect((await http.centre.status()).log.size).to.equal(1);
    const receipt = JSON.parse(await readFile(join(folder.path, 'out/docs/a.txt.receipt.json'), 'utf8')) as Receipt;
    expect(receipt.inner?.treeSize).to.equal(3);
    for (const name of ['docs/a.txt', 'docs/empty', 'docs/deep/b.txt']) {
      expect((await cli(place, 'verify', name, `out/${name}.receipt.json`, '--offline')).code).to.equal(0);
    }
    expect((await cli(place, 'verify', 'docs/empty', 'out/docs/a.txt.receipt.json', '--offline')).code).to.equal(12);
  });

  it('keeps the acceptance where it does not wait, and fetches the receipt of the same record later', async () => {
    const first = await notarize('docs/a.txt');
    expect(first.code, first.stdout).to.equal(0);
    const [{ id, evidence } = { id: '', evidence: '' }] = first.json<Report>().files;
    expect(evidence).to.equal(join(folder.path, 'docs/a.txt.acceptance.json'));
    expect(JSON.parse(await readFile(evidence!, 'utf8'))).to.include({ id });
    const second = await sealing(notarize('docs/a.txt', '--resume', '--wait'));
    expect(second.json<Report>().files).to.deep.equal([
      {
        path: join(folder.path, 'docs/a.txt'),
        status: 'anchored',
        id,
        evidence: `${join(folder.path, 'docs/a.txt')}.receipt.json`,
      },
    ]);
    expect(await readdir(join(folder.path, 'docs'))).not.to.include('a.txt.acceptance.json');
    expect((await http.centre.status()).log.size).to.equal(1);
    const third = await notarize('docs', '--resume');
    expect(third.json<Report>()).to.include({ kept: 1, accepted: 2, failed: 0 });
  });

  it('waits for nobody to write a receipt or an acceptance of before', async () => {
    execFileSync('mkfifo', [join(folder.path, 'docs/a.txt.receipt.json')]);
    execFileSync('mkfifo', [join(folder.path, 'docs/empty.acceptance.json')]);
    const paths = ['docs/a.txt', 'docs/empty', 'docs/deep/b.txt'];
    const report = (await notarize(...paths, '--resume')).json<Report>();
    expect(report.files.map(({ status, code }) => code ?? status)).to.deep.equal([
      'file-unreadable',
      'file-unreadable',
      'accepted',
    ]);
  });

  it('replaces no receipt unless told to', async () => {
    expect((await sealing(notarize('docs/a.txt', '--wait'))).code).to.equal(0);
    const again = await notarize('docs/a.txt', '--wait');
    expect(again.code).to.equal(30);
    expect(again.json<Report>().files[0]).to.include({ status: 'failed', code: 'file-exists' });
    expect((await sealing(notarize('docs/a.txt', '--wait', '--force'))).code).to.equal(0);
  });

  it('takes what it can of a folder, and names the rest with their own codes', async () => {
    const docs = join(folder.path, 'docs');
    await symlink('.', join(docs, 'loop'));
    await symlink('nowhere', join(docs, 'dangling'));
    execFileSync('mkfifo', [join(docs, 'pipe')]);
    const run = await notarize('docs', 'docs/missing');
    expect(run.code).to.equal(3);
    const report = run.json<Report>();
    expect(report).to.include({ ok: false, accepted: 3, failed: 4 });
    const failed = report.files.filter(({ status }) => status === 'failed');
    expect(failed.map(({ path, code }) => [path.slice(docs.length + 1), code])).to.have.deep.members([
      ['dangling', 'file-unreadable'],
      ['loop', 'file-unreadable'],
      ['pipe', 'file-unreadable'],
      ['missing', 'file-unreadable'],
    ]);
  });

  it('gives the one file that changes while it is hashed its code, and takes the others', async () => {
    const growing = join(folder.path, 'docs/growing');
    await writeFile(growing, new Uint8Array(64 << 20));
    let size = 64 << 20;
    const timer = setInterval(() => void writeFile(growing, new Uint8Array(++size % 7), { flag: 'a' }), 1);
    const run = await notarize('docs').finally(() => clearInterval(timer));
    expect(run.code, run.stdout).to.equal(3);
    const report = run.json<Report>();
    expect(report).to.include({ accepted: 3, failed: 1 });
    expect(report.files.find(({ status }) => status === 'failed')).to.include({ path: growing, code: 'file-changed' });
    await rm(growing);
  });

  it('takes a sparse file in constant memory', async () => {
    execFileSync('truncate', ['-s', '256M', join(folder.path, 'large')]);
    const before = process.memoryUsage.rss();
    const run = await notarize('large');
    expect(run.code, run.stdout).to.equal(0);
    expect(process.memoryUsage.rss() - before).to.be.below(128 << 20);
  });

  it('posts thousands of files in batches', async () => {
    const many = join(folder.path, 'many');
    await mkdir(many);
    await Promise.all(Array.from({ length: 1200 }, (_, index) => writeFile(join(many, `${index}`), `${index}`)));
    const run = await notarize('many', '--out', 'out');
    expect(run.code, run.stdout.slice(0, 500)).to.equal(0);
    expect(run.json<Report>()).to.include({ accepted: 1200, failed: 0 });
    expect(http.centre.calls.reduce((sum, count) => sum + count)).to.equal(1200);
    expect(http.centre.calls.length).to.be.below(20);
  });

  it('tells the codes of records that the centre does not take, and saves the acceptances of those that it took', async () => {
    http.centre.fail('record-expired', 2);
    const run = await notarize('docs');
    expect(run.code).to.equal(3);
    const report = run.json<Report>();
    expect(report).to.include({ accepted: 2, failed: 1 });
    expect(report.files.find(({ status }) => status === 'failed')?.code).to.equal('record-expired');
  });

  it('ends with the code of the cause', async () => {
    expect((await cli(place, 'notarize', 'docs', '--url', http.url, '--key', 'no-such-file')).code).to.equal(39);
    expect((await notarize()).code).to.equal(2);
    expect((await notarize('docs', '--wait', 'long')).code).to.equal(2);
    expect((await notarize('docs', '--nonsense')).code).to.equal(2);
    const timedOut = await notarize('docs/a.txt', '--wait', '1');
    expect(timedOut.code).to.equal(37);
    expect(timedOut.json<Report>().files[0]).to.include({ status: 'failed', code: 'wait-timeout' });
    await stopHttpTests();
    const interrupted = { ...place, signal: AbortSignal.abort() };
    expect((await cli(interrupted, 'notarize', 'docs', '--key', key)).code).to.equal(130);
    const json = await cli(interrupted, 'notarize', 'docs', '--key', key, '--json');
    expect(json.code).to.equal(130);
    expect(json.json()).to.deep.equal({ ok: false, interrupted: true, exitCode: 130 });
  });
});
