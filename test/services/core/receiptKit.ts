import { SigningKey } from 'ethers';
import { buildAggregate } from '../../../services/core/aggregate.ts';
import { type BlockHeader, type BlockSignature, blockDigest, zeroHash } from '../../../services/core/block.ts';
import { type Address, concat, fromHex, toHex } from '../../../services/core/bytes.ts';
import type { Committee } from '../../../services/core/committee.ts';
import { portableCrypto } from '../../../services/core/crypto.ts';
import { type Network, networkName } from '../../../services/core/eip712.ts';
import { memoryTree } from '../../../services/core/log/memoryTree.ts';
import { buildReceipt, type Receipt } from '../../../services/core/receipt.ts';
import { type CheckedRecord, digestText, signRecord } from '../../../services/core/record.ts';
import type { UnsignedRecord } from '../../../services/core/recordSchema.ts';
import { leafHash } from '../../../services/core/sha256.ts';
import { publicKeyAddress, type Signer } from '../../../services/core/signature.ts';
import { sha256Of } from './log/reference.ts';

/** Signer whose signatures come from ethers: keys and signatures that none of our code made. */
export function ethersSigner(seed: number): Signer {
  const key = new SigningKey(sha256Of([seed]));
  return {
    address: publicKeyAddress(portableCrypto, fromHex(key.publicKey)),
    sign: async (digest) => fromHex(key.sign(digest).serialized),
  };
}

export const network: Network = { chainId: 31337, contract: `0x${'5f'.repeat(20)}` as Address };
export const submitter = ethersSigner(200);
export const centres = [1, 2, 3, 4].map(ethersSigner);
export const committee: Committee = { epoch: 1, members: centres.map(({ address }) => address) };

/** SHA-256 of a made-up file. */
export const fileDigest = (index: number): Uint8Array => sha256Of(Buffer.from(`file ${index}`));

/** A signed record over a made-up file. */
export function recordOf(index: number, changes: Partial<UnsignedRecord> = {}): Promise<CheckedRecord> {
  return signRecord(
    {
      v: 1,
      network: networkName(network),
      kind: 'evidence',
      subject: `urn:file:${index}`,
      digest: digestText(fileDigest(index)),
      time: '2026-11-21T01:30:00.000Z',
      ...changes,
    },
    submitter,
  );
}

/** Signatures of the given centres over a header. */
export async function signaturesOf(header: BlockHeader, signers: readonly Signer[]): Promise<BlockSignature[]> {
  const digest = blockDigest(network, header);
  return Promise.all(
    signers.map(async (signer) => ({ signer: signer.address as Address, signature: toHex(await signer.sign(digest)) })),
  );
}

/** A block over the records, three of four centres signing, and a receipt for each record. */
export async function receiptsOf(records: readonly CheckedRecord[]): Promise<Receipt[]> {
  const tree = memoryTree(concat(...records.map(({ entry }) => leafHash(entry))));
  const slot = 5;
  const header: BlockHeader = {
    height: 1,
    slot,
    treeSize: tree.size,
    root: toHex(tree.root),
    parent: zeroHash,
    epoch: 1,
    publisher: committee.members[slot % 4]!,
  };
  const signatures = await signaturesOf(header, centres.slice(0, 3));
  const anchor = {
    ...network,
    transactionHash: `0x${'ab'.repeat(32)}` as const,
    blockNumber: 9,
    timestamp: 1_763_000_000,
  };
  return records.map(({ entry }, leafIndex) =>
    buildReceipt({ entry, leafIndex, path: tree.path(leafIndex), block: header, signatures, anchor }),
  );
}

/** Aggregate over `count` made-up files, its record, and the digests. */
export async function aggregateOf(count: number) {
  const aggregate = buildAggregate(concat(...Array.from({ length: count }, (_, index) => fileDigest(index))));
  const record = await recordOf(0, { kind: 'aggregate', digest: digestText(aggregate.root), meta: { count } });
  return { aggregate, record };
}
