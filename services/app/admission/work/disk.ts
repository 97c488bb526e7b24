import { createCipheriv, createHmac, randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Hash, toHex } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';

/** One block of what is written and read back. */
const blockBytes = 2 ** 20;
/** Left free: a centre beside it must not run out of space. */
const spareBytes = 64 * blockBytes;

const prefix = '.admission-';
const ending = '.tmp';

/**
 * A file for the disk check. It has no name from the moment it is open, so its space is free again when this process ends,
 * however it does.
 */
export class DiskCheck {
  readonly #folder: string;
  #file: number | undefined;
  #blocks = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Writes so many mebibytes of AES-128-CTR under the key, from counter 0, and forces them to disk.
   * @param key 16 bytes.
   * @throws NotariumError `storage-full` with data `{ have, want }` in bytes, before anything is written or in the course of it.
   */
  write(key: Uint8Array, mebibytes: number, onProgress: (done: number) => void): void {
    this.close();
    const file = this.#open(mebibytes * blockBytes);
    const cipher = createCipheriv('aes-128-ctr', key, new Uint8Array(16));
    const zeros = new Uint8Array(blockBytes);
    try {
      for (let block = 0; block < mebibytes; block++) {
        writeWhole(file, cipher.update(zeros));
        onProgress((block + 1) / mebibytes);
      }
      fsyncSync(file);
      const folder = openSync(this.#folder, 'r');
      try {
        fsyncSync(folder);
      } finally {
        closeSync(folder);
      }
    } catch (cause) {
      this.close();
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== 'ENOSPC' && code !== 'EDQUOT') throw cause;
      throw new NotariumError('storage-full', this.#folder, { cause, data: { want: mebibytes * blockBytes } });
    }
    this.#blocks = mebibytes;
  }

  /** HMAC-SHA256, under a key of 32 bytes, of each mebibyte that {@link write} has written; the file is gone then. */
  read(key: Uint8Array, onProgress: (done: number) => void): Hash[] {
    const file = this.#file;
    if (file === undefined) throw new NotariumError('internal', 'the disk check has nothing to read back');
    const values: Hash[] = [];
    const block = new Uint8Array(blockBytes);
    for (let at = 0; at < this.#blocks; at++) {
      readWhole(file, block, at * blockBytes);
      values.push(toHex(createHmac('sha256', key).update(block).digest()));
      onProgress(values.length / this.#blocks);
    }
    this.close();
    return values;
  }

  close(): void {
    if (this.#file === undefined) return;
    // The kernel may keep the space for as long as somebody has the file open.
    ftruncateSync(this.#file);
    closeSync(this.#file);
    this.#file = undefined;
  }

  #open(sizeBytes: number): number {
    mkdirSync(this.#folder, { recursive: true });
    removeLeftOver(this.#folder);
    const { bavail, bsize } = statfsSync(this.#folder);
    const have = bavail * bsize;
    const want = sizeBytes + spareBytes;
    if (have < want) {
      const detail = `the disk check writes ${sizeBytes / blockBytes} MiB into ${this.#folder}, where ${Math.floor(have / blockBytes)} MiB are free, and ${spareBytes / blockBytes} are to stay so`;
      throw new NotariumError('storage-full', detail, { data: { have, want } });
    }
    const path = join(this.#folder, `${prefix}${randomBytes(6).toString('hex')}${ending}`);
    this.#file = openSync(path, 'wx+', 0o600);
    rmSync(path);
    return this.#file;
  }
}

/** Removes the names of files whose process ended between making one and taking its name away. */
function removeLeftOver(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(prefix) && name.endsWith(ending)) rmSync(join(folder, name), { force: true });
  }
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at);
}

function readWhole(file: number, into: Uint8Array, start: number): void {
  for (let at = 0; at < into.length; ) {
    const count = readSync(file, into, at, into.length - at, start + at);
    if (count === 0) throw new NotariumError('storage-failed', 'the disk gives less back than was written');
    at += count;
  }
}
