import { createHash, type Hash as Hashing, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rm, stat, truncate, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fromHex, type Hash, toHex } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { InOrder } from '../../lib/InOrder.ts';
import { sizeOf } from '../channels/spool.ts';
import { type FileFacts, VaultFiles } from '../channels/VaultFiles.ts';
import { isMissing, openDisk } from '../disk.ts';
import { evidenceKey } from '../evidence.ts';
import type { S3Credentials } from '../Store.ts';
import { stored } from '../storageError.ts';

/** Where attachments lie. */
export type AttachmentPlace = {
  readonly dataDir: string;
  /** `s3://bucket/prefix?endpoint=…&region=…` instead of a folder below the data folder; they arrive there all the same. */
  readonly url?: string | undefined;
  readonly s3?: S3Credentials | undefined;
  /** Largest one that is taken. */
  readonly maxBytes: number;
  readonly clock: Clock;
};

/** What was taken in. */
export type PutAttachment = { readonly sealedDigest: Hash; readonly sizeBytes: number };

/** What decides whether a file is still needed. */
export type AttachmentNeeds = {
  /** Which of these are needed for certain: looked at together, so that most cost no look of their own. */
  readonly needed: (sealedDigests: readonly Hash[]) => Promise<Set<Hash>>;
  /** Looks again, for one that is to go. From then on nobody may begin to need it. */
  readonly release: (sealedDigest: Hash) => Promise<boolean>;
};

type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
type Known = { readonly hash: Hashing; readonly offset: number };

/** Below the folder of a node's activities. */
export const attachmentsFolder = 'attachments';
const arrivalsName = 'attachments.arriving';
const mostKnown = 256;

/**
 * Attachments as they are handed out: encrypted under keys of their own, each by the SHA-256 of that (its sealed digest). One is whole or
 * not there, whatever happens. Errors of all calls: `storage-full`, `storage-failed`.
 */
export class AttachmentStore {
  readonly #files: VaultFiles;
  readonly #arrivals: string;
  readonly #parts: AttachmentPlace;
  readonly #order = new InOrder();
  /** Names of the files that somebody is writing to. */
  readonly #active = new Set<string>();
  /** Hashes of what has arrived of some, so that it is not read again; the file is the truth. */
  readonly #known = new Map<Hash, Known>();

  private constructor(files: VaultFiles, parts: AttachmentPlace) {
    this.#files = files;
    this.#parts = parts;
    this.#arrivals = join(parts.dataDir, arrivalsName);
  }

