import { stat, utimes } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { LRUCache } from 'lru-cache';
import { fromHex, type Hash, hexDigits, toHex, utf8 } from '../../core/bytes.ts';
import { type BillKind, type EvidenceKind, evidenceKinds } from '../../core/channels/upload.ts';
import { NotariumError } from '../../core/errors.ts';
import { InOrder } from '../../lib/InOrder.ts';
import { readSealed, type SealedFile } from '../../lib/readSealed.ts';
import { contentKeyId, plainBytesOf } from '../../lib/sealed.ts';
import { openDisk } from '../disk.ts';
import type { S3Credentials } from '../Store.ts';
import { stored } from '../storageError.ts';
import { findMember, firstInIndex, type MemberPlace } from './memberIndex.ts';
import { folderOf, VaultFiles } from './VaultFiles.ts';
import { documentName, evidenceName, holderFolder, membersFolder, membersName } from './vaultNames.ts';

/** Where a vault lies. */
export type VaultPlace = {
  readonly folder: string;
  /** `s3://bucket/prefix?endpoint=…&region=…` instead of the folder. */
  readonly url?: string | undefined;
  readonly s3?: S3Credentials | undefined;
  /** Only to read: the vault of a verifier that may be running. */
  readonly reading?: boolean | undefined;
};

/** A finished upload, ready to be kept. */
export type FinishedUpload = {
  /** 32 bytes: SHA-256 of a content, root of a pack or list. */
  readonly digest: Uint8Array;
  readonly kind: EvidenceKind;
  /** File with the content, sealed where there is a key id. */
  readonly path: string;
  readonly keyId?: string | undefined;
  /** File with the index, for a pack. */
  readonly membersPath?: string | undefined;
  /** Its file was written a moment ago, is synced, and was given to nobody before. */
  readonly isFresh?: boolean | undefined;
};

/** A JSON text beside evidence; while there is one, the evidence is kept. */
export type EvidenceDocument = {
  readonly channelId: Hash;
  readonly digest: Hash;
  /** Of a-z, 0-9 and hyphens. */
  readonly name: string;
  /** What the channel has paid for: it opens that and nothing else under the digest, and nothing at all where it is not known. */
  readonly kind: BillKind;
  readonly json: string;
};

/** How to read what is encrypted or in a pack. */
export type OpenOptions = {
  /** Content key (32 bytes). */
  readonly key?: Uint8Array | undefined;
  /** Root of the pack that has it; otherwise all are searched. */
  readonly within?: Uint8Array | undefined;
  /** Only what this channel has paid for: a list of digests has the same root as the pack of their contents, and opens no pack. */
  readonly holder?: Hash | undefined;
};

/** Evidence that can be read. */
export type OpenedEvidence = { readonly kind: EvidenceKind; readonly sizeBytes: number; readonly content: Readable };

/** One file of evidence, as it is stored. */
export type StoredEvidence = {
  readonly digest: string;
  readonly kind: EvidenceKind;
  readonly keyId?: string;
  readonly name: string;
};

/**
 * The evidence that a verifier keeps: contents, packs and lists by their digests, in a folder or a bucket, with bills and
 * statements beside them. Errors of all calls: `storage-full`, `storage-failed`.
 */
export class EvidenceVault {
  readonly #files: VaultFiles;
  readonly #order = new InOrder();
  /** Size of the index of each pack, by root. */
  readonly #packs = new Map<string, number>();
  /** Digests of evidence taken lately, which is here: it need not be looked for. */
  readonly #present = new LRUCache<string, true>({ max: 10_000 });
  /** Notes of who holds packs that were written lately. */
  readonly #noted = new LRUCache<string, true>({ max: 10_000 });

  private constructor(files: VaultFiles) {
    this.#files = files;
  }

