import { verifyInnerProof } from '../aggregate.ts';
import { attempt } from '../attempt.ts';
import { type Address, fromHex, type Hash, sameBytes, toHex } from '../bytes.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { type ErrorData, NotariumError } from '../errors.ts';
import { verifyInclusion } from '../log/verifyProof.ts';
import { type StepResult, StepRun } from '../StepRun.ts';
import { leafHash } from '../sha256.ts';
import { recoverAddress, signatureBytes } from '../signature.ts';
import { billDigest, keyHashOf } from './bill.ts';
import { type ChannelNetwork, channelIdOf } from './channel.ts';
import type { ChannelReceipt } from './channelReceipt.ts';
import { stateDigest } from './state.ts';
import { checkStatement, statementRoles } from './statement.ts';

/** The steps of a verification, in their order. */
export const channelReceiptSteps = ['content', 'bill', 'key', 'statements', 'inclusion', 'state', 'chain'] as const;

/** See {@link channelReceiptSteps}. */
export type ChannelReceiptStep = (typeof channelReceiptSteps)[number];

/** Outcome of a verification; `ok` when no step failed. */
export type ChannelVerifyResult = {
  readonly ok: boolean;
  readonly steps: readonly StepResult<ChannelReceiptStep>[];
  readonly channelId: Hash;
};

/** What a verifier asks the chain: whether the total digest of the channel has this digest under it, and came by that transaction. */
export type ChannelEvidenceQuery = {
  readonly channelId: Hash;
  readonly digest: Hash;
  readonly proof: ChannelReceipt['proof'];
  readonly root: Hash;
  readonly settlement?: ChannelReceipt['settlement'];
};

/** The chain's answer; `transaction` is left out where the receipt names none, and `unknown` where the node has forgotten it. */
export type ChannelEvidenceAnswer = {
  /** `EvidenceChannels.verifyEvidence`. */
  readonly isUnder: boolean;
  readonly transaction?: 'fits' | 'differs' | 'unknown';
};

/** What the reader of a receipt knows by itself; nothing of it may come from the receipt. */
export type ChannelVerifyOptions = {
  /** SHA-256 of the content (32 bytes). Without it the step `content` is skipped. */
  readonly contentDigest?: Uint8Array | undefined;
  /** Chain and contract that are trusted. */
  readonly network: ChannelNetwork;
  /** Whose judgement of evidence is trusted; without it the receipt's verifier is taken, and has to be shown. */
  readonly verifier?: Address | undefined;
  /** Asks the chain. Without it a state that both have signed is needed. */
  readonly chainEvidence?: ((query: ChannelEvidenceQuery) => Promise<ChannelEvidenceAnswer>) | undefined;
  readonly crypto?: Crypto | undefined;
};

/**
 * Verifies a channel receipt of good form: each step has its own code, and none is made after one that failed. What
 * `chainEvidence` throws goes through.
 */
export async function verifyChannelReceipt(
  receipt: ChannelReceipt,
  options: ChannelVerifyOptions,
): Promise<ChannelVerifyResult> {
  const { chainEvidence, crypto = portableCrypto } = options;
  const { network, bill, proof, root, settlement, state } = receipt;
  const channelId = channelIdOf(network, receipt.channel, crypto.keccak256);
  const steps = new StepRun(channelReceiptSteps);
  const { contentDigest } = options;
  if (contentDigest) steps.make('content', () => checkContent(receipt, contentDigest, crypto));
  steps.make('bill', () => checkBill(receipt, channelId, options, crypto));
  steps.make('key', () => {
    if (keyHashOf(receipt.key, crypto.sha256) !== bill.keyHash) throw new NotariumError('channel-receipt-key-mismatch');
  });
  steps.make('statements', () => checkStatements(receipt, crypto));
  steps.make('inclusion', () => {
    const { leafIndex, treeSize } = proof;
    const leaf = leafHash(fromHex(bill.digest), crypto.sha256);
    const inclusion = { leafHash: leaf, leafIndex, treeSize, path: proof.path.map(fromHex), root: fromHex(root) };
    if (!verifyInclusion(inclusion, crypto.sha256)) throw new NotariumError('channel-receipt-inclusion-mismatch');
  });
  if (state || !chainEvidence) steps.make('state', () => checkState(receipt, channelId, crypto));
  if (chainEvidence && !steps.hasFailed) {
    const query = { channelId, digest: bill.digest, proof, root, ...(settlement ? { settlement } : {}) };
    const answer = await chainEvidence(query);
    steps.make('chain', () => checkAnswer(answer, receipt));
  }
  return { ok: !steps.hasFailed, steps: steps.results(), channelId };
}

