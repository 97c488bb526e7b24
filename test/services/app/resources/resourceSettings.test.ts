import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { readResourceSettings } from '../../../../services/app/resources/resourceSettings.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';

describe('resourceSettings', () => {
  async function settingsOf(folder: string, value: unknown, env: Record<string, string> = {}, dataDir = '/data') {
    const path = join(folder, 'resources.json');
    await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));
    return await readResourceSettings({ path, dataDir, env });
  }

  it('keeps a set that is not named in the data folder', async () => {
    const { adapter, checkMs, repair } = (await readResourceSettings({ dataDir: '/data', env: {} }))('radio');
    expect([adapter.name, checkMs, repair]).to.deep.equal(['file /data/resources/radio.json', 60_000, false]);
  });

  it('reads each adapter, relative paths from its own folder', async () => {
    await using folder = await temporaryFolder();
    const settings = await settingsOf(
      folder.path,
      {
        a: { adapter: 'file', path: 'a.json', checkSeconds: 5, repair: true },
        b: { adapter: 'http', url: 'http://127.0.0.1:1/b?token=secret', secretHeaders: { authorization: 'TOKEN' } },
        c: { adapter: 'command', command: ['/bin/cat', '-u'], environment: ['TOKEN'] },
        d: { adapter: 'file' },
      },
      { TOKEN: 'Bearer secret' },
    );
    const names = ['a', 'b', 'c', 'd'].map((name) => settings(name).adapter.name);
    expect(names).to.deep.equal([
      `file ${join(folder.path, 'a.json')}`,
      'http http://127.0.0.1:1/b',
      'command /bin/cat',
      'file /data/resources/d.json',
    ]);
    expect(settings('a').checkMs).to.equal(5_000);
    expect(settings('a').repair).to.equal(true);
  });

  it('refuses what it does not know, naming file and field', async () => {
    await using folder = await temporaryFolder();
    const wrong: [unknown, string | undefined][] = [
      ['{"a":', undefined],
      ['{"a":{"adapter":"file"},"a":{"adapter":"file"}}', undefined],
      [{ a: { adapter: 'smoke' } }, 'a.adapter'],
      [{ a: { adapter: 'file', color: 1 } }, 'a.color'],
      [{ '../a': { adapter: 'file' } }, '../a'],
      [{ a: { adapter: 'http' } }, 'a.url'],
      [{ a: { adapter: 'http', url: 'ftp://host/a' } }, 'a.url'],
      [{ a: { adapter: 'http', url: 'http://me:secret@host/a' } }, 'a.url'],
      [{ a: { adapter: 'http', url: 'http://host/a', headers: { 'a b': 'c' } } }, 'a.headers.a b'],
      [{ a: { adapter: 'http', url: 'http://host/a', headers: { a: 'b\r\nc: d' } } }, 'a.headers.a'],
      [{ a: { adapter: 'http', url: 'http://host/a', secretHeaders: { authorization: 'MISSING' } } }, 'a'],
      [{ a: { adapter: 'http', url: 'http://host/a', secretHeaders: { authorization: 'BROKEN' } } }, 'a'],
      [{ a: { adapter: 'command', command: [] } }, 'a.command.0'],
      [{ a: { adapter: 'file', checkSeconds: 0 } }, 'a.checkSeconds'],
    ];
    for (const [value, field] of wrong) {
      const error = await expectCode('config-invalid', settingsOf(folder.path, value, { BROKEN: 'secret\n' }));
      expect(error.data.source).to.equal(join(folder.path, 'resources.json'));
      expect(error.data.field).to.equal(field);
      expect(error.message).to.not.include('secret');
    }
    await expectCode('config-invalid', readResourceSettings({ path: '/no/such', dataDir: '/data', env: {} }));
  });

  it('refuses two sets in one place, naming both', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'a.json'), '{}');
    await symlink('a.json', join(folder.path, 'link.json'));
    const file = (path?: string) => ({ adapter: 'file', ...(path === undefined ? {} : { path }) });
    const http = (url: string) => ({ adapter: 'http', url });
    const command = (...words: string[]) => ({ adapter: 'command', command: words });
    const wrong: [unknown, string, string][] = [
      [{ a: file('a.json'), b: file('./x/../a.json') }, 'a', 'b'],
      [{ a: file('a.json'), b: file(join(folder.path, 'link.json')) }, 'a', 'b'],
      [{ a: file('new.json'), b: http('http://host/a'), c: file('new.json') }, 'a', 'c'],
      [{ a: file(), b: file('/data/resources/a.json') }, 'a', 'b'],
      // The set that is kept there as soon as somebody proposes it.
      [{ a: file('/data/resources/other.json') }, 'other', 'a'],
      [{ a: http('http://host/a'), b: http('http://HOST:80/x/../a#b') }, 'a', 'b'],
    ];
    for (const [value, other, field] of wrong) {
      const error = await expectCode('config-invalid', settingsOf(folder.path, value));
      expect(error.data).to.deep.equal({ source: join(folder.path, 'resources.json'), field, other });
      expect(error.message).to.include(other).and.to.include(field);
    }
    await settingsOf(folder.path, {
      ...{ a: file('a.json'), b: file('b.json'), c: http('http://host/a?of=1'), d: http('http://host/a?of=2') },
      // Told on stdin which of them is meant.
      ...{ e: command('./keep.sh'), f: command('./keep.sh') },
      // Each in the file of the other.
      ...{ g: file('/data/resources/h.json'), h: file('/data/resources/g.json') },
    });
  });

  it('refuses two sets in one place that links lead to, before anything is there', async () => {
    await using folder = await temporaryFolder();
    const dataDir = join(folder.path, 'data');
    await mkdir(join(folder.path, 'disk'));
    await symlink('disk', dataDir);
    const real = join(folder.path, 'disk', 'resources');
    const file = (path?: string) => ({ adapter: 'file', ...(path === undefined ? {} : { path }) });
    const otherOf = async (value: unknown) =>
      (await expectCode('config-invalid', settingsOf(folder.path, value, {}, dataDir))).data.other;
    // The folder of the sets is not there yet.
    expect(await otherOf({ a: file(), b: file(join(real, 'a.json')) })).to.equal('a');
    expect(await otherOf({ b: file(join(real, 'a.json')) })).to.equal('a');
    await mkdir(real);
    await writeFile(join(real, 'a.json'), '{}');
    await symlink(join(real, 'a.json'), join(folder.path, 'link.json'));
    await symlink('a.json', join(real, 'c.json'));
    expect(await otherOf({ b: file('link.json') })).to.equal('a');
    expect(await otherOf({ c: file() })).to.equal('a');
    await settingsOf(folder.path, { a: file(), b: file(join(real, 'b.json')) }, {}, dataDir);
  });
});
