import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Metafile } from 'esbuild';
import { bundle, external, services } from './bundle.ts';
import { compiler } from './compiler.ts';
import { root } from './ensureBuilt.ts';

/** Packages that the type declarations name. */
const declared = ['zod'];

type Manifest = { version: string; dependencies: Readonly<Record<string, string>>; [field: string]: unknown };

/**
 * Compiles `services/` to JavaScript: a folder which is the npm package as it is published. Packages of pure JavaScript
 * are bundled in.
 * @param options.outDir Is emptied first; `dist/` by default.
 * @param options.types With type declarations, which takes longer than all the rest.
 * @returns Path of its command line.
 * @throws Error when the compiler fails, or a bundled package has no licence to hand on.
 */
export async function buildPackage(options: { types: boolean; outDir?: string }): Promise<string> {
  const { types, outDir = join(root, 'dist') } = options;
  rmSync(outDir, { recursive: true, force: true });
  const metafile = await bundle(['index.ts', 'main.ts'], join(outDir, 'lib'));
  const launcher = readFileSync(join(services, 'bin', 'notarium.js'), 'utf8');
  const builtLauncher = join(outDir, 'bin', 'notarium.js');
  mkdirSync(dirname(builtLauncher));
  writeFileSync(builtLauncher, launcher.replace("'../main.ts'", "'../lib/main.js'"), { mode: 0o755 });
  writeFileSync(join(outDir, 'package.json'), `${JSON.stringify(publishedManifest(), null, 2)}\n`);
  writeFileSync(join(outDir, 'THIRD-PARTY.txt'), licencesOf(metafile));
  for (const name of ['LICENSE', 'README.md', 'CHANGELOG.md']) copyFileSync(join(root, name), join(outDir, name));
  if (types) emitTypes(join(outDir, 'types'));
  return builtLauncher;
}

function publishedManifest(): Manifest {
  const manifest = JSON.parse(readFileSync(join(services, 'package.json'), 'utf8')) as Manifest;
  // The rest is in the bundle: whoever installs the package gets it once.
  const needed = new Set([...external, ...declared]);
  return {
    ...manifest,
    dependencies: Object.fromEntries(Object.entries(manifest.dependencies).filter(([name]) => needed.has(name))),
    exports: {
      '.': { types: './types/index.d.ts', default: './lib/index.js' },
      './package.json': './package.json',
    },
    files: ['bin', 'lib', 'types', 'CHANGELOG.md', 'THIRD-PARTY.txt'],
  };
}

/** Licences of all packages whose code went into the bundle: nearly all of them must be handed on with it. */
function licencesOf({ inputs }: Metafile): string {
  const folders = new Set<string>();
  for (const file of Object.keys(inputs)) {
    const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];
    if (folder !== undefined) folders.add(join(services, folder));
  }
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      [field: string]: unknown;
    };
    const files = readdirSync(folder).filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file));
    if (files.length === 0 && license === undefined) {
      const named = licenceInReadme(folder);
      if (named === undefined) throw new Error(`${folder} names no licence`);
      return [`${name} ${version}`, named].join('\n\n');
    }
    const bodies = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
    return [`${name} ${version} (${license})`, ...bodies].join('\n\n');
  });
  return `${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** An old package may name its licence in the readme alone. */
function licenceInReadme(folder: string): string | undefined {
  const file = readdirSync(folder).find((entry) => /^readme/i.test(entry));
  const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8');
  return /^#+ *licen[cs]e\s+([\s\S]+)/im.exec(text)?.[1]?.trim();
}

/** Emits the declarations that the package's own lead to: those of what is read only when it is called are nobody's business. */
function emitTypes(typesDir: string): void {
  const emitted = `${typesDir}.all`;
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      compiler,
      ...['--ignoreConfig', '--declaration', '--emitDeclarationOnly', '--rewriteRelativeImportExtensions'],
      ...['--target', 'ES2024', '--module', 'NodeNext', '--lib', 'ESNext,DOM,DOM.Iterable,DOM.AsyncIterable'],
      ...['--types', 'node', '--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', '--resolveJsonModule'],
      ...['--rootDir', root, '--outDir', emitted, join(services, 'index.ts')],
    ],
    { cwd: root, encoding: 'utf8' },
  );
  const from = join(emitted, 'services');
  if (status !== 0 || !existsSync(join(from, 'index.d.ts'))) throw new Error(`tsc failed\n${stdout}`);
  const seen = new Set<string>();
  for (const waiting = [join(from, 'index.d.ts')]; waiting.length > 0; ) {
    const file = waiting.pop()!;
    if (seen.has(file)) continue;
    seen.add(file);
    const path = relative(from, file);
    if (path.startsWith('..')) throw new Error(`the types of the package lead out of it, to ${path}`);
    const text = readFileSync(file, 'utf8');
    mkdirSync(dirname(join(typesDir, path)), { recursive: true });
    writeFileSync(join(typesDir, path), text);
    for (const [, name = ''] of text.matchAll(/(?:from|import\()\s*['"](\.[^'"]+)\.[jt]s['"]/g))
      waiting.push(join(dirname(file), `${name}.d.ts`));
  }
  rmSync(emitted, { recursive: true });
}
