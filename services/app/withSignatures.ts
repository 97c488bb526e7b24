import type { Receipt } from '../core/receipt.ts';
import type { CentreParts } from './CentreParts.ts';
import { signAlone } from './signAlone.ts';

/**
 * A receipt that holds offline also where the signatures of its block are lost: anybody may anchor a block in a way that
 * does not show them on chain, and who did not collect them has them from there only. A centre that is the whole committee
 * signs the header again; others ask one another for the votes that they gave. The block is anchored, so that says nothing new.
 */
export async function withSignatures(
  { network, signer, chain, replication }: Pick<CentreParts, 'network' | 'signer' | 'chain' | 'replication'>,
  receipt: Receipt,
): Promise<Receipt> {
  if (receipt.signatures.length > 0) return receipt;
  const committee = await chain.committee(receipt.block.epoch);
  if (committee.members.join() === signer.address) {
    return { ...receipt, signatures: await signAlone(network, signer, receipt.block, committee) };
  }
  const signatures = await replication?.signaturesOf(receipt.block);
  return signatures ? { ...receipt, signatures: [...signatures] } : receipt;
}
