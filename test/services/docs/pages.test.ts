import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { createMetrics } from '../../../services/app/metrics.ts';
import { settingVariables } from '../../../services/cli/settings.ts';
import { errorTable } from '../../../services/core/errors.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const pages = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');
const withoutCode = (text: string): string => text.replace(/^ *```[\s\S]*?^ *```$/gm, '').replace(/`[^`\n]*`/g, '');

/** Anchors of a page as GitHub makes them of headings, and those written as HTML. */
function anchorsOf(page: string): Set<string> {
  const text = textOf(page).replace(/^ *```[\s\S]*?^ *```$/gm, '');
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
  return new Set([...headings, ...[...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id)]);
}

describe('documentation', () => {
  for (const page of pages) {
    it(`${page} links to what is there`, () => {
      const broken: string[] = [];
      for (const [, target = ''] of withoutCode(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? page : join(dirname(page), path);
        if (!existsSync(join(root, file))) broken.push(target);
        else if (anchor !== undefined && file.endsWith('.md') && !anchorsOf(file).has(anchor)) broken.push(target);
      }
      expect(broken).to.deep.equal([]);
    });
  }

  for (const example of ['examples/notarize.ts', 'examples/channel.ts', 'examples/activity.ts']) {
    it(`README.md shows ${example}, which is run`, () => {
      expect(textOf('README.md')).to.include(`\`\`\`ts\n${textOf(example).trimEnd()}\n\`\`\``);
    });
  }

  it('README.md has the gas of an anchor as docs/gas.md has it', () => {
    const [, gas] = /^\| anchor, 1 of 1 \| ([\d,]+) \|/m.exec(textOf('docs/gas.md'))!;
    expect(textOf('README.md')).to.include(`${gas} gas for one anchor in a committee of one`);
  });

  it('README.md and operations.md leave nothing behind that a check of the checkout or git would see', async () => {
    await using folder = await temporaryFolder();
    for (const name of ['biome.json', '.gitignore']) await copyFile(join(root, name), join(folder.path, name));
    await mkdir(join(folder.path, 'centre'));
    const left = ['README.md.receipt.json', 'README.md.acceptance.json', 'centre/config.json', 'centre.password'];
    for (const name of left) await writeFile(join(folder.path, name), '{ "not": "as biome writes it"}');
    await writeFile(join(folder.path, 'checked.json'), '{}\n');
    const run = (program: string, ...args: string[]) =>
      spawnSync(program, args, { cwd: folder.path, encoding: 'utf8', env: { ...process.env, GIT_DIR: undefined } });
    const checked = run(join(root, 'node_modules/.bin/biome'), 'ci', '.');
    expect(checked.status, checked.stderr).to.equal(0);
    run('git', 'init', '--quiet');
    const { stdout } = run('git', 'status', '--porcelain');
    expect(stdout.trim().split('\n').sort()).to.deep.equal(['?? .gitignore', '?? biome.json', '?? checked.json']);
  });

  it('operations.md lists every setting with its variable', () => {
    const rows = [...textOf('docs/operations.md').matchAll(/^\| `(\w+)`: .*\| `([A-Z][A-Z0-9_]+)` \|/gm)];
    expect(Object.fromEntries(rows.map(([, name = '', variable = '']) => [name, variable]))).to.deep.equal(
      settingVariables,
    );
  });

  it('operations.md lists every metric of a centre', async () => {
    const page = textOf('docs/operations.md');
    const names = (await createMetrics().registry.getMetricsAsJSON()).map(({ name }) => name);
    expect(names.filter((name) => !page.includes(`\`${name}\``))).to.deep.equal([]);
  });

  it('names no error code that does not exist', () => {
    const families = new Set(Object.keys(errorTable).map((code) => code.split('-')[0]));
    const known = new Set<string>([...Object.keys(errorTable), 'anchors-lost', 'anchor-vanished', 'log-rolled-back']);
    const page = ['docs/operations.md', 'docs/security.md', 'docs/protocol.md', 'docs/architecture.md']
      .map(textOf)
      .join();
    const named = [...page.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)].map(([, code = '']) => code);
    const wrong = named.filter((code) => families.has(code.split('-')[0]!) && !known.has(code));
    expect([...new Set(wrong)].filter((code) => !code.endsWith('-key'))).to.deep.equal([]);
  });
});