  /** @throws NotariumError `config-invalid`. */
  static async open({ folder, url, s3, reading }: VaultPlace): Promise<EvidenceVault> {
    return stored(async () => {
      const vault = new EvidenceVault(new VaultFiles(await openDisk(url, folder, s3, { reading })));
      for await (const name of vault.#files.names(membersFolder)) await vault.#learnPack(name);
      return vault;
    });
  }

  /**
   * Takes an upload in durably; its files are gone then. What is here and held already is not written again.
   * @returns Whether it was moved; if not, its files are where they were.
   */
  async take({ digest, kind, path, keyId, membersPath, isFresh = false }: FinishedUpload): Promise<boolean> {
    const { place } = this.#files;
    return await this.#alone(digest, async () => {
      const name = evidenceName(digest, kind, keyId);
      // What nothing holds is written anew: it is as young as this upload then, and not collected.
      const isHere = await place.disk.exists(name);
      // After a kill in the middle of this, it has been moved and its index has not.
      const isGone = isHere && !(await isFile(path));
      const isMoved = !isHere || (!isGone && !(await this.#files.isHeld(digest)));
      if (isMoved) {
        if (!isFresh) {
          const now = new Date();
          await utimes(path, now, now);
        }
        await place.moveIn(path, name, isFresh);
      }
      if (
        membersPath !== undefined &&
        !this.#packs.has(hexDigits(digest)) &&
        (!isGone || (await isFile(membersPath)))
      ) {
        await place.moveIn(membersPath, membersName(digest));
        await this.#learnPack(hexDigits(digest));
      }
      await place.sync();
      this.#present.set(hexDigits(digest), true);
      return isMoved || isGone;
    });
  }

  /**
   * Writes documents beside evidence, which they hold from then on.
   * @throws NotariumError `evidence-not-found` when one is about evidence that is not here; others may have been written then.
   */
  async putDocuments(documents: readonly EvidenceDocument[]): Promise<void> {
    await stored(async () => {
      const put = ({ channelId, digest, name, kind, json }: EvidenceDocument): Promise<void> =>
        this.#alone(fromHex(digest), async () => {
          await this.requireHere([digest]);
          // First: nobody finds what a pack has for it without this.
          if (kind === 'pack') await this.#noteHolder(channelId, fromHex(digest));
          await this.#files.place.disk.put(documentName(fromHex(digest), channelId, name, kind), utf8(json));
        });
      await Promise.all(documents.map(put));
      await this.#files.place.sync();
    });
  }

  /** Documents of one channel about evidence, by `ownDocumentName`. */
  async documents(channelId: Hash, digest: Hash): Promise<Map<string, string>> {
    return stored(async () => {
      const found = new Map<string, string>();
      for await (const { name, file } of this.#files.about(fromHex(digest))) {
        if (!('document' in file) || file.channelId !== channelId) continue;
        found.set(file.document, Buffer.from(await this.#files.place.disk.getBytes(name)).toString());
      }
      return found;
    });
  }

  /** A channel needs evidence no longer: its documents go. The content goes when no channel needs it. */
  async release(channelId: Hash, digest: Hash): Promise<void> {
    await this.#alone(fromHex(digest), async () => {
      const { disk } = this.#files.place;
      for await (const { name, file } of this.#files.about(fromHex(digest))) {
        if ('document' in file && file.channelId === channelId) await disk.delete(name);
      }
      await this.#files.place.sync();
    });
  }

  /**
   * First of many digests, n * 32 bytes in order, that a channel holds: as a content, a root, or in a pack.
   * @param isAwaited What counts as held before any channel does; it is asked before anything is read.
   */
  async firstHeld(
    sorted: Uint8Array,
    isAwaited: (digest: Hash) => boolean = () => false,
  ): Promise<Uint8Array | undefined> {
    return stored(async () => {
      // Paid meanwhile, it would be neither awaited when it is asked for nor held when that was listed.
      const awaited = new Set([...this.#packs.keys()].filter((root) => isAwaited(toHex(fromHex(`0x${root}`)))));
      for (let at = 0; at < sorted.length; at += 32) {
        const digest = sorted.subarray(at, at + 32);
        if (isAwaited(toHex(digest))) return digest;
      }
      let listed = { folder: '', held: new Set<string>() };
      for (let at = 0; at < sorted.length; at += 32) {
        const digest = sorted.subarray(at, at + 32);
        const folder = folderOf(digest);
        if (listed.folder !== folder) listed = { folder, held: await this.#files.heldIn(folder) };
        if (listed.held.has(hexDigits(digest))) return digest;
      }
      for (const [root, sizeBytes] of this.#packs) {
        if (!awaited.has(root) && !(await this.#files.isHeld(fromHex(`0x${root}`)))) continue;
        const found = firstInIndex(sorted, await this.#readIndex(root, 0, sizeBytes));
        if (found) return found;
      }
      return undefined;
    });
  }

  /**
   * Evidence by its digest: a content, also one in a pack, or a whole pack or list by its root. Undefined when it is not here.
   * The stream fails with `evidence-corrupt` where encrypted bytes are damaged; that plain ones are what their digest says is
   * for the reader to check.
   * @throws NotariumError `evidence-key-missing`.
   */
  async open(digest: Uint8Array, { key, within, holder }: OpenOptions = {}): Promise<OpenedEvidence | undefined> {
    return stored(async () => {
      const kindsOf = (held: Uint8Array): Promise<readonly EvidenceKind[]> =>
        holder === undefined ? Promise.resolve(evidenceKinds) : this.#paidKinds(holder, held);
      const whole = within === undefined ? await this.#openWhole(digest, await kindsOf(digest), key) : undefined;
      if (whole) return whole;
      for await (const root of within === undefined ? this.#packsOf(holder) : [hexDigits(within)]) {
        const place = await this.#memberOf(root, digest);
        if (!place || !(await kindsOf(fromHex(`0x${root}`))).includes('pack')) continue;
        const opened = await this.#openWhole(fromHex(`0x${root}`), ['pack'], key, place);
        if (opened) return { ...opened, kind: 'content' };
      }
      return undefined;
    });
  }

  /** Every file of evidence, in no order. */
  async *list(): AsyncGenerator<StoredEvidence, void, void> {
    for await (const part of this.#files.parts()) {
      for (const { name, file } of part) if ('kind' in file) yield { ...file, name };
    }
  }

  /** Whether there is evidence with a digest. */
  async has(digest: Uint8Array): Promise<boolean> {
    return this.#present.has(hexDigits(digest)) || (await this.filesOf(digest)).length > 0;
  }

  /** @throws NotariumError `evidence-not-found` where one of the digests is of nothing here. */
  async requireHere(digests: readonly Hash[]): Promise<void> {
    for (const digest of digests) {
      if (!(await stored(() => this.has(fromHex(digest)))))
        throw new NotariumError('evidence-not-found', undefined, { data: { digest } });
    }
  }

  /** Files of evidence with one digest. */
  async filesOf(digest: Uint8Array): Promise<StoredEvidence[]> {
    const found: StoredEvidence[] = [];
    for await (const { name, file } of this.#files.about(digest)) if ('kind' in file) found.push({ ...file, name });
    return found;
  }

  /** A file as it is stored. */
  openFile({ name }: StoredEvidence): Promise<SealedFile> {
    return stored(() => this.#files.open(name));
  }

  /** The index of a pack as it is stored; undefined when there is none. */
  async readMembers(root: string): Promise<Uint8Array | undefined> {
    const sizeBytes = this.#packs.get(root);
    return sizeBytes === undefined ? undefined : stored(() => this.#readIndex(root, 0, sizeBytes));
  }

  /**
   * Removes what no document holds and nobody has uploaded for some time.
   * @param olderThanMs Longer than any bill can be open: what is uploaded is held only when its bill has been paid.
   * @param nowMs Unix milliseconds.
   * @param isAwaited Whether evidence may still be paid all the same.
   */
  async collect(
    olderThanMs: number,
    nowMs: number,
    isAwaited: (digest: Hash) => boolean = () => false,
  ): Promise<{ files: number; sizeBytes: number }> {
    const removed = { files: 0, sizeBytes: 0 };
    for await (const part of this.#files.parts()) {
      const held = new Set(part.map(({ file }) => ('document' in file ? file.digest : undefined)));
      for (const { name, file } of part) {
        if ('document' in file || held.has(file.digest)) continue;
        const digest = fromHex(`0x${file.digest}`);
        await this.#alone(digest, async () => {
          // As it is now: somebody may have uploaded or paid it meanwhile.
          const { sizeBytes, modifiedMs } = await this.#files.facts(name);
          if (modifiedMs > nowMs - olderThanMs || isAwaited(toHex(digest)) || (await this.#files.isHeld(digest)))
            return;
          if (file.kind === 'pack') await this.#forgetMembers(digest);
          this.#present.delete(file.digest);
          await this.#files.place.disk.delete(name);
          await this.#files.place.sync();
          removed.files++;
          removed.sizeBytes += sizeBytes;
        });
      }
    }
    return removed;
  }

  /** Roots of the packs that a channel has documents of: whoever asks for what it does not have must not make every index be read. */
  async *#packsOf(holder: Hash | undefined): AsyncGenerator<string, void, void> {
    if (holder === undefined) yield* this.#packs.keys();
    else yield* this.#files.names(holderFolder(holder));
  }

  async #noteHolder(channelId: Hash, root: Uint8Array): Promise<void> {
    const name = `${holderFolder(channelId)}/${hexDigits(root)}`;
    if (this.#noted.has(name)) return;
    await this.#files.place.disk.put(name, new Uint8Array());
    this.#noted.set(name, true);
  }

  async #learnPack(root: string): Promise<void> {
    const { sizeBytes } = await this.#files.facts(`${membersFolder}/${root}`);
    this.#packs.set(root, sizeBytes);
  }

  /** An index without its pack would lead nowhere: it goes first. */
  async #forgetMembers(root: Uint8Array): Promise<void> {
    if (!this.#packs.delete(hexDigits(root))) return;
    await this.#files.place.disk.delete(membersName(root));
    await this.#files.place.sync();
  }

  /** What a channel has paid for under a digest. */
  async #paidKinds(holder: Hash, digest: Uint8Array): Promise<readonly EvidenceKind[]> {
    const paid = new Set<BillKind>();
    for await (const { file } of this.#files.about(digest))
      if ('document' in file && file.channelId === holder) paid.add(file.of);
    return evidenceKinds.filter((kind) => paid.has(kind));
  }

  async #openWhole(
    digest: Uint8Array,
    kinds: readonly EvidenceKind[],
    key: Uint8Array | undefined,
    part?: MemberPlace,
  ): Promise<OpenedEvidence | undefined> {
    if (kinds.length === 0) return undefined;
    const files = await this.filesOf(digest);
    for (const kind of kinds) {
      const ofKind = files.filter((file) => file.kind === kind);
      const plain = ofKind.find(({ keyId }) => keyId === undefined);
      if (plain) {
        const { sizeBytes, read } = await this.#files.open(plain.name);
        const range = part ?? { start: 0, sizeBytes };
        return { kind, sizeBytes: range.sizeBytes, content: await read(range.start, range.sizeBytes) };
      }
      if (ofKind.length === 0) continue;
      const keyId = key && contentKeyId(key, digest);
      const sealed = ofKind.find((file) => file.keyId === keyId);
      if (!sealed || !key) throw new NotariumError('evidence-key-missing');
      const file = await this.#files.open(sealed.name);
      const range = part ?? { start: 0, sizeBytes: plainBytesOf(file.sizeBytes) };
      return {
        kind,
        sizeBytes: range.sizeBytes,
        content: Readable.from(readSealed(file, key, range), { objectMode: false }),
      };
    }
    return undefined;
  }

  async #memberOf(root: string, digest: Uint8Array): Promise<MemberPlace | undefined> {
    const indexBytes = this.#packs.get(root);
    if (indexBytes === undefined) return undefined;
    return findMember(digest, indexBytes, (start, sizeBytes) => this.#readIndex(root, start, sizeBytes));
  }

  async #readIndex(root: string, start: number, sizeBytes: number): Promise<Uint8Array> {
    return buffer(await this.#files.read(`${membersFolder}/${root}`, start, sizeBytes));
  }

  /** One after the other for each digest: what is being taken in must not be collected at the same time. */
  #alone<T>(digest: Uint8Array, work: () => Promise<T>): Promise<T> {
    return stored(() => this.#order.run(hexDigits(digest), work));
  }
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}
