import type { Chain } from '../chain/Chain.ts';
import { type BlockSignature, checkBlockSignatures } from '../core/block.ts';
import type { Crypto } from '../core/crypto.ts';
import { isNotariumError, NotariumError } from '../core/errors.ts';
import type { Store } from '../store/Store.ts';
import type { AnchoredBlock, StoredBlock } from '../store/StoredBlock.ts';

/**
 * All blocks of the chain, oldest first, with what else the data folder knows of them. Changes nothing, so whatever is
 * wrong with the chain's answers comes out before a rebuild empties anything.
 * @param options.head Greatest anchored height.
 * @throws NotariumError `chain-answer-invalid`; `chain-forgot-anchors` when the data folder has more blocks than the chain:
 *   its node is behind, or is of another chain.
 */
export async function blocksForRebuild(
  store: Store,
  chain: Chain,
  options: { readonly head: number; readonly crypto: Crypto; readonly onBlock: () => void },
): Promise<AnchoredBlock[]> {
  const { head, crypto, onBlock } = options;
  const committed = (await unlessDamaged(() => store.committedBlock()))?.header.height ?? 0;
  if (committed > head) {
    throw new NotariumError('chain-forgot-anchors', `the data folder has ${committed} blocks, and the chain ${head}`, {
      data: { committed, common: head },
    });
  }
  const blocks: AnchoredBlock[] = [];
  for await (const { header, blockHash: hash, signatures, anchor } of chain.anchoredBlocks(1, head)) {
    const { confirmations: _, ...place } = anchor;
    const block = { header, hash, signatures, sealedMs: anchor.timestamp * 1000, anchor: place };
    blocks.push(signatures.length > 0 ? block : { ...block, signatures: await keptSignatures(block) });
    onBlock();
  }
  return blocks;

  /** Signatures that the chain does not show: those of before, if they hold. */
  async function keptSignatures({ header, hash }: AnchoredBlock): Promise<readonly BlockSignature[]> {
    const kept = await unlessDamaged(() => store.block(header.height));
    if (kept?.hash !== hash) return [];
    try {
      checkBlockSignatures(chain.info.network, header, kept.signatures, await chain.committee(header.epoch), crypto);
      return kept.signatures;
    } catch (error) {
      if (isNotariumError(error) && error.code.startsWith('receipt-')) return [];
      throw error;
    }
  }
}

// What cannot be read is about to be made anew.
async function unlessDamaged(read: () => Promise<StoredBlock | undefined>): Promise<StoredBlock | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isNotariumError(error, 'store-corrupt')) return undefined;
    throw error;
  }
}
