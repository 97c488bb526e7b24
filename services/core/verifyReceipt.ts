import { attempt } from './attempt.ts';
import { blockDigest } from './block.ts';
import { fromBase64, type Hash, type RecordId, toHex } from './bytes.ts';
import { type Crypto, portableCrypto } from './crypto.ts';
import type { Network } from './eip712.ts';
import { NotariumError } from './errors.ts';
import { asReceipt, type Receipt } from './receipt.ts';
import {
  checkAnchor,
  checkChain,
  checkContent,
  checkHeader,
  checkInclusion,
  checkQuorum,
  checkRecord,
  type KnownCommittees,
} from './receiptChecks.ts';
import { type CheckedRecord, parseEntry } from './record.ts';
import type { NotariumRecord } from './recordSchema.ts';
import { type StepResult, StepRun } from './StepRun.ts';

/** The steps of a verification, in their order. */
export const receiptSteps = ['content', 'record', 'inclusion', 'block', 'quorum', 'chain', 'anchor'] as const;

/** See {@link receiptSteps}. */
export type ReceiptStep = (typeof receiptSteps)[number];

/** Outcome of a verification; `ok` when no step failed. */
export type VerifyResult = {
  readonly ok: boolean;
  readonly steps: readonly StepResult<ReceiptStep>[];
  readonly record?: NotariumRecord;
  readonly recordId?: RecordId;
  readonly blockHash?: Hash;
};

/** What the verifier knows by itself; nothing of it may come from the receipt. */
export type VerifyOptions = {
  /** SHA-256 of the content (32 bytes). Without it the step `content` is skipped. */
  readonly contentDigest?: Uint8Array | undefined;
  /** The network that the receipt must belong to. */
  readonly network?: Network | undefined;
  /** Known committees, or a look-up by epoch, for the offline step `quorum`. */
  readonly committees?: KnownCommittees | undefined;
  /** What `BlockAnchor.blockHash(height)` answers, for the online step `chain`; zero where there is no block. */
  readonly chainBlockHash?: ((height: number) => Promise<Hash>) | undefined;
  /**
   * Where the chain has the transaction that anchored this block hash at this height, for the online step `anchor`;
   * undefined where that transaction did not, `unknown` where the node no longer has it. Its time is the chain's, not the
   * receipt's.
   */
  readonly chainAnchor?: ((query: AnchorQuery) => Promise<AnchorPlace | 'unknown' | undefined>) | undefined;
  readonly crypto?: Crypto | undefined;
};

/** Which anchor a verifier asks the chain for. `blockNumber` is the receipt's word: where to look, no more. */
export type AnchorQuery = {
  readonly height: number;
  readonly blockHash: Hash;
  readonly transactionHash: Hash;
  readonly blockNumber: number;
};

/** Chain block of a transaction, and its time in Unix seconds. */
export type AnchorPlace = { readonly blockNumber: number; readonly timestamp: number };

/**
 * Verifies a receipt in the order of DESIGN.md section 3. Something must tie the block to what the verifier knows: with
 * neither `committees` nor `chainBlockHash` the step `quorum` fails. Offline, of `anchor` only the network is checked:
 * transaction and time are then the word of whoever made the receipt. What is no receipt fails in the step `record`, with
 * `receipt-malformed`. What the chain's functions throw goes through.
 */
export async function verifyReceipt(receipt: Receipt, options: VerifyOptions): Promise<VerifyResult> {
  const check = new Verification(receipt, options);
  check.offline();
  if (options.chainBlockHash && !check.steps.hasFailed) {
    const stored = await options.chainBlockHash(receipt.block.height);
    check.steps.make('chain', () => checkChain(stored, check.blockHash!));
  }
  if (options.chainAnchor && !check.steps.hasFailed) {
    const { height } = receipt.block;
    const { transactionHash, blockNumber } = receipt.anchor;
    const found = await options.chainAnchor({ height, blockHash: check.blockHash!, transactionHash, blockNumber });
    if (found === 'unknown')
      check.steps.skip('anchor', 'this node does not know the transaction of the anchor any more');
    else check.steps.make('anchor', () => checkAnchor(receipt, found));
  }
  return check.verdict();
}

/** {@link verifyReceipt} without the online steps, in one go. */
export function verifyReceiptOffline(
  receipt: Receipt,
  options: Omit<VerifyOptions, 'chainBlockHash' | 'chainAnchor'>,
): VerifyResult {
  const check = new Verification(receipt, options);
  check.offline();
  return check.verdict();
}

/**
 * {@link verifyReceipt} for those who only want it to be right.
 * @throws NotariumError with the failed step's code.
 */
export async function assertReceipt(receipt: Receipt, options: VerifyOptions): Promise<VerifyResult> {
  const verdict = await verifyReceipt(receipt, options);
  const failed = verdict.steps.find((step) => step.status === 'failed');
  if (failed?.code)
    throw new NotariumError(failed.code, failed.detail, { data: { step: failed.step, ...failed.data } });
  return verdict;
}

/** One run over the steps. */
class Verification {
  readonly steps = new StepRun(receiptSteps);
  readonly #receipt: Receipt;
  readonly #options: VerifyOptions;
  readonly #crypto: Crypto;
  blockHash: Hash | undefined;
  #checked: CheckedRecord | undefined;

  constructor(receipt: Receipt, options: VerifyOptions) {
    this.#receipt = receipt;
    this.#options = options;
    this.#crypto = options.crypto ?? portableCrypto;
  }

  offline(): void {
    const { steps } = this;
    const receipt = this.#receipt;
    const { contentDigest, network: expected, committees, chainBlockHash } = this.#options;
    const crypto = this.#crypto;
    // Whoever calls may have it from JSON.parse: the type is their word, and all below relies on it.
    const form = attempt(() => asReceipt(receipt));
    if ('error' in form) {
      steps.make('record', () => {
        throw form.error;
      });
      return;
    }
    const entry = fromBase64(receipt.entry);
    // The content is compared with the record's digest, so the record is read first; if that fails, it is `record` that does.
    const reading = attempt(() => parseEntry(entry, { crypto }));
    if ('value' in reading) {
      const { record } = reading.value;
      this.#checked = reading.value;
      if (contentDigest || receipt.inner) {
        steps.make('content', () => checkContent(record, receipt, contentDigest, crypto));
        // An inner proof of good form is no checked content.
        if (!contentDigest && !steps.hasFailed) steps.skip('content');
      }
    }
    steps.make('record', () => checkRecord(reading, expected, crypto));
    steps.make('inclusion', () => checkInclusion(receipt, entry, crypto));
    steps.make('block', () => {
      const network = checkHeader(receipt, this.#checked!.record);
      this.blockHash = toHex(blockDigest(network, receipt.block, crypto.keccak256));
    });
    if (committees || !chainBlockHash) {
      steps.make('quorum', () => checkQuorum(receipt, this.#checked!.record, this.blockHash!, committees, crypto));
    }
  }

  verdict(): VerifyResult {
    return {
      ok: !this.steps.hasFailed,
      steps: this.steps.results(),
      ...(this.#checked ? { record: this.#checked.record, recordId: this.#checked.id } : {}),
      ...(this.blockHash ? { blockHash: this.blockHash } : {}),
    };
  }
}
