import { createHash, hash, type Hash as NodeHash } from 'node:crypto';
import { aggregateRoot } from '../core/aggregate.ts';
import { toHex } from '../core/bytes.ts';
import {
  type PackList,
  packListBytes,
  packPreludeBytes,
  readPackList,
  readPackPrelude,
} from '../core/channels/pack.ts';
import { NotariumError } from '../core/errors.ts';
import { hashBytes } from '../core/sha256.ts';

/** What a {@link PackCheck} is told from outside. */
export type PackCheckOptions = {
  /** Size of the whole pack: one whose list says otherwise is refused as soon as the list is there. */
  readonly sizeBytes: number;
  /** Most contents that it may have. */
  readonly maxCount?: number;
  /** Gets the first bytes of every content, at most 4,100. */
  readonly onContent?: (head: Uint8Array, index: number) => void;
};

/** As much as the recognition of media types looks at. */
export const headBytes = 4100;

/**
 * Checks a pack as it arrives: that its sizes add up, and that each content has its digest. Holds the list (40 bytes a content)
 * and nothing of the contents but the beginning of the one that is arriving.
 */
export class PackCheck {
  readonly #options: PackCheckOptions;
  #list: PackList | undefined;
  #lead: Buffer = Buffer.alloc(packPreludeBytes);
  #leadBytes = 0;
  #index = 0;
  #leftBytes = 0;
  #hash: NodeHash | undefined;
  #head: Buffer[] = [];
  #headSize = 0;

  constructor(options: PackCheckOptions) {
    this.#options = options;
  }

  /** The list, once it has arrived. */
  get list(): PackList | undefined {
    return this.#list;
  }

  /**
   * Takes the next bytes.
   * @throws NotariumError `upload-invalid`, `evidence-mismatch` {index, want, have} for a content with another digest.
   */
  update(bytes: Uint8Array): void {
    let at = this.#list ? 0 : this.#takeLead(bytes);
    while (at < bytes.length || this.#isEmptyNext()) {
      if (this.#index === this.#list!.count) throw new NotariumError('upload-invalid', 'more bytes than its list says');
      const take = Math.min(this.#leftBytes, bytes.length - at);
      const part = bytes.subarray(at, at + take);
      at += take;
      if (take === this.#leftBytes && !this.#hash) this.#check(hash('sha256', part, 'buffer'), part);
      else {
        this.#hash ??= createHash('sha256');
        this.#hash.update(part);
        this.#keepHead(part);
        this.#leftBytes -= take;
        if (this.#leftBytes > 0) break;
        this.#check(this.#hash.digest(), Buffer.concat(this.#head));
        this.#hash = undefined;
        this.#head = [];
        this.#headSize = 0;
      }
    }
  }

  /**
   * Root over the digests, when all has arrived.
   * @throws NotariumError `upload-invalid`.
   */
  root(): Uint8Array {
    if (!this.#list || this.#index < this.#list.count)
      throw new NotariumError('upload-invalid', 'the pack is cut short');
    return aggregateRoot(this.#list.digests);
  }

  #isEmptyNext(): boolean {
    return this.#list !== undefined && this.#index < this.#list.count && this.#leftBytes === 0;
  }

  /** Takes what belongs to prelude and list; answers how much that was. */
  #takeLead(bytes: Uint8Array): number {
    let at = 0;
    while (!this.#list) {
      const take = Math.min(this.#lead.length - this.#leadBytes, bytes.length - at);
      this.#lead.set(bytes.subarray(at, at + take), this.#leadBytes);
      this.#leadBytes += take;
      at += take;
      if (this.#leadBytes < this.#lead.length) break;
      if (this.#leadBytes === packPreludeBytes) this.#makeRoom();
      else this.#takeList();
    }
    return at;
  }

  #makeRoom(): void {
    const count = readPackPrelude(this.#lead);
    const { maxCount = count, sizeBytes } = this.#options;
    if (count > maxCount)
      throw new NotariumError('upload-invalid', `more than ${maxCount} contents`, {
        data: { have: count, want: maxCount },
      });
    if (packListBytes(count) > sizeBytes) throw new NotariumError('upload-invalid', 'it is shorter than its list');
    const lead = Buffer.alloc(packListBytes(count));
    lead.set(this.#lead);
    this.#lead = lead;
  }

  #takeList(): void {
    const list = readPackList(this.#lead);
    if (list.packBytes !== this.#options.sizeBytes) {
      throw new NotariumError('upload-invalid', 'the sizes in its list do not add up to its own', {
        data: { have: list.packBytes, want: this.#options.sizeBytes },
      });
    }
    this.#list = list;
    this.#leftBytes = list.sizesBytes[0]!;
    this.#lead = Buffer.alloc(0);
  }

  #check(digest: Uint8Array, head: Uint8Array): void {
    const list = this.#list!;
    const start = this.#index * hashBytes;
    const want = list.digests.subarray(start, start + hashBytes);
    if (Buffer.compare(digest, want) !== 0) {
      throw new NotariumError('evidence-mismatch', `content ${this.#index} of the pack`, {
        data: { index: this.#index, want: toHex(want), have: toHex(digest) },
      });
    }
    this.#options.onContent?.(head.subarray(0, headBytes), this.#index);
    this.#index++;
    this.#leftBytes = list.sizesBytes[this.#index] ?? 0;
  }

  #keepHead(part: Uint8Array): void {
    if (!this.#options.onContent || this.#headSize >= headBytes) return;
    this.#head.push(Buffer.from(part.subarray(0, headBytes - this.#headSize)));
    this.#headSize += part.length;
  }
}
