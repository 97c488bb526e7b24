import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { NotariumError } from '../../core/errors.ts';
import { writeFileWhole } from '../../lib/writeFileWhole.ts';
import { exists } from '../exists.ts';
import type { Run } from '../Run.ts';

/** Where a command writes to: the file that was named, or the usual one in this folder. @throws NotariumError `file-exists`. */
export async function newFile({ options, terminal }: Run<{ out?: string }>, usual: string): Promise<string> {
  const path = resolve(terminal.cwd, options.out ?? usual);
  if (await exists(path)) throw fileExists(path);
  return path;
}

/** Writes a file; where it is there already with this very text, that is as well. @throws NotariumError `file-exists`. */
export async function writeAgain(path: string, text: string): Promise<void> {
  if (!(await exists(path))) return await writeFileWhole(path, text);
  const isSame = (await readFile(path, 'utf8').catch(() => undefined)) === text;
  if (!isSame) throw fileExists(path);
}

/** What is said where a file is in the way. */
export function fileExists(path: string): NotariumError {
  return new NotariumError('file-exists', path, { data: { path } });
}