function checkContent({ bill, inner }: ChannelReceipt, digest: Uint8Array, crypto: Crypto): void {
  if (inner) {
    if (inner.treeSize !== bill.count || !verifyInnerProof(digest, inner, fromHex(bill.digest), crypto.sha256)) {
      throw new NotariumError('channel-receipt-inner-proof-mismatch');
    }
    return;
  }
  // The digest of a batch is that of a tree node: a 65-byte file made of its two halves would have it too.
  if (bill.count !== 1) throw new NotariumError('channel-receipt-content-mismatch', 'a batch needs an inner proof');
  if (!sameBytes(digest, fromHex(bill.digest))) {
    throw new NotariumError('channel-receipt-content-mismatch', undefined, {
      data: { have: toHex(digest), want: bill.digest },
    });
  }
}

function checkBill(
  receipt: ChannelReceipt,
  channelId: Hash,
  { network, verifier }: ChannelVerifyOptions,
  crypto: Crypto,
): void {
  const { channel, bill, inner } = receipt;
  const fail = (detail: string, data: ErrorData, cause?: unknown): NotariumError =>
    new NotariumError('channel-receipt-bill-invalid', detail, { data, cause });
  if (receipt.network.chainId !== network.chainId || receipt.network.contract !== network.contract) {
    throw new NotariumError('receipt-network-mismatch', undefined, {
      data: { have: receipt.network, want: { chainId: network.chainId, contract: network.contract } },
    });
  }
  if (verifier !== undefined && channel.verifier !== verifier) {
    throw fail('another verifier', { have: channel.verifier, want: verifier });
  }
  if (bill.channelId !== channelId) throw fail('it is for another channel', { have: bill.channelId, want: channelId });
  // A count of one is the content itself: with an inner proof, the one content could be any node of a tree.
  if (inner && bill.count === 1) throw fail('it is for one content, which needs no inner proof', { count: 1 });
  const signer = signerOf(receipt.billSignature, billDigest(network, bill, crypto.keccak256), crypto);
  if (signer !== channel.verifier) throw fail('it is signed by another', { have: signer, want: channel.verifier });
}

function checkStatements({ network, channel, bill, statements }: ChannelReceipt, crypto: Crypto): void {
  statementRoles.forEach((role, index) => {
    const checked = attempt(() =>
      checkStatement(network, bill, statements[index]!, { role, account: channel[role] }, crypto),
    );
    if ('value' in checked) return;
    const { message, data } = checked.error;
    throw new NotariumError('channel-receipt-statement-invalid', message, { data: { role, ...data } });
  });
}

function checkState({ network, channel, proof, root, state }: ChannelReceipt, channelId: Hash, crypto: Crypto): void {
  if (!state) throw new NotariumError('channel-receipt-unsettled', 'without the chain, a signed state is needed');
  const { evidenceRoot, evidenceCount } = state.state;
  if (evidenceRoot !== root || evidenceCount !== proof.treeSize) {
    throw new NotariumError('channel-receipt-state-invalid', 'it has another total digest', {
      data: { have: evidenceRoot, want: root },
    });
  }
  const digest = stateDigest(network, channelId, state.state, crypto.keccak256);
  for (const [signature, want] of [
    [state.requesterSignature, channel.requester],
    [state.verifierSignature, channel.verifier],
  ] as const) {
    const have = signerOf(signature, digest, crypto);
    if (have !== want) {
      throw new NotariumError('channel-receipt-state-invalid', `it is not signed by ${want}`, { data: { have, want } });
    }
  }
}

function checkAnswer({ isUnder, transaction }: ChannelEvidenceAnswer, { settlement }: ChannelReceipt): void {
  if (isUnder && transaction !== 'differs') return;
  if (isUnder) {
    throw new NotariumError('channel-receipt-chain-mismatch', 'the transaction is not the one that brought it there', {
      data: { transactionHash: settlement?.transactionHash },
    });
  }
  // Without a settlement the receipt does not say that it is there.
  throw new NotariumError(settlement ? 'channel-receipt-chain-mismatch' : 'channel-receipt-unsettled');
}

/** Who made the signature; undefined where nobody did. */
function signerOf(signature: string, digest: Uint8Array, crypto: Crypto): Address | undefined {
  const signer = attempt(() => recoverAddress(crypto, digest, signatureBytes(signature)));
  return 'value' in signer ? signer.value : undefined;
}
