import { execFileSync } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { readSettings } from '../../../services/cli/settings.ts';
import type { Terminal } from '../../../services/cli/Terminal.ts';
import { NotariumError } from '../../../services/core/errors.ts';
import { readKeystore } from '../../../services/lib/keystore.ts';
import { type CliPlace, cli } from '../../support/cliKit.ts';
import { expectCode } from '../../support/expectCode.ts';
import { startHttpTest, stopHttpTests } from '../../support/httpTest.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

describe('cli/settings', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: CliPlace;
  const terminal = (env: Record<string, string> = {}): Terminal => ({
    env,
    cwd: folder.path,
    home: folder.path,
    signal: new AbortController().signal,
    interactive: false,
    stdout: { write() {} },
    stderr: { write() {} },
  });
  beforeEach(async () => {
    folder = await temporaryFolder();
    place = { cwd: folder.path };
    await mkdir(join(folder.path, '.notarium'));
  });
  afterEach(() => folder[Symbol.asyncDispose]());

  it('takes flags before environment before the config file', async () => {
    const path = join(folder.path, '.notarium/config.json');
    await writeFile(path, JSON.stringify({ url: 'http://file', rpcUrl: 'http://file', port: 1, keystore: 'keys' }));
    const env = { NOTARIUM_RPC_URL: 'http://env', NOTARIUM_PORT: '2' };
    expect(await readSettings(terminal(env), { port: '3' })).to.deep.include({
      url: 'http://file',
      rpcUrl: 'http://env',
      port: 3,
      keystore: join(folder.path, '.notarium/keys'),
      data: join(folder.path, '.notarium'),
    });
    expect((await readSettings(terminal(), { rpc: 'http://flag' })).rpcUrl).to.equal('http://flag');
    expect((await readSettings(terminal({ NOTARIUM_URL: '' }), {})).url).to.equal('http://file');
  });

  it('names setting and source of what is wrong, and never the value', async () => {
    execFileSync('mkfifo', [join(folder.path, 'pipe')]);
    const wrong: [() => Promise<unknown>, string][] = [
      [() => readSettings(terminal({ NOTARIUM_PORT: 'secret' }), {}), 'environment: NOTARIUM_PORT'],
      [() => readSettings(terminal(), { contract: '0xsecret' }), 'command line: contract'],
      [() => readSettings(terminal(), { config: 'missing.json' }), 'missing.json'],
      [() => readSettings(terminal(), { config: 'pipe' }), 'pipe'],
      [() => readSettings(terminal(), { config: '/dev/zero' }), '/dev/zero'],
    ];
    for (const [read, what] of wrong) {
      const error = await expectCode('config-invalid', read);
      expect(error.message).to.include(what).and.not.include('secret');
    }
    await writeFile(join(folder.path, '.notarium/config.json'), '{"more":1}');
    expect((await cli(place, 'version')).code).to.equal(2);
  });

  it('init makes a keystore and a config file that later runs take, and overwrites neither', async () => {
    await writeFile(join(folder.path, 'password'), 'a password\n');
    const argv = ['init', '--data', 'centre', '--password-file', 'password', '--url', 'http://127.0.0.1:9', '--json'];
    const made = await cli(place, ...argv);
    expect(made.code, made.stderr).to.equal(0);
    const { address, keystore } = made.json<{ address: string; keystore: string }>();
    expect((await readKeystore(keystore)).address).to.equal(address);
    expect((await stat(keystore)).mode & 0o777).to.equal(0o700);
    const settings = await readSettings(terminal(), { data: 'centre' });
    expect(settings).to.deep.include({
      url: 'http://127.0.0.1:9',
      keystore,
      passwordFile: join(folder.path, 'password'),
    });
    expect(await readFile(join(folder.path, 'centre/config.json'), 'utf8')).not.to.include('a password');
    expect((await cli(place, ...argv)).code).to.equal(30);
    expect((await cli(place, 'init', '--data', 'other')).code).to.equal(39);
  });

  it('makes, lists and revokes API keys of a running centre', async () => {
    const http = await startHttpTest();
    try {
      const admin = (await http.centre.keys.create('admin', ['admin'])).secret;
      const keys = (...argv: string[]) => cli(place, 'keys', ...argv, '--url', http.url, '--api-key', admin, '--json');
      const made = (await keys('create', 'somebody', '--scope', 'submit')).json<{
        key: { id: string };
        secret: string;
      }>();
      expect(await http.centre.keys.find(made.secret)).to.deep.include({ name: 'somebody', scopes: ['submit'] });
      expect((await keys('list')).json<{ keys: { name: string }[] }>().keys.map(({ name }) => name)).to.deep.equal([
        'admin',
        'somebody',
      ]);
      expect((await keys('revoke', made.key.id)).code).to.equal(0);
      expect((await keys('revoke', 'nothing')).code).to.equal(35);
      expect((await keys('create', 'x', '--scope', 'everything')).code).to.equal(2);
      expect((await cli(place, 'keys', 'list', '--url', http.url)).code).to.equal(42);
    } finally {
      await stopHttpTests();
    }
  });

  it('hands the commands on a data folder to what main.ts injects', async () => {
    const seen: string[] = [];
    const report = { files: 2, sizeBytes: 1500, records: 3 };
    const actions: CliPlace['actions'] = {
      runNode: async ({ settings }) => void seen.push(`node ${settings.port} ${settings.rateLimit}`),
      rebuild: async (_, { allowMissing }) => ({ blocks: allowMissing ? 3 : 4, records: 5 }),
      exportData: async (_, file) => {
        seen.push(file);
        return report;
      },
      importData: async (_, file) => {
        seen.push(file);
        return report;
      },
    };
    const run = (...argv: string[]) => cli({ ...place, actions }, ...argv);
    expect((await run('node', '--port', '7', '--no-rate-limit')).code).to.equal(0);
    expect((await run('rebuild', '--json')).json()).to.deep.equal({ ok: true, blocks: 4, records: 5 });
    expect((await run('rebuild', '--allow-missing', '--json')).json()).to.include({ blocks: 3 });
    expect((await run('export', 'backup')).code).to.equal(0);
    expect((await run('import', 'backup')).code).to.equal(0);
    const file = join(folder.path, 'backup');
    expect(seen).to.deep.equal(['node 7 false', file, file]);
    await writeFile(file, '');
    expect((await run('export', 'backup')).code).to.equal(30);
    const broken = { ...actions, rebuild: () => Promise.reject(new NotariumError('store-locked')) };
    expect((await cli({ ...place, actions: broken }, 'rebuild')).code).to.equal(51);
    const full = {
      ...actions,
      rebuild: () => Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' })),
    };
    expect((await cli({ ...place, actions: full }, 'rebuild')).code).to.equal(46);
    const bug = { ...actions, rebuild: () => Promise.reject(new TypeError('x is not a function')) };
    expect((await cli({ ...place, actions: bug }, 'rebuild')).code).to.equal(1);
  });
});
