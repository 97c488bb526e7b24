import { symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { bundle } from '../../scripts/support/bundle.ts';
import { root } from '../../scripts/support/ensureBuilt.ts';
import { temporaryFolder } from './temporaryFolder.ts';

/**
 * A module that a test starts as a process again and again, bundled for that: it starts from few files, as the built package
 * does.
 * @param file Path of the TypeScript module.
 */
export async function bundled(file: string): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await temporaryFolder();
  await bundle([file], folder.path);
  await writeFile(join(folder.path, 'package.json'), '{"type":"module"}');
  // Packages that stay out of the bundle.
  await symlink(join(root, 'node_modules'), join(folder.path, 'node_modules'));
  return { ...folder, path: join(folder.path, `${basename(file, '.ts')}.js`) };
}
