import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Disk } from 'flydrive';
import { NotariumError } from '../core/errors.ts';
import { DurableFolder } from './durableFolder.ts';
import { type PartReader, partReader } from './partReader.ts';
import type { S3Credentials } from './Store.ts';

/** A place for files: a folder or a bucket. What is written is durable after `sync`. */
export type DurableDisk = {
  readonly disk: Disk;
  /** For messages. */
  readonly name: string;
  sync(): Promise<void>;
  /** Parts of files; not for buckets. */
  readonly parts?: PartReader;
  /** Moves a local file to the disk. @param isSynced Its bytes are durable already. */
  moveIn(path: string, key: string, isSynced?: boolean): Promise<void>;
  /** So many bytes of a file from a place on; fewer where it ends. The stream fails when there is no such file. */
  readRange(key: string, start: number, sizeBytes: number): Promise<Readable>;
};

/**
 * Opens `s3://bucket/prefix?endpoint=…&region=…`, or the folder when no address is given.
 * @param options.reading Another process may be at work in the folder: nothing in it is touched.
 * @throws NotariumError `config-invalid`.
 */
export async function openDisk(
  url: string | undefined,
  folder: string,
  s3: S3Credentials | undefined,
  options: { readonly reading?: boolean | undefined } = {},
): Promise<DurableDisk> {
  if (url === undefined) {
    const driver = new DurableFolder(folder);
    if (!options.reading) await driver.clean();
    return {
      disk: new Disk(driver),
      name: folder,
      parts: partReader(folder),
      sync: () => driver.sync(),
      moveIn: (path, key, isSynced) => driver.moveIn(path, key, isSynced),
      readRange: async (key, start, sizeBytes) =>
        createReadStream(join(folder, key), { start, end: start + sizeBytes - 1 }),
    };
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== 's3:' || parsed.hostname === '') {
    throw new NotariumError('config-invalid', `${url} is not s3://bucket/prefix?endpoint=…&region=…`);
  }
  // Read only when it is needed: the client for buckets is the largest of all packages here.
  const { S3Driver } = await import('flydrive/drivers/s3');
  const { S3Client } = await import('@aws-sdk/client-s3');
  const endpoint = parsed.searchParams.get('endpoint');
  const client = new S3Client({
    region: parsed.searchParams.get('region') ?? 'us-east-1',
    ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
    ...(s3 ? { credentials: { ...s3 } } : {}),
    // Compatible services lag behind with the newer checksum headers.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const bucket = parsed.hostname;
  const driver = new S3Driver({ client, bucket, visibility: 'private', supportsACL: false });
  const prefix = parsed.pathname.replace(/^\/+|\/+$/g, '');
  const disk = prefixed(new Disk(driver), prefix);
  const large = await import('./largeObjects.ts');
  const placeOf = (key: string) => ({ client, bucket, key: join(prefix, key) });
  return {
    disk,
    name: url,
    // A bucket has stored what it has answered for.
    sync: async () => {},
    moveIn: async (path, key) =>
      (await stat(path)).size > large.partBytes ? large.moveLargeFile(path, placeOf(key)) : disk.moveFromFs(path, key),
    readRange: (key, start, sizeBytes) => large.readObjectRange(placeOf(key), start, sizeBytes),
  };
}

/** The part of a bucket below a prefix: only the calls that the store makes. */
function prefixed(disk: Disk, prefix: string): Disk {
  if (prefix === '') return disk;
  const within = (key: string | undefined): string => (key === undefined ? prefix : join(prefix, key));
  return Object.assign(Object.create(disk) as Disk, {
    exists: (key: string) => disk.exists(within(key)),
    getBytes: (key: string) => disk.getBytes(within(key)),
    getStream: (key: string) => disk.getStream(within(key)),
    put: (key: string, contents: Uint8Array) => disk.put(within(key), contents),
    moveFromFs: (source: string, key: string) => disk.moveFromFs(source, within(key)),
    delete: (key: string) => disk.delete(within(key)),
    getMetaData: (key: string) => disk.getMetaData(within(key)),
    listAll: (key?: string, options?: Parameters<Disk['listAll']>[1]) => disk.listAll(within(key), options),
    deleteAll: (key?: string) => disk.deleteAll(within(key)),
  });
}

/** Whether an error of flydrive says that there is no such file. */
export function isMissing(error: unknown): boolean {
  const cause = (error as { cause?: { code?: string; name?: string; $metadata?: { httpStatusCode?: number } } }).cause;
  return cause?.code === 'ENOENT' || cause?.name === 'NoSuchKey' || cause?.$metadata?.httpStatusCode === 404;
}
