import type { Receipt } from '../core/receipt.ts';
import type { CentreParts } from './CentreParts.ts';
import { signAlone } from './signAlone.ts';

/**
 * A receipt that holds offline also where the signatures of its block are lost: anybody may anchor a block in a way that
 * does not show them on chain, and a rebuild has them from there only. A centre that is the whole committee signs the
 * header again; the block is anchored, so that says nothing new.
 */
export async function withOwnSignature(
  { network, signer, chain }: Pick<CentreParts, 'network' | 'signer' | 'chain'>,
  receipt: Receipt,
): Promise<Receipt> {
  if (receipt.signatures.length > 0) return receipt;
  const committee = await chain.committee(receipt.block.epoch);
  if (committee.members.join() !== signer.address) return receipt;
  return { ...receipt, signatures: await signAlone(network, signer, receipt.block, committee) };
}
