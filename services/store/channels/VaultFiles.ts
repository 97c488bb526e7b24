import { Readable } from 'node:stream';
import type { DriveDirectory, DriveFile } from 'flydrive';
import { hexDigits } from '../../core/bytes.ts';
import type { SealedFile } from '../../lib/readSealed.ts';
import { type DurableDisk, isMissing } from '../disk.ts';
import { parseVaultName, type VaultFile } from './vaultNames.ts';

/** Size and age of a file. */
export type FileFacts = { readonly sizeBytes: number; readonly modifiedMs: number };

/** A file of the vault: its name with folders, and what that says. */
export type ListedFile = {
  readonly name: string;
  readonly file: VaultFile;
};

/** The folder or bucket of a vault, as listings. */
export class VaultFiles {
  readonly place: DurableDisk;

  constructor(place: DurableDisk) {
    this.place = place;
  }

  /** Everything in the vault, in 256 parts by the first byte of the digest. */
  async *parts(): AsyncGenerator<ListedFile[], void, void> {
    for (let first = 0; first < 256; first++) {
      const part: ListedFile[] = [];
      for await (const entry of this.#entries(hexDigits(Uint8Array.of(first)), true)) part.push(...listed(entry));
      if (part.length > 0) yield part;
    }
  }

  /** Files of evidence, and documents, of one digest. */
  async *about(digest: Uint8Array): AsyncGenerator<ListedFile, void, void> {
    const hex = hexDigits(digest);
    for await (const found of this.#inFolder(folderOf(digest))) if (found.file.digest === hex) yield found;
  }

  /** Digests in a folder that a document holds. */
  async heldIn(folder: string): Promise<Set<string>> {
    const held = new Set<string>();
    for await (const { file } of this.#inFolder(folder)) if ('document' in file) held.add(file.digest);
    return held;
  }

  /** Whether a document holds the digest. */
  async isHeld(digest: Uint8Array): Promise<boolean> {
    for await (const { file } of this.about(digest)) if ('document' in file) return true;
    return false;
  }

  /** Names of the files in any folder; nothing where there is no such folder. */
  async *names(folder: string): AsyncGenerator<string, void, void> {
    for await (const entry of this.#entries(folder, false)) if (entry.isFile) yield entry.name;
  }

  async facts(name: string): Promise<FileFacts> {
    const { contentLength, lastModified } = await this.place.disk.getMetaData(name);
    return { sizeBytes: contentLength, modifiedMs: lastModified.getTime() };
  }

  /** A file to be read from any place on. */
  async open(name: string): Promise<SealedFile> {
    const { sizeBytes } = await this.facts(name);
    return { sizeBytes, read: (start, length) => this.read(name, start, length) };
  }

  /** So many bytes of a file from a place on. */
  async read(name: string, start: number, sizeBytes: number): Promise<Readable> {
    return sizeBytes === 0 ? Readable.from([]) : this.place.readRange(name, start, sizeBytes);
  }

  async *#inFolder(folder: string): AsyncGenerator<ListedFile, void, void> {
    for await (const entry of this.#entries(folder, false)) yield* listed(entry);
  }

  async *#entries(folder: string, recursive: boolean): AsyncGenerator<Entry, void, void> {
    let token: string | undefined;
    do {
      try {
        const options = { recursive, ...(token === undefined ? {} : { paginationToken: token }) };
        const page = await this.place.disk.listAll(folder, options);
        yield* page.objects;
        token = page.paginationToken;
      } catch (error) {
        if (isMissing(error) || isMissing({ cause: error })) return;
        throw error;
      }
    } while (token !== undefined);
  }
}

type Entry = DriveFile | DriveDirectory;

/** The file of the vault that an entry is, if it is one. */
function listed(entry: Entry): ListedFile[] {
  if (!entry.isFile) return [];
  // A bucket names its own prefix too.
  const [first = '', second = '', last = ''] = entry.key.split('/').slice(-3);
  const file = parseVaultName(last);
  if (file === undefined || first + second !== file.digest.slice(0, 4)) return [];
  return [{ name: `${first}/${second}/${last}`, file }];
}

/** Folder that a digest lies in: `ab/cd`. */
export function folderOf(digest: Uint8Array): string {
  const hex = hexDigits(digest.subarray(0, 2));
  return `${hex.slice(0, 2)}/${hex.slice(2)}`;
}
