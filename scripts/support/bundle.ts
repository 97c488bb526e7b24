import { basename, join } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { root } from './ensureBuilt.ts';

/** The package's sources; paths of {@link bundle} are relative to it. */
export const services = join(root, 'services');
/** Files that threads are started with: these are looked for beside the calling one. */
const threads = [
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
