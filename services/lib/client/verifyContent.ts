import { zeroHash } from '../../core/block.ts';
import { fromBase64 } from '../../core/bytes.ts';
import type { Committee } from '../../core/committee.ts';
import type { Crypto } from '../../core/crypto.ts';
import { type Network, parseNetworkName } from '../../core/eip712.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Receipt } from '../../core/receipt.ts';
import { parseEntry } from '../../core/record.ts';
import { type AnchorQuery, type VerifyResult, verifyReceipt } from '../../core/verifyReceipt.ts';
import { chainAnchor } from '../chainAnchor.ts';
import { chainBlockHash } from '../ethCall.ts';

/** What a verifier relies on; nothing of it may come from the receipt. */
export type VerifyBasis = {
  /** The network, by name or by chain id and contract. */
  readonly network: Network | string;
  /** Known committees, for the offline step. */
  readonly committees?: readonly Committee[] | undefined;
  /** JSON-RPC of the chain, for the online step. */
  readonly rpcUrl?: string | undefined;
  readonly crypto?: Crypto | undefined;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Verifies that a content digest (32 bytes) stands in an anchored block. Offline where there are `committees`, online (one
 * `eth_call`, and a look at the anchor's transaction) where there is an `rpcUrl`; the chain's own word also stands for a committee that the verifier does not know.
 * @throws NotariumError `chain-unreachable`, `chain-mismatch`, `chain-contract-missing`, `config-invalid`; a receipt that is
 *   not what it should be is no exception but a verdict.
 */
export async function verifyDigest(
  contentDigest: Uint8Array | undefined,
  receipt: Receipt,
  basis: VerifyBasis,
): Promise<VerifyResult> {
  const network = typeof basis.network === 'string' ? parseNetworkName(basis.network) : basis.network;
  if (network === undefined)
    throw new NotariumError('config-invalid', 'the network is not eip155:<chain id>:<contract>');
  const { rpcUrl, signal, crypto } = basis;
  // What is no receipt has no epoch either; the verdict on it comes below.
  const named = (receipt as Partial<Receipt> | null | undefined)?.block?.epoch;
  const committee = basis.committees?.find(({ epoch }) => epoch === named);
  const committees = committee || rpcUrl === undefined ? (basis.committees ?? []) : undefined;
  return verifyReceipt(receipt, {
    contentDigest,
    network,
    crypto,
    committees,
    ...(rpcUrl === undefined
      ? {}
      : {
          chainBlockHash: async (height: number) =>
            (await chainBlockHash({ rpcUrl, ...network, height, ...(signal ? { signal } : {}) })) ?? zeroHash,
          chainAnchor: (query: AnchorQuery) =>
            chainAnchor({ rpcUrl, contract: network.contract, ...query, ...(signal ? { signal } : {}) }),
        }),
  });
}

/**
 * Checks a receipt that a centre gave for a record id: the right record, and valid offline.
 * @throws NotariumError the failed step's code; `server-answer-invalid` when it is the receipt of another record.
 */
export async function checkGivenReceipt(
  id: string,
  receipt: Receipt,
  basis: { network: Network; committees: readonly Committee[]; crypto: Crypto },
): Promise<void> {
  const have = parseEntry(fromBase64(receipt.entry), { crypto: basis.crypto }).id;
  if (have !== id) {
    throw new NotariumError('server-answer-invalid', 'the receipt is of another record', { data: { have, want: id } });
  }
  const verdict = await verifyReceipt(receipt, basis);
  const failed = verdict.steps.find(({ status }) => status === 'failed');
  if (failed?.code)
    throw new NotariumError(failed.code, failed.detail, { data: { step: failed.step, ...failed.data } });
}
