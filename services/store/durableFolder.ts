import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { FSDriver } from 'flydrive/drivers/fs';
import { syncFolder } from '../lib/syncFolder.ts';

let lastTemporary = 0;

/** Node has four threads for files. */
const syncsAtOnce = 4;

/**
 * flydrive's folder driver, made durable: content goes to a temporary file, is synced, and gets its name in one step, so
 * a file is whole or not there, whatever happens. {@link sync} then makes the names last.
 */
export class DurableFolder extends FSDriver {
  readonly #root: string;
  readonly #temporary: string;
  /** Folders whose names are not yet synced. */
  #changed = new Set<string>();
  #syncing: Promise<void> = Promise.resolve();
  #nextSync: Promise<void> | undefined;

  constructor(root: string) {
    super({ location: root, visibility: 'private' });
    this.#root = root;
    this.#temporary = join(root, '.tmp');
  }

  /** Removes what a killed process left half written. */
  async clean(): Promise<void> {
    await rm(this.#temporary, { recursive: true, force: true });
    await mkdir(this.#root, { recursive: true });
  }

  override async put(key: string, contents: string | Uint8Array): Promise<void> {
    await this.#replace(key, (file) => file.writeFile(contents));
  }

  override async putStream(key: string, contents: Readable): Promise<void> {
    await this.#replace(key, (file) => file.writeFile(contents));
  }

  /** What is gone must not come back with the power. */
  override async delete(key: string): Promise<void> {
    await super.delete(key);
    this.#changed.add(dirname(join(this.#root, key)));
  }

  /** flydrive answers the whole buffer below the view, which may be larger than the file. */
  override async getBytes(key: string): Promise<Uint8Array> {
    const bytes = await readFile(join(this.#root, key));
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Takes a file in; it must be on the same file system. @param isSynced Its bytes are durable already. */
  async moveIn(source: string, key: string, isSynced = false): Promise<void> {
    const target = join(this.#root, key);
    await this.#makeFolder(dirname(target));
    if (!isSynced) {
      const file = await open(source, 'r+');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    }
    await rename(source, target);
    this.#changed.add(dirname(target));
  }

  /**
   * Makes all names given and removed so far durable; each changed folder is synced once. Who comes while that is under way
   * shares the next run: what is being synced already is not durable yet.
   */
  sync(): Promise<void> {
    this.#nextSync ??= this.#syncing
      .catch(() => {})
      .then(() => {
        this.#nextSync = undefined;
        this.#syncing = this.#syncChanged();
        return this.#syncing;
      });
    return this.#nextSync;
  }

  async #syncChanged(): Promise<void> {
    const changed = this.#changed;
    this.#changed = new Set();
    try {
      const left = changed.values();
      const syncLeft = async (): Promise<void> => {
        for (const folder of left) await syncFolder(folder);
      };
      await Promise.all(Array.from({ length: syncsAtOnce }, syncLeft));
    } catch (error) {
      for (const folder of changed) this.#changed.add(folder);
      throw error;
    }
  }

  async #replace(key: string, write: (file: Awaited<ReturnType<typeof open>>) => Promise<void>): Promise<void> {
    const target = join(this.#root, key);
    const temporary = join(this.#temporary, `${process.pid}-${++lastTemporary}`);
    const file = await this.#create(temporary);
    try {
      try {
        await write(file);
        await file.sync();
      } finally {
        await file.close();
      }
      // The folder is there nearly always: it is made only where it is missed.
      await rename(temporary, target).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        await this.#makeFolder(dirname(target));
        await rename(temporary, target);
      });
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    this.#changed.add(dirname(target));
  }

  async #create(path: string): ReturnType<typeof open> {
    try {
      return await open(path, 'wx');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await mkdir(dirname(path), { recursive: true });
      return open(path, 'wx');
    }
  }

  async #makeFolder(folder: string): Promise<void> {
    const first = await mkdir(folder, { recursive: true });
    if (first === undefined) return;
    // New folders are names in their parents, up to the first that was there before.
    for (let made = folder; made.length >= first.length; made = dirname(made)) this.#changed.add(dirname(made));
  }
}
