import type { Receipt } from '../../core/receipt.ts';
import type { ReceiptStep, VerifyResult } from '../../core/verifyReceipt.ts';

/** What each passed step proves, in words of this receipt. */
export function stepText(step: ReceiptStep, receipt: Receipt, result: VerifyResult): string {
  const { anchor, block, proof, inner, signatures } = receipt;
  switch (step) {
    case 'content':
      return inner
        ? `these very bytes are member ${inner.leafIndex} of the ${inner.treeSize} under the record's digest`
        : 'these very bytes are what the record names by its digest';
    case 'record':
      return `record ${result.recordId} was signed by ${result.record?.submitter}, who claims the time ${result.record?.time}`;
    case 'inclusion':
      return `it is entry ${proof.leafIndex} of the log of ${proof.treeSize} entries with root ${block.root}`;
    case 'block':
      return `block ${block.height} with hash ${result.blockHash} commits to that log`;
    case 'quorum':
      return `a quorum of the committee of epoch ${block.epoch} signed that block (${signatures.length} signatures)`;
    case 'chain':
      return `the contract on chain stores this very hash at height ${block.height}`;
    case 'anchor':
      return `it came there at ${new Date(anchor.timestamp * 1000).toISOString()}, by transaction ${anchor.transactionHash}`;
  }
}

/** Why a step was not made, when none before it failed. */
export function skippedText(step: ReceiptStep): string {
  if (step === 'chain' || step === 'anchor') return 'the chain was not asked (offline)';
  return step === 'quorum' ? 'the committee of that epoch is not known here; the chain decides' : 'not made';
}
