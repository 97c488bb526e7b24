import { Readable } from 'node:stream';
import type { DriveFile } from 'flydrive';
import type { ObjectMetaData } from 'flydrive/types';
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
  /** As of the listing. */
  readonly facts: () => Promise<FileFacts>;
};

/** The folder or bucket of a vault, as listings. */
export class VaultFiles {
  readonly place: DurableDisk;

  constructor(place: DurableDisk) {
    this.place = place;
  }

  /** Names of all folders that hold evidence, such as `ab/cd`. */
  async *folders(): AsyncGenerator<string, void, void> {
    for (const first of await this.#foldersIn(undefined)) {
      for (const second of await this.#foldersIn(first)) yield `${first}/${second}`;
    }
  }

  /** Files of evidence, and documents, in such a folder. */
  async *inFolder(folder: string): AsyncGenerator<ListedFile, void, void> {
    for await (const { name, facts } of this.list(folder)) {
      const file = parseVaultName(name);
      if (file) yield { name: `${folder}/${name}`, file, facts };
    }
  }

  /** Files of evidence, and documents, of one digest. */
  async *about(digest: Uint8Array): AsyncGenerator<ListedFile, void, void> {
    const hex = hexDigits(digest);
    for await (const listed of this.inFolder(folderOf(digest))) if (listed.file.digest === hex) yield listed;
  }

  /** Digests in a folder that a document holds. */
  async heldIn(folder: string): Promise<Set<string>> {
    const held = new Set<string>();
    for await (const { file } of this.inFolder(folder)) if ('document' in file) held.add(file.digest);
    return held;
  }

  /** Whether a document holds the digest. */
  async isHeld(digest: Uint8Array): Promise<boolean> {
    for await (const { file } of this.about(digest)) if ('document' in file) return true;
    return false;
  }

  /** Names and facts of the files in any folder; nothing where there is no such folder. */
  async *list(folder: string): AsyncGenerator<Pick<ListedFile, 'name' | 'facts'>, void, void> {
    for await (const entry of this.#entries(folder)) {
      if (!entry.isFile) continue;
      yield {
        name: entry.name,
        facts: async () => factsOf(await entry.getMetaData()),
      };
    }
  }

  /** As of now. */
  async facts(name: string): Promise<FileFacts> {
    return factsOf(await this.place.disk.getMetaData(name));
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

  async #foldersIn(folder: string | undefined): Promise<string[]> {
    const found: string[] = [];
    for await (const entry of this.#entries(folder)) {
      const name = entry.isFile ? '' : entry.name;
      if (/^[0-9a-f]{2}$/.test(name)) found.push(folder === undefined ? name : `${folder}/${name}`);
    }
    return found;
  }

  async *#entries(folder: string | undefined): AsyncGenerator<DriveFile | Entry, void, void> {
    let paginationToken: string | undefined;
    do {
      try {
        const page = await this.place.disk.listAll(folder, paginationToken === undefined ? {} : { paginationToken });
        yield* page.objects as Iterable<DriveFile | Entry>;
        paginationToken = page.paginationToken;
      } catch (error) {
        if (isMissing(error) || isMissing({ cause: error })) return;
        throw error;
      }
    } while (paginationToken !== undefined);
  }
}

type Entry = { readonly isFile: false; readonly isDirectory: true; readonly name: string };

function factsOf({ contentLength, lastModified }: ObjectMetaData): FileFacts {
  return { sizeBytes: contentLength, modifiedMs: lastModified.getTime() };
}

/** Folder that a digest lies in: `ab/cd`. */
export function folderOf(digest: Uint8Array): string {
  const hex = hexDigits(digest.subarray(0, 2));
  return `${hex.slice(0, 2)}/${hex.slice(2)}`;
}
