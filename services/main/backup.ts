import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  copyFile,
  link,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { create, extract } from 'tar';
import { z } from 'zod';
import type { ActionContext, BackupReport } from '../cli/CliActions.ts';
import { hexDigits } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { attachmentsFolder } from '../store/activities/AttachmentStore.ts';
import { activitiesFile } from '../store/activities/openActivityStore.ts';
import { databaseFile } from '../store/database.ts';
import { copyDatabase, recordsIn, snapshotDatabase } from '../store/snapshotDatabase.ts';
import { activitiesFolder } from './activities.ts';

const manifestFile = 'manifest.json';
const manifestSchema = z.strictObject({
  format: z.literal('notarium-backup/1'),
  createdAt: z.string(),
  files: z.array(z.strictObject({ path: z.string().min(1), sizeBytes: z.int().min(0), sha256: z.string() })),
});
type Manifest = z.infer<typeof manifestSchema>;

/** Folders and files of a data folder that a backup holds, beside the databases. Passwords and API secrets stay out. */
const kept = ['log', 'evidence', 'keystore', 'config.json', 'ignition'];

/**
 * Writes a backup of a data folder, also of a running centre: snapshots of its databases, then the log, the evidence, the files of private
 * activities and the (encrypted) keystore, with the SHA-256 of every file. The databases come first: what they name only grows after them.
 * @throws NotariumError `file-exists`, `config-invalid`, `storage-full`.
 */
