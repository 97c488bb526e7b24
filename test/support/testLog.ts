import type { AnchorRequest } from '../../services/chain/Chain.ts';
import { type BlockHeader, blockDigest, zeroHash } from '../../services/core/block.ts';
import { type Address, type Hash, toHex } from '../../services/core/bytes.ts';
import { quorumOf } from '../../services/core/committee.ts';
import type { Network } from '../../services/core/eip712.ts';
import { treeRoot } from '../../services/core/log/compactRange.ts';
import { consistencyProof } from '../../services/core/log/proof.ts';
import { localSigner } from '../../services/lib/localSigner.ts';
import type { NativeCrypto } from '../../services/lib/nativeCrypto.ts';
import { devKey } from './chains.ts';

/** A sealed block of a {@link TestLog}, ready to be anchored. */
export type TestBlock = AnchorRequest & { readonly hash: Hash };

/** A log that grows in memory, sealed by a committee of development accounts. */
export type TestLog = {
  /** Seals the next block. `change` makes it a wrong one, signed all the same; the log itself stays right. */
  seal(change?: Partial<BlockHeader> & { signers?: number; proof?: Uint8Array[] }): Promise<TestBlock>;
  /** Forgets all blocks above a height. */
  rewind(height: number): void;
};

/**
 * @param options.members Committee: development accounts 0 to members - 1 (as many as were deployed).
 * @param options.firstSlot Slot of the first block; each block takes the next one.
 */
export function testLog(options: {
  network: Network;
  crypto: NativeCrypto;
  members: number;
  firstSlot: number;
}): TestLog {
  const { network, crypto, members, firstSlot } = options;
  const signers = Array.from({ length: members }, (_, index) => localSigner(devKey(index), crypto));
  const leavesPerBlock = 3;
  let sealed: BlockHeader[] = [];
  let parent: Hash = zeroHash;
  const hashes: Hash[] = [];
  const leaves = (count: number): Uint8Array => {
    const bytes = new Uint8Array(32 * count);
    for (let index = 0; index < count; index++) bytes.set(crypto.sha256(Uint8Array.of(index >> 8, index)), 32 * index);
    return bytes;
  };
  const node = (level: number, index: number): Uint8Array => {
    const size = 2 ** level;
    return treeRoot(leaves((index + 1) * size).subarray(32 * index * size));
  };

  return {
    async seal(change = {}) {
      const { signers: signerCount = quorumOf(members), proof, ...fields } = change;
      const previous = sealed.at(-1);
      const height = sealed.length + 1;
      const slot = fields.slot ?? firstSlot + height - 1;
      const treeSize = leavesPerBlock * height;
      const right: BlockHeader = {
        height,
        slot,
        treeSize,
        root: toHex(treeRoot(leaves(treeSize))),
        parent,
        epoch: 1,
        publisher: signers[slot % members]!.address as Address,
      };
      const header = { ...right, ...fields };
      const digest = blockDigest(network, header);
      const turn = slot % members;
      const signing = Array.from({ length: signerCount }, (_, index) => signers[(turn + index) % members]!);
      const request: TestBlock = {
        header,
        ...(previous ? { previous } : {}),
        proof: proof ?? (previous ? await consistencyProof(previous.treeSize, treeSize, node) : []),
        signatures: await Promise.all(
          signing.map(async (signer) => ({ signer: signer.address, signature: toHex(await signer.sign(digest)) })),
        ),
        hash: toHex(digest),
      };
      if (Object.keys(change).length === 0) {
        sealed = [...sealed, header];
        hashes.push(request.hash);
        parent = request.hash;
      }
      return request;
    },
    rewind(height) {
      sealed = sealed.slice(0, height);
      hashes.length = height;
      parent = hashes.at(-1) ?? zeroHash;
    },
  };
}
