import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPackage } from './buildPackage.ts';
import { root } from './ensureBuilt.ts';

/** The package as one run of the tests starts it. */
export type TestBuild = Disposable & {
  /** What the processes of the run need in their environment to use it. */
  readonly env: Readonly<Record<string, string>>;
};

/**
 * Builds the package into a new folder, so that hundreds of processes start from few files and none from those of an
 * earlier run. The compile cache stands there too: it is kept by path, and nobody would ever clear it of this one's.
 * @throws Error when a source cannot be bundled.
 */
export async function buildForTests(): Promise<TestBuild> {
  const folder = mkdtempSync(join(tmpdir(), 'notarium-built-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // Also when the run is interrupted.
  process.once('exit', remove);
  try {
    const launcher = await buildPackage({ types: false, outDir: join(folder, 'notarium') });
    // Packages that stay out of the bundle.
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const env = { NOTARIUM_TEST_LAUNCHER: launcher, NODE_COMPILE_CACHE: join(folder, 'compiled') };
    return { env, [Symbol.dispose]: remove };
  } catch (error) {
    remove();
    throw error;
  }
}
