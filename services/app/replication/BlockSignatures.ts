import { type BlockHeader, type BlockSignature, blockHash, checkBlockSignatures } from '../../core/block.ts';
import { type Address, fromHex, type Hash, toHex } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import { recoverAddress, signatureBytes } from '../../core/signature.ts';
import type { ReplicationParts } from './ReplicationParts.ts';
import {
  firstFrame,
  jsonFrame,
  onlyFrame,
  protocols,
  readJson,
  signaturesQuerySchema,
  signaturesSchema,
} from './wire.ts';

const timeoutMs = 5_000;
const keptBlocks = 256;
/** Whoever asks for receipts must not make us ask all others each time. */
const retryMs = 5_000;

type Kept = { readonly signatures: Promise<readonly BlockSignature[] | undefined>; untilMs: number };

/**
 * Signatures of blocks that somebody has anchored in a way that does not show them on chain: each centre gives its own
 * again, and the publisher's as it was shown, so that receipts from every centre hold.
 */
export class BlockSignatures {
  readonly #parts: ReplicationParts;
  /** The last ones that were asked for. */
  readonly #kept = new Map<Hash, Kept>();

  constructor(parts: ReplicationParts) {
    this.#parts = parts;
  }

  serve(): void {
    this.#parts.net.handle(
      protocols.signatures,
      async function* (this: BlockSignatures, frames: AsyncIterable<Uint8Array>) {
        const { slot, hash } = readJson(signaturesQuerySchema, (await firstFrame(frames)).first);
        yield jsonFrame(await this.#own(slot, hash));
      }.bind(this),
    );
  }

  /** A quorum, the publisher's among them; undefined where the others do not have it now. */
  of(header: BlockHeader): Promise<readonly BlockSignature[] | undefined> {
    const hash = blockHash(this.#parts.network, header);
    const known = this.#kept.get(hash);
    if (known && performance.now() < known.untilMs) return known.signatures;
    const kept: Kept = { signatures: this.#collect(header, hash), untilMs: performance.now() + timeoutMs + retryMs };
    this.#kept.set(hash, kept);
    if (this.#kept.size > keptBlocks) this.#kept.delete(this.#kept.keys().next().value!);
    kept.signatures.then(
      (found) => {
        if (found) kept.untilMs = Number.POSITIVE_INFINITY;
      },
      () => this.#kept.delete(hash),
    );
    return kept.signatures;
  }

  /** Ours only where the vote stands: signing that hash again says nothing new. */
  async #own(slot: number, hash: Hash): Promise<BlockSignature[]> {
    const { store, signer, seen } = this.#parts;
    const others = seen.signaturesOf(slot, hash).filter(({ signer: address }) => address !== signer.address);
    if ((await store.voteOf(slot))?.hash !== hash) return others.slice(0, 1);
    return [{ signer: signer.address, signature: toHex(await signer.sign(fromHex(hash))) }, ...others.slice(0, 1)];
  }

  async #collect(header: BlockHeader, hash: Hash): Promise<readonly BlockSignature[] | undefined> {
    const { net, network, chain, crypto, logger } = this.#parts;
    const committee = await chain.committee(header.epoch);
    const found = new Map<Address, BlockSignature>();
    const add = (some: readonly BlockSignature[]): void => {
      for (const each of some) if (this.#isRight(each, hash)) found.set(each.signer, each);
    };
    add(await this.#own(header.slot, hash));
    const query = jsonFrame({ slot: header.slot, hash });
    const ask = async ({ address }: { address: Address }): Promise<void> => {
      const answer = net.request(address, protocols.signatures, [query], { timeoutMs });
      add(readJson(signaturesSchema, await onlyFrame(answer)));
    };
    await Promise.allSettled(
      net
        .peers()
        .filter(({ isConnected }) => isConnected)
        .map(ask),
    );
    const signatures = committee.members.flatMap((member) => found.get(member) ?? []);
    try {
      checkBlockSignatures(network, header, signatures, committee, crypto);
      return signatures;
    } catch (error) {
      if (!isNotariumError(error)) throw error;
      logger.debug({ err: error, height: header.height }, 'the others have no quorum of signatures for a block');
      return undefined;
    }
  }

  #isRight({ signer, signature }: BlockSignature, hash: Hash): boolean {
    try {
      return recoverAddress(this.#parts.crypto, fromHex(hash), signatureBytes(signature)) === signer;
    } catch (error) {
      if (!isNotariumError(error)) throw error;
      return false;
    }
  }
}
