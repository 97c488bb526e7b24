import type { InnerProof } from '../../core/aggregate.ts';
import { fromHex, type Hash, hexDigits, toHex } from '../../core/bytes.ts';
import type { Channel, ChannelNetwork } from '../../core/channels/channel.ts';
import { type ChannelReceipt, channelReceiptFormat } from '../../core/channels/channelReceipt.ts';
import type { SignedState } from '../../core/channels/state.ts';
import type { FoldedBill } from '../../core/channels/update.ts';
import { type MemoryTree, memoryTree } from '../../core/log/memoryTree.ts';
import { hashBytes, hashLeafDigests } from '../../core/sha256.ts';
import type { ChannelStore } from '../../store/channels/ChannelStore.ts';

/** Pages of the evidence tree, by place: at most so many from there on. */
export type ReadLeaves = (from: number, limit: number) => Promise<readonly Pick<FoldedBill, 'leafIndex' | 'signed'>[]>;

/**
 * The leaves of a channel as its side keeps them: also those of bills that the chain has paid, whose second statement may never have
 * been said.
 */
export function leavesOf(store: Pick<ChannelStore, 'evidence'>, channelId: Hash): ReadLeaves {
  return async (from, limit) =>
    (await store.evidence(channelId, from, limit)).flatMap(({ leafIndex, signed }) =>
      leafIndex === undefined ? [] : [{ leafIndex, signed }],
    );
}

/** Leaves that are read at once. */
const pageSize = 256;

/**
 * The first `size` leaves of a channel's evidence tree in memory: 64 bytes each.
 * @throws RangeError when there are not so many.
 */
export async function loadEvidenceTree(read: ReadLeaves, size: number): Promise<MemoryTree> {
  const digests = new Uint8Array(size * hashBytes);
  for (let from = 0; from < size; ) {
    const page = await read(from, Math.min(pageSize, size - from));
    for (const { leafIndex, signed } of page) {
      if (leafIndex !== from) throw new RangeError(`leaf ${from} of the evidence tree is missing`);
      digests.set(fromHex(signed.bill.digest), from * hashBytes);
      from++;
    }
    if (page.length === 0) throw new RangeError(`leaf ${from} of the evidence tree is missing`);
  }
  return memoryTree(hashLeafDigests(digests));
}

/** What a receipt is made of. */
export type ReceiptParts = {
  readonly network: ChannelNetwork;
  readonly channel: Channel;
  readonly bill: FoldedBill;
  /** Has the bill's digest. */
  readonly tree: MemoryTree;
  /** The newest state that both have signed; left out of the receipt where it has another total digest. */
  readonly latest?: SignedState | undefined;
  readonly settlement?: ChannelReceipt['settlement'];
  /** From a member of a batch to the bill's digest. */
  readonly inner?: InnerProof | undefined;
};

/** The channel receipt of one bill, or of one member of its batch. */
export function makeChannelReceipt(parts: ReceiptParts): ChannelReceipt {
  const { network, channel, tree, latest, settlement, inner } = parts;
  const { signed, key, first, second, leafIndex } = parts.bill;
  const root = toHex(tree.root);
  const isLatest = latest?.state.evidenceRoot === root && latest.state.evidenceCount === tree.size;
  return {
    format: channelReceiptFormat,
    network: { chainId: network.chainId, contract: network.contract },
    channel,
    bill: signed.bill,
    billSignature: signed.signature,
    key,
    statements: [first, second],
    proof: { leafIndex, treeSize: tree.size, path: tree.path(leafIndex).map(hexDigits) },
    root,
    ...(inner ? { inner: { ...inner, path: [...inner.path] } } : {}),
    ...(isLatest ? { state: latest } : {}),
    ...(settlement ? { settlement } : {}),
  };
}
