import { type BlockHeader, blockDigest } from '../../core/block.ts';
import type { Address, Hex } from '../../core/bytes.ts';
import { toHex } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { Network } from '../../core/eip712.ts';
import { recoverAddress, signatureBytes } from '../../core/signature.ts';

/** A header with one signature of a centre. */
export type SignedHeader = { readonly header: BlockHeader; readonly signature: Hex };

/** Two different headers of one slot with signatures of one centre: anyone may report them. */
export type Equivocation = { readonly culprit: Address; readonly first: SignedHeader; readonly second: SignedHeader };

// An hour with a period of 3.6 s: long enough for a partition that lets two halves see one header each.
const keptSlots = 1000;

/** Remembers which header each centre has signed in a slot, and recognises a second one. */
export class SeenHeaders {
  readonly #network: Network;
  readonly #crypto: Crypto;
  readonly #bySlot = new Map<number, Map<Address, SignedHeader & { readonly hash: string }>>();

  constructor(network: Network, crypto: Crypto) {
    this.#network = network;
    this.#crypto = crypto;
  }

  /**
   * Notes a signed header; the answer says who signed it, whether it is news, and whether it proves an equivocation.
   * @throws NotariumError the signature codes.
   */
  note(signed: SignedHeader): { signer: Address; isNew: boolean; equivocation?: Equivocation } {
    const { header, signature } = signed;
    const digest = blockDigest(this.#network, header, this.#crypto.keccak256);
    const signer = recoverAddress(this.#crypto, digest, signatureBytes(signature));
    const hash = toHex(digest);
    const ofSlot = this.#bySlot.get(header.slot) ?? new Map<Address, SignedHeader & { hash: string }>();
    const known = ofSlot.get(signer);
    if (known?.hash === hash) return { signer, isNew: false };
    if (known) return { signer, isNew: true, equivocation: { culprit: signer, first: known, second: signed } };
    ofSlot.set(signer, { ...signed, hash });
    this.#bySlot.set(header.slot, ofSlot);
    this.#prune(header.slot);
    return { signer, isNew: true };
  }

  #prune(newest: number): void {
    if (this.#bySlot.size <= keptSlots) return;
    for (const slot of this.#bySlot.keys()) {
      if (slot <= newest - keptSlots || this.#bySlot.size > 2 * keptSlots) this.#bySlot.delete(slot);
    }
  }
}
