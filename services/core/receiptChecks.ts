import { verifyInnerProof } from './aggregate.ts';
import { type Attempt, attempt } from './attempt.ts';
import { checkBlockSignatures, zeroHash } from './block.ts';
import { fromHex, type Hash, sameBytes, toHex } from './bytes.ts';
import type { Committee } from './committee.ts';
import type { Crypto } from './crypto.ts';
import { type Network, networkName, parseNetworkName } from './eip712.ts';
import { type ErrorCode, NotariumError } from './errors.ts';
import { KnownTexts } from './KnownTexts.ts';
import { verifyInclusion } from './log/verifyProof.ts';
import type { Receipt } from './receipt.ts';
import { type CheckedRecord, checkRecordSignature, digestBytes } from './record.ts';
import type { NotariumRecord } from './recordSchema.ts';
import { leafHash } from './sha256.ts';

// The single checks of verifyReceipt.ts, each of which throws the `receipt-…` code of its step.

/** Committees that the verifier knows: a list, or a look-up by epoch. */
export type KnownCommittees = readonly Committee[] | ((epoch: number) => Committee | undefined);

/** The content is what the record names, or a member of the aggregate that it names. Without digest only the form is checked. */
export function checkContent(
  record: NotariumRecord,
  receipt: Receipt,
  digest: Uint8Array | undefined,
  crypto: Crypto,
): void {
  const { inner } = receipt;
  const root = digestBytes(record.digest);
  if (inner) {
    if (record.kind !== 'aggregate' || record.meta?.count !== inner.treeSize) {
      throw new NotariumError('receipt-inner-proof-mismatch', 'the record is no aggregate of that many members');
    }
    if (digest && !verifyInnerProof(digest, inner, root, crypto.sha256)) {
      throw new NotariumError('receipt-inner-proof-mismatch');
    }
    return;
  }
  // The digest of an aggregate is that of a tree node: a 65-byte file made of its two halves would have it too.
  if (record.kind === 'aggregate')
    throw new NotariumError('receipt-content-mismatch', 'an aggregate needs an inner proof');
  if (digest && !sameBytes(digest, root)) {
    throw new NotariumError('receipt-content-mismatch', undefined, {
      data: { have: `sha-256:${toHex(digest).slice(2)}`, want: record.digest },
    });
  }
}

/** The entry is a record of the expected network, signed by its submitter. */
export function checkRecord(reading: Attempt<CheckedRecord>, expected: Network | undefined, crypto: Crypto): void {
  if ('error' in reading) throw withCode('receipt-record-invalid', reading.error);
  const { record, idBytes } = reading.value;
  if (expected && networkName(expected) !== record.network) {
    throw new NotariumError('receipt-network-mismatch', undefined, {
      data: { have: record.network, want: networkName(expected) },
    });
  }
  const signed = attempt(() => checkRecordSignature(record, idBytes, crypto));
  if ('error' in signed) throw withCode('receipt-record-signature-invalid', signed.error);
}

/** The entry is in the tree that the header commits to. */
export function checkInclusion({ proof, block }: Receipt, entry: Uint8Array, crypto: Crypto): void {
  const isIncluded = verifyInclusion(
    {
      leafHash: leafHash(entry, crypto.sha256),
      leafIndex: proof.leafIndex,
      treeSize: proof.treeSize,
      path: proof.path.map(fromHex),
      root: fromHex(block.root),
    },
    crypto.sha256,
  );
  if (!isIncluded) throw new NotariumError('receipt-inclusion-mismatch');
}

/** Header and anchor fit proof and record. Returns the network. */
export function checkHeader({ proof, block, anchor }: Receipt, record: NotariumRecord): Network {
  if (proof.treeSize !== block.treeSize) {
    throw new NotariumError('receipt-block-mismatch', 'treeSize', {
      data: { have: block.treeSize, want: proof.treeSize },
    });
  }
  const network = parseNetworkName(record.network)!;
  if (anchor.chainId !== network.chainId || anchor.contract !== network.contract) {
    throw new NotariumError('receipt-block-mismatch', 'the anchor is in another network than the record', {
      data: { have: networkName(anchor), want: record.network },
    });
  }
  return network;
}

/** A quorum of the known committee signed the header. */
export function checkQuorum(
  { block, signatures }: Receipt,
  record: NotariumRecord,
  hash: Hash,
  committees: KnownCommittees | undefined,
  crypto: Crypto,
): void {
  const committee =
    typeof committees === 'function' ? committees(block.epoch) : committees?.find(({ epoch }) => epoch === block.epoch);
  if (!committee) throw new NotariumError('receipt-committee-unknown', `epoch ${block.epoch}`);
  const known = knownQuorums(crypto);
  // The block hash stands for network and header, so the key holds everything that the outcome depends on.
  const key = [
    hash,
    committee.epoch,
    ...committee.members,
    ...signatures.flatMap(({ signer, signature }) => [signer, signature]),
  ].join();
  if (known.has(key)) return;
  checkBlockSignatures(parseNetworkName(record.network)!, block, signatures, committee, crypto);
  known.add(key);
}

/** The chain stores this block hash. */
export function checkChain(stored: Hash, have: Hash): void {
  if (stored === zeroHash) throw new NotariumError('receipt-not-anchored');
  if (stored.toLowerCase() !== have) {
    throw new NotariumError('receipt-chain-mismatch', undefined, { data: { have, want: stored } });
  }
}

/** The chain has the anchor's transaction where and when the receipt says. */
export function checkAnchor(
  { anchor }: Receipt,
  found: { readonly blockNumber: number; readonly timestamp: number } | undefined,
): void {
  const fits = found?.blockNumber === anchor.blockNumber && found.timestamp === anchor.timestamp;
  if (fits) return;
  const { transactionHash, blockNumber, timestamp } = anchor;
  throw new NotariumError('receipt-anchor-mismatch', found ? 'place or time' : 'transaction', {
    data: { have: { transactionHash, blockNumber, timestamp }, want: found ?? null },
  });
}

// Those of ten thousand blocks with one signature each, of some ninety with as many as a receipt may carry.
const keptQuorumChars = 4 * 2 ** 20;

const quorums = new WeakMap<Crypto, KnownTexts>();

/** Quorums found valid: the receipts of one block share them. Kept apart by the implementation that checked them. */
function knownQuorums(crypto: Crypto): KnownTexts {
  const known = quorums.get(crypto) ?? new KnownTexts(keptQuorumChars);
  quorums.set(crypto, known);
  return known;
}

function withCode(code: ErrorCode, cause: NotariumError): NotariumError {
  return new NotariumError(code, cause.message, { cause, data: { cause: cause.code, ...cause.data } });
}
