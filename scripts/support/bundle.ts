import { readFileSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { root } from './ensureBuilt.ts';

/** The package's sources; paths of {@link bundle} are relative to it. */
export const services = join(root, 'services');
/** Files that threads are started with: these are looked for beside the calling one. */
const threads = [
  'app/activities/bodies/checkThread.ts',
  'app/admission/work/workThread.ts',
  'app/intakeWorker.ts',
  'store/sqliteWorker.ts',
  'store/partWorker.ts',
];
/** Packages with a native or WebAssembly part, a thread's file or an asset of their own, which must stay in their place. */
export const external = [
  'secp256k1',
  'tiny-secp256k1',
  'piscina',
  'rapidoc',
  'pg-native',
  '@ip-location-db/geo-whois-asn-country-mmdb',
];

/**
 * npm puts a package that it cannot put in the common folder into many: five times a list of all MIME types. Of those that are
 * the same to the byte, the first one of the lock file goes into the bundle.
 */
const eachOnce: Plugin = {
  name: 'each package once',
  setup({ onResolve, resolve }) {
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Readonly<Record<string, { readonly integrity?: string }>>;
    };
    const first = new Map<string, string>();
    for (const [place, { integrity }] of Object.entries(packages))
      if (integrity !== undefined && !first.has(integrity)) first.set(integrity, place);
    const asked = Symbol('asked here');
    onResolve({ filter: /^[^./]/ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === asked || from.kind === 'entry-point') return undefined;
      const { path: found, errors, sideEffects } = await resolve(path, { ...from, pluginData: asked });
      const [, place = ''] =
        /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)/.exec(relative(root, found).replaceAll(sep, '/')) ?? [];
      const other = first.get(packages[place]?.integrity ?? '') ?? place;
      if (errors.length > 0 || other === place) return undefined;
      return { path: join(root, other, relative(join(root, place), found)), sideEffects };
    });
  },
};

/**
 * Bundles modules of TypeScript, with the files of the threads, into a few modules of JavaScript: Node takes longer to find
 * two thousand small files than to read a few large ones.
 * @param entries Each becomes a file of its name in `outDir`.
 * @throws Error when a source cannot be bundled.
 */
export async function bundle(entries: readonly string[], outDir: string): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: services,
    entryPoints: [...entries, ...threads].map((file) => ({ in: file, out: basename(file, '.ts') })),
    outdir: outDir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.18',
    external,
    plugins: [eachOnce],
    metafile: true,
    legalComments: 'none',
    logLevel: 'error',
    // Bundled CommonJS asks for modules of Node by require().
    banner: {
      js: "import { createRequire as requireOfNode } from 'node:module';\nconst require = requireOfNode(import.meta.url);",
    },
  });
  return metafile;
}