  /** @throws NotariumError `config-invalid` for an address that is none. */
  static open(parts: AttachmentPlace): Promise<AttachmentStore> {
    return stored(async () => {
      const { dataDir, url, s3 } = parts;
      const store = new AttachmentStore(
        new VaultFiles(await openDisk(url, join(dataDir, attachmentsFolder), s3)),
        parts,
      );
      await mkdir(store.#arrivals, { recursive: true });
      return store;
    });
  }

  /** Whether it is here, whole. */
  has(sealedDigest: Hash): Promise<boolean> {
    return stored(() => this.#files.place.disk.exists(nameOf(sealedDigest)));
  }

  /**
   * An attachment, or so many bytes of it from a place on; undefined when it is not here whole. That it still is what its digest says is
   * for the reader to check.
   * @returns `sizeBytes` of the whole.
   */
  async open(
    sealedDigest: Hash,
    range: { readonly start?: number; readonly sizeBytes?: number } = {},
  ): Promise<{ readonly sizeBytes: number; readonly content: Readable } | undefined> {
    return stored(async () => {
      const facts = await this.#factsOf(sealedDigest);
      if (!facts) return undefined;
      const { sizeBytes } = facts;
      const start = Math.min(range.start ?? 0, sizeBytes);
      const length = Math.min(range.sizeBytes ?? sizeBytes, sizeBytes - start);
      return { sizeBytes, content: await this.#files.read(nameOf(sealedDigest), start, length) };
    });
  }

  /**
   * Takes an attachment in that is made here. It is not collected before its time, also where it was here already.
   * @throws NotariumError `request-too-large`; whatever the content throws.
   */
  async put(content: Chunks): Promise<PutAttachment> {
    const name = `put-${randomUUID()}`;
    const path = join(this.#arrivals, name);
    this.#active.add(name);
    const hash = createHash('sha256');
    try {
      const sizeBytes = await this.#receive(path, { hash, offset: 0 }, content, this.#parts.maxBytes);
      const sealedDigest = toHex(hash.digest());
      await this.#takeIn(sealedDigest, path);
      return { sealedDigest, sizeBytes };
    } finally {
      // What stays is collected; the first error says what has happened.
      await rm(path, { force: true }).catch(() => undefined);
      this.#active.delete(name);
    }
  }

  /**
   * Bytes that are here of an attachment, from its beginning: where to go on. All of them may be here before it is whole, after a kill: then
   * an `append` of nothing takes it in.
   */
  arrived(sealedDigest: Hash): Promise<number> {
    return stored(async () => (await this.#factsOf(sealedDigest))?.sizeBytes ?? sizeOf(this.#arrivalOf(sealedDigest)));
  }

  /**
   * Writes what comes to the end of what has arrived of an attachment; answers its bytes so far. What came before the stream broke off
   * stays, also after a kill. When all has come, it is taken in, or it goes: then it begins anew.
   * @param sizeBytes Of the whole, as the message says that names it.
   * @throws NotariumError `attachment-mismatch`; `upload-conflict` with `data.have` for another offset, or while somebody else is writing;
   *   `request-too-large`; whatever the content throws.
   */
  async append(sealedDigest: Hash, sizeBytes: number, offset: number, content: Chunks): Promise<number> {
    if (sizeBytes > this.#parts.maxBytes) throw tooLarge(sizeBytes, this.#parts.maxBytes);
    const name = sealedDigest.slice(2);
    if (this.#active.has(name)) throw conflict(await this.arrived(sealedDigest));
    this.#active.add(name);
    try {
      const whole = await stored(() => this.#factsOf(sealedDigest));
      if (whole) {
        if (offset === whole.sizeBytes) return offset;
        throw conflict(whole.sizeBytes);
      }
      return await this.#append(sealedDigest, sizeBytes, offset, content);
    } finally {
      this.#active.delete(name);
    }
  }

  /**
   * Removes what nothing needs, and what has not become whole, once it is older than that. What somebody is writing stays.
   * @param olderThanMs Longer than it takes from a `put` to the message that names it.
   */
  async collect(
    { needed, release }: AttachmentNeeds,
    olderThanMs: number,
  ): Promise<{ readonly files: number; readonly sizeBytes: number }> {
    const removed = { files: 0, sizeBytes: 0 };
    const beforeMs = this.#parts.clock.nowMs() - olderThanMs;
    for await (const part of this.#files.parts()) {
      const digests = part.map(({ file }) => `0x${file.digest}` as Hash);
      const kept = await needed(digests);
      for (const digest of digests.filter((each) => !kept.has(each))) {
        await this.#alone(digest, async () => {
          const facts = await this.#factsOf(digest);
          // As it is now: it may have been put again meanwhile.
          if (!facts || facts.modifiedMs > beforeMs || !(await release(digest))) return;
          await this.#files.place.disk.delete(nameOf(digest));
          removed.files++;
          removed.sizeBytes += facts.sizeBytes;
        });
      }
    }
    await stored(() => this.#files.place.sync());
    const left = await this.#collectArrivals(beforeMs);
    return { files: removed.files + left.files, sizeBytes: removed.sizeBytes + left.sizeBytes };
  }

  async #collectArrivals(beforeMs: number): Promise<{ files: number; sizeBytes: number }> {
    const removed = { files: 0, sizeBytes: 0 };
    await stored(async () => {
      for (const name of await readdir(this.#arrivals)) {
        const path = join(this.#arrivals, name);
        const facts = await stat(path).catch(() => undefined);
        if (!facts || facts.mtimeMs > beforeMs || this.#active.has(name)) continue;
        this.#known.delete(`0x${name}` as Hash);
        await rm(path, { force: true });
        removed.files++;
        removed.sizeBytes += facts.size;
      }
    });
    return removed;
  }

  async #append(sealedDigest: Hash, sizeBytes: number, offset: number, content: Chunks): Promise<number> {
    const path = this.#arrivalOf(sealedDigest);
    const known = await stored(() => this.#resume(sealedDigest, path, sizeBytes));
    if (known.offset !== offset) throw conflict(known.offset);
    const { hash } = known;
    let end = offset;
    this.#known.delete(sealedDigest);
    try {
      await this.#receive(path, known, content, sizeBytes, (at) => {
        end = at;
      });
    } catch (error) {
      // After a failed write the file says what has arrived, and is read again.
      if (end === (await sizeOf(path).catch(() => undefined))) this.#remember(sealedDigest, { hash, offset: end });
      throw error;
    }
    if (end < sizeBytes) {
      this.#remember(sealedDigest, { hash, offset: end });
      return end;
    }
    const have = toHex(hash.digest());
    if (have !== sealedDigest) {
      await stored(() => rm(path, { force: true }));
      throw new NotariumError('attachment-mismatch', undefined, { data: { have, want: sealedDigest } });
    }
    await this.#takeIn(sealedDigest, path);
    return end;
  }

  /** The hash of what has arrived. */
  async #resume(sealedDigest: Hash, path: string, most: number): Promise<Known> {
    const have = await sizeOf(path);
    // Left by a message that has named another size.
    if (have > most) {
      await truncate(path, 0);
      return { hash: createHash('sha256'), offset: 0 };
    }
    const known = this.#known.get(sealedDigest);
    if (known?.offset === have) return known;
    const hash = createHash('sha256');
    if (have > 0) for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
    return { hash, offset: have };
  }

  #remember(sealedDigest: Hash, known: Known): void {
    this.#known.set(sealedDigest, known);
    if (this.#known.size > mostKnown) this.#known.delete(this.#known.keys().next().value!);
  }

  /** Writes to the end of a file; answers its size then. */
  async #receive(
    path: string,
    { hash, offset }: Known,
    content: Chunks,
    most: number,
    onWritten?: (offset: number) => void,
  ): Promise<number> {
    const file: FileHandle = await stored(() => open(path, 'a'));
    let end = offset;
    try {
      for await (const chunk of content) {
        if (end + chunk.length > most) throw tooLarge(end + chunk.length, most);
        await stored(() => file.writeFile(chunk));
        hash.update(chunk);
        end += chunk.length;
        onWritten?.(end);
      }
      return end;
    } finally {
      await stored(() => file.close());
    }
  }

  async #takeIn(sealedDigest: Hash, path: string): Promise<void> {
    await this.#alone(sealedDigest, async () => {
      const now = new Date(this.#parts.clock.nowMs());
      await utimes(path, now, now);
      await this.#files.place.moveIn(path, nameOf(sealedDigest));
      await this.#files.place.sync();
    });
  }

  async #factsOf(sealedDigest: Hash): Promise<FileFacts | undefined> {
    try {
      return await this.#files.facts(nameOf(sealedDigest));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  #arrivalOf(sealedDigest: Hash): string {
    // The check of its name keeps it within the folder.
    nameOf(sealedDigest);
    return join(this.#arrivals, sealedDigest.slice(2));
  }

  /** One after the other for each: what is being taken in is not collected at the same time. */
  #alone<T>(sealedDigest: Hash, work: () => Promise<T>): Promise<T> {
    return stored(() => this.#order.run(sealedDigest, work));
  }
}

/** @throws RangeError for what is no digest. */
function nameOf(sealedDigest: Hash): string {
  return evidenceKey(fromHex(sealedDigest));
}

function tooLarge(have: number, want: number): NotariumError {
  return new NotariumError('request-too-large', `more than ${want} bytes`, { data: { have, want } });
}

function conflict(have: number): NotariumError {
  return new NotariumError('upload-conflict', undefined, { data: { have } });
}
