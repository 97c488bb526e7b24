import { open } from 'node:fs/promises';

/** Makes the names in a folder last: what was created in it, or renamed into it, survives a loss of power. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
