import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

/**
 * Brings a generated file up to date; with `--check` on the command line it only compares, and sets the exit code to 1
 * when they differ.
 */
export async function syncFile(file: { path: string; text: string; script: string }): Promise<void> {
  const { path, text, script } = file;
  const present = await readFile(root + path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (present === text) return;
  if (process.argv.includes('--check')) {
    console.log(`${path} is out of date: run node ${script}`);
    process.exitCode = 1;
    return;
  }
  await mkdir(dirname(root + path), { recursive: true });
  await writeFile(root + path, text);
  console.log(`wrote ${path}`);
}
