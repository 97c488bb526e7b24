import { maxBillCount } from '../core/channels/bill.ts';
import { NotariumError } from '../core/errors.ts';
import { appendLeaves, emptyFrontier, rootOf } from '../core/log/compactRange.ts';
import { hashBytes, hashLeafDigests } from '../core/sha256.ts';

/** Root over a list of digests (n * 32 bytes) that arrives piece by piece, in constant memory. */
export class DigestsCheck {
  #frontier = emptyFrontier;
  #rest: Uint8Array = Buffer.alloc(0);

  /**
   * @param sizeBytes Of the whole list.
   * @throws NotariumError `upload-invalid`.
   */
  constructor(sizeBytes: number, maxCount: number = maxBillCount) {
    const count = sizeBytes / hashBytes;
    if (!Number.isInteger(count) || count < 2 || count > maxCount) {
      throw new NotariumError('upload-invalid', `a list is 2 to ${maxCount} digests of 32 bytes`, {
        data: { have: sizeBytes },
      });
    }
  }

  update(bytes: Uint8Array): void {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const whole = all.length - (all.length % hashBytes);
    if (whole > 0) this.#frontier = appendLeaves(this.#frontier, hashLeafDigests(all.subarray(0, whole)));
    this.#rest = Buffer.from(all.subarray(whole));
  }

  root(): Uint8Array {
    return rootOf(this.#frontier);
  }
}
