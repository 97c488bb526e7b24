import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const root = fileURLToPath(new URL('../../', import.meta.url));

describe('scripts/bootstrap', () => {
  let base: string;

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'notarium bootstrap '));
    for (const folder of ['checkout/scripts', 'checkout/services', 'shared', 'bin'])
      await mkdir(join(base, folder), { recursive: true });
    for (const file of ['scripts/bootstrap.cjs', 'package.json', 'package-lock.json', 'services/package.json'])
      await copyFile(join(root, file), join(base, 'checkout', file));
    await writeFile(join(base, 'shared/of-others'), '');
    // Does what `npm ci` does first: it empties the folder.
    await writeFile(join(base, 'bin/npm'), '#!/bin/sh\nrm -f node_modules/*\n', { mode: 0o755 });
  });
  afterEach(() => rm(base, { recursive: true, force: true }));

  it('empties no folder that node_modules only links to', async () => {
    const checkout = join(base, 'checkout');
    await symlink(join(base, 'shared'), join(checkout, 'node_modules'));
    const { npm_execpath: _, ...env } = process.env;
    const { status, stderr } = spawnSync(process.execPath, ['scripts/bootstrap.cjs', 'scripts/nothing.ts'], {
      cwd: checkout,
      encoding: 'utf8',
      env: { ...env, PATH: `${join(base, 'bin')}:${env.PATH}` },
    });
    expect(await readdir(join(base, 'shared'))).to.deep.equal(['of-others']);
    expect(status).to.equal(1);
    expect(stderr).to.include('node_modules is a symbolic link');
  });
});
