import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { type CliPlace, type CliRun, cli } from '../../../support/cliKit.ts';
import { type HttpTest, sealingUntil, startHttpTest, stopHttpTests } from '../../../support/httpTest.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';

// Well-known development key: 32 bytes of 5.
const key = `0x${'05'.repeat(32)}`;
type FileReport = { path: string; status: string; id?: string; code?: string; evidence?: string };
type Report = { accepted: number; anchored: number; kept: number; failed: number; files: FileReport[] };

describe('notarium notarize: evidence files', () => {
  let http: HttpTest;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: CliPlace;
  const run = (...argv: string[]): Promise<CliRun> => cli(place, 'notarize', '--url', http.url, '--key', key, ...argv);
  const notarize = async (...argv: string[]): Promise<Report & { code: number }> => {
    const { code, stdout, stderr } = await sealingUntil(http, run('--json', ...argv));
    expect(stdout, stderr).to.include('"files"');
    return { code, ...(JSON.parse(stdout) as Report) };
  };
  const path = (name: string): string => join(folder.path, name);
  const read = (name: string): Promise<string> => readFile(path(name), 'utf8');
  const put = (name: string, text: string): Promise<void> => writeFile(path(name), text);

  beforeEach(async () => {
    folder = await temporaryFolder();
    place = { cwd: folder.path };
    http = await startHttpTest();
    await mkdir(path('docs'));
    for (const name of ['a', 'b']) await put(`docs/${name}`, name);
  });
  afterEach(async () => {
    await stopHttpTests();
    await folder[Symbol.asyncDispose]();
  });

  describe('that cannot be written', () => {
    // 255 bytes are the longest name: 228 leave room for both kinds of evidence, 240 for receipts only.
    const nameOf = (bytes: number): string => '字'.repeat(bytes / 3);

    it('takes a name that is as long as its evidence files allow', async () => {
      await put(`docs/${nameOf(228)}`, 'long');
      expect(await notarize('docs')).to.include({ code: 0, accepted: 3, failed: 0 });
    });

    it('posts nothing of a file whose evidence can have no name, and takes the others', async () => {
      await put(`docs/${nameOf(240)}`, 'longer');
      for (const flags of [[], ['--resume']]) {
        const { code, failed, files } = await notarize('docs', ...flags);
        expect([code, failed]).to.deep.equal([3, 1]);
        expect(files.find(({ status }) => status === 'failed'))
          .to.include({ code: 'file-unwritable' })
          .and.not.have.property('id');
      }
      expect(http.centre.calls.reduce((sum, count) => sum + count)).to.equal(4);
      expect((await notarize('docs/a', '--out', 'docs/b/below')).code).to.equal(29);
    });

    it('fails the one file, with the id of its record, and takes the others', async () => {
      await mkdir(path('docs/a.acceptance.json'));
      const { code, accepted, failed, files } = await notarize('docs', '--force');
      expect([code, accepted, failed]).to.deep.equal([3, 1, 1]);
      expect(files[0]).to.include({ path: path('docs/a'), code: 'file-unwritable' });
      await http.centre.seal();
      expect((await cli(place, 'show', files[0]!.id!, '--url', http.url)).code).to.equal(0);
      const { stdout } = await run('docs/a', '--force');
      expect(stdout)
        .to.match(/\n {4}record 0x[0-9a-f]{64}\n {4}file-unwritable: /)
        .and.not.match(/nothing was accepted/i);
    });

    it('goes on to the receipt where the acceptance cannot be written', async () => {
      await mkdir(path('docs/a.acceptance.json'));
      expect(await notarize('docs', '--force', '--wait')).to.include({ code: 0, anchored: 2, failed: 0 });
    });

    it('writes the other receipts of an aggregate', async () => {
      await mkdir(path('docs/a.receipt.json'));
      const { code, anchored, files } = await notarize('docs', '--aggregate', '--wait', '--force');
      expect([code, anchored]).to.deep.equal([3, 1]);
      expect(files[0]).to.include({ code: 'file-unwritable', id: files[1]!.id });
      expect((await cli(place, 'verify', 'docs/b', '--offline')).code).to.equal(0);
    });

    it('names the record of an aggregate whose own evidence cannot be written', async () => {
      const [first] = (await notarize('docs', '--aggregate')).files;
      const name = first!.evidence!;
      for (const [place, flags] of [
        [name, []],
        [name.replace('acceptance', 'receipt'), ['--wait']],
      ] as const) {
        await rm(name, { recursive: true, force: true });
        await mkdir(place);
        const { code, files } = await notarize('docs', '--aggregate', '--force', ...flags);
        expect(code).to.be.oneOf([3, 29]);
        expect(files.at(-1)).to.include({ status: 'failed', code: 'file-unwritable', id: files[0]!.id });
        expect(files[0]!.id).to.match(/^0x[0-9a-f]{64}$/);
      }
    });

    it('says the same of a full disk', async function () {
      await mkdir(path('full'));
      try {
        // Only root may make a file system.
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', path('full')], { stdio: 'ignore' });
      } catch {
        return this.skip();
      }
      try {
        const { failed, files } = await notarize('docs', '--out', 'full', '--wait');
        expect(failed).to.be.above(0);
        for (const file of files.filter(({ status }) => status === 'failed')) {
          expect(file.code).to.equal('file-unwritable');
          expect(file.id).to.match(/^0x/);
        }
      } finally {
        execFileSync('umount', [path('full')]);
      }
    });
  });

  describe('that are there', () => {
    it('resumes over no receipt of another version, of another network or of somebody else', async () => {
      await notarize('docs/a', '--wait');
      const earlier = await read('docs/a.receipt.json');
      for (const [name, text] of [
        ['a', earlier],
        ['b', 'notes of mine'],
      ] as const) {
        await put(`docs/${name}`, 'a later version');
        await put(`docs/${name}.receipt.json`, text);
        const { code, files } = await notarize(`docs/${name}`, '--resume', '--wait');
        expect([code, files[0]!.code]).to.deep.equal([30, 'file-exists']);
        expect(await read(`docs/${name}.receipt.json`)).to.equal(text);
      }
      await put('docs/a', 'a');
      expect(await notarize('docs/a', '--resume')).to.include({ code: 0, kept: 1 });
      await stopHttpTests();
      http = await startHttpTest();
      const elsewhere = JSON.parse(earlier);
      elsewhere.anchor.chainId = 1;
      await put('docs/a.receipt.json', JSON.stringify(elsewhere));
      expect((await notarize('docs/a', '--resume', '--wait')).files[0]!.code).to.equal('file-exists');
      expect(await notarize('docs/a', '--resume', '--wait', '--force')).to.include({ code: 0, anchored: 1 });
    });

    it('replaces no acceptance of an earlier run', async () => {
      await notarize('docs/a');
      const first = await read('docs/a.acceptance.json');
      const { code, files } = await notarize('docs/a');
      expect([code, files[0]!.code]).to.deep.equal([30, 'file-exists']);
      await put('docs/a', 'a later version');
      expect((await notarize('docs/a', '--resume')).files[0]!.code).to.equal('file-exists');
      expect(await read('docs/a.acceptance.json')).to.equal(first);
      expect(await notarize('docs/a', '--force')).to.include({ code: 0, accepted: 1 });
    });

    it('goes on with no acceptance of another network', async () => {
      const { files } = await notarize('docs/a');
      const acceptance = JSON.parse(await read('docs/a.acceptance.json'));
      const { record, ...unsigned } = acceptance;
      const posted = http.centre.calls.length;
      for (const other of [
        { ...acceptance, record: { ...record, network: record.network.replace('eip155:31337', 'eip155:1') } },
        { ...unsigned, acceptance: { ...acceptance.acceptance, centre: `0x${'ab'.repeat(20)}` } },
      ]) {
        await put('docs/a.acceptance.json', JSON.stringify(other));
        const again = await notarize('docs/a', '--resume', '--wait');
        expect([again.code, again.files[0]!.code]).to.deep.equal([30, 'file-exists']);
      }
      expect(http.centre.calls.length).to.equal(posted);
      await put('docs/a.acceptance.json', JSON.stringify(unsigned));
      const resumed = await notarize('docs/a', '--resume', '--wait');
      expect(resumed.files[0]).to.include({ status: 'anchored', id: files[0]!.id });
    });

    it('keeps the acceptances of other records beside an aggregate', async () => {
      await notarize('docs/a');
      const first = await read('docs/a.acceptance.json');
      expect(await notarize('docs', '--aggregate', '--wait')).to.include({ code: 0, anchored: 2 });
      expect(await read('docs/a.acceptance.json')).to.equal(first);
    });

    it('makes the missing receipts of an aggregate from the one record', async () => {
      expect(await notarize('docs', '--aggregate')).to.include({ code: 0, accepted: 2 });
      const first = await notarize('docs', '--aggregate', '--resume', '--wait');
      expect(first).to.include({ code: 0, anchored: 2 });
      expect((await readdir(folder.path)).filter((name) => name.startsWith('aggregate-'))).to.have.length(1);
      await rename(path('docs/a.receipt.json'), path('elsewhere'));
      const again = await notarize('docs', '--aggregate', '--resume', '--wait');
      expect(again).to.include({ code: 0, anchored: 1, kept: 1 });
      expect(again.files[0]!.id).to.equal(first.files[0]!.id);
    });
  });

  it('refuses options that would give worthless records, before anything is posted', async () => {
    const calls: [number, string[]][] = [
      [2, ['docs', '--kind', 'aggregate']],
      [2, ['docs', '--kind', 'bogus']],
      [2, ['docs', '--aggregate', '--kind', 'x-mine']],
      [2, ['']],
      [2, ['docs', '--wait', 'long']],
      [39, ['docs', '--key', `0x${'00'.repeat(32)}`]],
    ];
    for (const [code, argv] of calls) expect((await run(...argv)).code, argv.join(' ')).to.equal(code);
    for (const apiKey of ['ntm_x\n', 'schlüssel']) {
      const { code, stderr } = await cli(place, 'notarize', 'docs', '--url', http.url, '--api-key', apiKey);
      expect([code, stderr]).to.satisfy(() => code === 2 && stderr.includes('config-invalid'));
    }
    expect(http.centre.calls).to.deep.equal([]);
  });

  it('takes paths behind --wait', async () => {
    expect(await notarize('--wait', 'docs/a')).to.include({ code: 0, anchored: 1 });
    expect(await notarize('--wait', '60', 'docs/b')).to.include({ code: 0, anchored: 1 });
  });
});
