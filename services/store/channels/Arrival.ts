import { createHash, type Hash as NodeHash } from 'node:crypto';
import type { EvidenceKind } from '../../core/channels/upload.ts';
import { NotariumError } from '../../core/errors.ts';
import { hashBytes } from '../../core/sha256.ts';
import { DigestsCheck } from '../../lib/DigestsCheck.ts';
import { headBytes, PackCheck } from '../../lib/PackCheck.ts';
import { buildMemberIndex } from './memberIndex.ts';

/** What an upload turned out to be, once all of it has arrived. */
export type Arrived = {
  /** 32 bytes: SHA-256 of a content, root of a pack or list. */
  readonly digest: Uint8Array;
  readonly count: number;
  /** Of the contents; of a list it is not known. */
  readonly smallestBytes?: number;
  readonly largestBytes?: number;
  /** Media types by the first bytes, each once. */
  readonly mediaTypes: readonly string[];
  /** For a pack. */
  readonly members?: Uint8Array;
};

/** How to look at what arrives. */
export type ArrivalOptions = {
  readonly kind: EvidenceKind;
  readonly sizeBytes: number;
  /** Most contents of a pack or list. */
  readonly maxCount: number;
  /** Names the media type of a content that begins so; left out, nobody wants to know. */
  readonly mediaTypeOf?: ((head: Uint8Array) => Promise<string>) | undefined;
};

/** Hashes an upload as it arrives. Memory: 40 bytes a content for a pack, a few kilobytes for anything else. */
export class Arrival {
  readonly #options: ArrivalOptions;
  readonly #mediaTypes = new Set<string>();
  readonly #check: NodeHash | PackCheck | DigestsCheck;
  #heads: Uint8Array[] = [];
  #offset = 0;

  /** @throws NotariumError `upload-invalid` when nothing of the kind has that size. */
  constructor(options: ArrivalOptions) {
    this.#options = options;
    const { kind, sizeBytes, maxCount, mediaTypeOf } = options;
    if (kind === 'digests') this.#check = new DigestsCheck(sizeBytes, maxCount);
    else if (kind === 'content') this.#check = createHash('sha256');
    else {
      const keepHead = (head: Uint8Array): void => void this.#heads.push(Buffer.from(head));
      this.#check = new PackCheck({ sizeBytes, maxCount, ...(mediaTypeOf ? { onContent: keepHead } : {}) });
    }
  }

  /** Bytes so far. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * Takes the next bytes.
   * @throws NotariumError `upload-invalid`, `evidence-mismatch`: this upload can never become right.
   */
  async update(bytes: Uint8Array): Promise<void> {
    const { kind, mediaTypeOf } = this.#options;
    this.#check.update(bytes);
    if (mediaTypeOf && kind === 'content' && this.#offset < headBytes) {
      this.#heads.push(Buffer.from(bytes.subarray(0, headBytes - this.#offset)));
    }
    this.#offset += bytes.length;
    if (mediaTypeOf && kind === 'pack') await this.#nameTypes(mediaTypeOf, this.#heads.splice(0));
  }

  /**
   * What has arrived.
   * @throws NotariumError `upload-invalid` when something is missing.
   */
  async finish(): Promise<Arrived> {
    const { kind, sizeBytes, mediaTypeOf } = this.#options;
    if (this.#offset !== sizeBytes)
      throw new NotariumError('upload-invalid', `${sizeBytes - this.#offset} bytes are missing`);
    const check = this.#check;
    if (check instanceof DigestsCheck) return { digest: check.root(), count: sizeBytes / hashBytes, mediaTypes: [] };
    if (mediaTypeOf && kind === 'content') await this.#nameTypes(mediaTypeOf, [Buffer.concat(this.#heads)]);
    const mediaTypes = [...this.#mediaTypes];
    if (!(check instanceof PackCheck)) {
      return { digest: check.digest(), count: 1, smallestBytes: sizeBytes, largestBytes: sizeBytes, mediaTypes };
    }
    const digest = check.root();
    const list = check.list!;
    const { smallest, largest } = rangeOf(list.sizesBytes);
    return {
      digest,
      count: list.count,
      smallestBytes: smallest,
      largestBytes: largest,
      mediaTypes,
      members: buildMemberIndex(list),
    };
  }

  async #nameTypes(mediaTypeOf: (head: Uint8Array) => Promise<string>, heads: readonly Uint8Array[]): Promise<void> {
    for (const head of heads) this.#mediaTypes.add(await mediaTypeOf(head));
  }
}

function rangeOf(sizes: Float64Array): { smallest: number; largest: number } {
  let smallest = Number.POSITIVE_INFINITY;
  let largest = 0;
  for (const size of sizes) {
    smallest = Math.min(smallest, size);
    largest = Math.max(largest, size);
  }
  return { smallest, largest };
}
