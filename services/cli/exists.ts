import { access } from 'node:fs/promises';
import { NotariumError } from '../core/errors.ts';

/** Whether something has that name. */
export async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw new NotariumError('file-unreadable', path, { cause: error, data: { path } });
  }
}