export async function exportData({ settings, progress, signal }: ActionContext, file: string): Promise<BackupReport> {
  if (settings.databaseUrl !== undefined) {
    throw new NotariumError(
      'config-invalid',
      'PostgreSQL has its own backup (pg_dump); export takes the embedded database',
    );
  }
  const target = resolve(file);
  await requireAbsent(target);
  const staging = await mkdtemp(join(dirname(target), '.notarium-export-'));
  try {
    snapshotDatabase(settings.data, join(staging, databaseFile));
    const activities = await activityFolders(settings.data);
    const paths = [databaseFile, ...(await copyOthers(settings.data, staging, activities))];
    for (const name of [...kept, ...activities.map((folder) => join(folder, attachmentsFolder))]) {
      for (const path of await filesBelow(settings.data, name)) {
        // A partial tile goes when the full one has come: what is gone is not needed.
        if (await linkOrCopy(join(settings.data, path), join(staging, path))) paths.push(path);
      }
    }
    const bar = progress('Hashing', paths.length);
    const files: Manifest['files'] = [];
    for (const path of paths) {
      signal.throwIfAborted();
      files.push({ path, ...(await hashOf(join(staging, path))) });
      bar.advance(1);
    }
    bar.stop();
    const manifest: Manifest = { format: 'notarium-backup/1', createdAt: new Date().toISOString(), files };
    await writeFile(join(staging, manifestFile), JSON.stringify(manifest));
    const draft = join(staging, '.backup.tar.gz');
    await create({ gzip: { level: 1 }, file: draft, cwd: staging, portable: true }, [manifestFile, ...paths]);
    await syncFile(draft);
    await rename(draft, target);
    return {
      files: files.length,
      sizeBytes: (await stat(target)).size,
      records: recordsIn(join(staging, databaseFile)),
    };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/**
 * Restores a backup into a data folder that does not exist yet or is empty, after checking every file against the manifest.
 * @throws NotariumError `file-exists`, `file-unreadable`, `backup-invalid` (data.path).
 */
export async function importData({ settings, progress, signal }: ActionContext, file: string): Promise<BackupReport> {
  const target = resolve(settings.data);
  await requireEmpty(target);
  await requireFile(file);
  await mkdir(dirname(target), { recursive: true });
  const staging = await mkdtemp(join(dirname(target), `.${basename(target)}-import-`));
  try {
    await extract({ file, cwd: staging, strict: true, preservePaths: false }).catch((cause: NodeJS.ErrnoException) => {
      const code = cause.code === 'ENOENT' || cause.code === 'EACCES' ? 'file-unreadable' : 'backup-invalid';
      throw new NotariumError(code, file, { data: { path: file }, cause });
    });
    const manifest = await readManifest(staging, file);
    const bar = progress('Checking', manifest.files.length);
    let sizeBytes = 0;
    for (const { path, sha256 } of manifest.files) {
      signal.throwIfAborted();
      const place = resolve(staging, path);
      const hashed = place.startsWith(staging + sep) ? await hashOf(place).catch(unlessMissing) : undefined;
      if (hashed?.sha256 !== sha256) throw new NotariumError('backup-invalid', path, { data: { path } });
      sizeBytes += hashed.sizeBytes;
      await syncFile(place);
      bar.advance(1);
    }
    bar.stop();
    await rm(join(staging, manifestFile));
    const records = recordsIn(join(staging, databaseFile));
    // A folder that somebody has put something into meanwhile stays.
    await rmdir(target).catch(unlessMissing);
    await rename(staging, target);
    return { files: manifest.files.length, sizeBytes, records };
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
}

/** Folders of private activities: one for each key that the node has had. */
async function activityFolders(data: string): Promise<string[]> {
  const names = await readdir(join(data, activitiesFolder)).catch(unlessMissing);
  return (names ?? []).toSorted().map((name) => join(activitiesFolder, name));
}

/** Copies the databases beside the main one; answers which there are. */
async function copyOthers(data: string, staging: string, activities: readonly string[]): Promise<string[]> {
  const copied: string[] = [];
  for (const path of activities.map((folder) => join(folder, activitiesFile))) {
    if (!(await stat(join(data, path)).catch(unlessMissing))) continue;
    await mkdir(dirname(join(staging, path)), { recursive: true });
    copyDatabase(join(data, path), join(staging, path));
    copied.push(path);
  }
  return copied;
}

async function readManifest(folder: string, file: string): Promise<Manifest> {
  const text = await readFile(join(folder, manifestFile), 'utf8').catch(unlessMissing);
  try {
    return manifestSchema.parse(JSON.parse(text ?? ''));
  } catch (cause) {
    throw new NotariumError('backup-invalid', `${file} has no manifest of a Notarium backup`, {
      data: { path: file },
      cause,
    });
  }
}

async function requireAbsent(path: string): Promise<void> {
  if (await stat(path).catch(unlessMissing)) throw new NotariumError('file-exists', path, { data: { path } });
}

async function requireEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOTDIR' ? [folder] : unlessMissing(error),
  );
  if (names && names.length > 0) throw new NotariumError('file-exists', folder, { data: { path: folder } });
}

/** A pipe would be waited for, and a device never ends. */
async function requireFile(path: string): Promise<void> {
  const unreadable = (detail: string, cause?: unknown) =>
    new NotariumError('file-unreadable', `${path} ${detail}`, { data: { path }, cause });
  const info = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(`(${cause.code})`, cause);
  });
  if (!info.isFile()) throw unreadable('is not a file');
}

/** Files at or below a name in a folder, as paths from the folder. Temporary files stay out. */
async function filesBelow(folder: string, name: string): Promise<string[]> {
  const info = await stat(join(folder, name)).catch(unlessMissing);
  if (!info) return [];
  if (info.isFile()) return [name];
  const entries = await readdir(join(folder, name), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.parentPath.includes(`${sep}.tmp`) && !entry.name.startsWith('.tmp'))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + (folder.endsWith(sep) ? 0 : 1)))
    .sort();
}

/** Log files are never written in place, so a hard link is as good as a copy. false when the file is gone. */
async function linkOrCopy(from: string, to: string): Promise<boolean> {
  await mkdir(dirname(to), { recursive: true });
  try {
    await link(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    if (code !== 'EXDEV' && code !== 'EPERM' && code !== 'EMLINK') throw error;
    await copyFile(from, to);
  }
  return true;
}

async function hashOf(path: string): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return { sizeBytes, sha256: hexDigits(hash.digest()) };
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
