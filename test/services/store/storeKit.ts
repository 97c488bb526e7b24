import { createHash } from 'node:crypto';
import { type Anchor, type BlockHeader, zeroHash } from '../../../services/core/block.ts';
import { type Address, fromHex, type Hash, type Hex, toHex } from '../../../services/core/bytes.ts';
import { canonicalBytes } from '../../../services/core/canonicalJson.ts';
import { appendLeaves, rootOf } from '../../../services/core/log/compactRange.ts';
import type { NotariumRecord, UnsignedRecord } from '../../../services/core/recordSchema.ts';
import { leafHash } from '../../../services/core/sha256.ts';
import type { PoolRow } from '../../../services/store/PoolRow.ts';
import type { Store } from '../../../services/store/Store.ts';
import type { AnchoredBlock, NewBlock } from '../../../services/store/StoredBlock.ts';

export const network = `eip155:31337:0x${'5fbdb231'.repeat(5)}`;
export const instance = `0x${'ab'.repeat(32)}`;

const repeated = (byte: string, sizeBytes: number): Hex => `0x${byte.repeat(sizeBytes)}`;
export const zero: Hash = repeated('00', 32);
export const alice: Address = repeated('a1', 20);
export const bob: Address = repeated('b0', 20);

export const sha256 = (bytes: Uint8Array | string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(bytes).digest());

/** A row of the pool about a text. The store checks no signatures, so it has a made-up one. */
export function row(text: string, fields: Partial<UnsignedRecord> = {}): PoolRow {
  const digest = sha256(text);
  const unsigned: UnsignedRecord = {
    v: 1,
    network,
    kind: 'evidence',
    subject: `urn:test:${text}`,
    digest: `sha-256:${toHex(digest).slice(2)}`,
    time: '2026-11-21T01:30:00.000Z',
    submitter: alice,
    ...fields,
  };
  const signed: NotariumRecord = { ...unsigned, signature: `0x${'11'.repeat(65)}` };
  const entry = canonicalBytes(signed);
  return {
    id: sha256(canonicalBytes(unsigned)),
    entry,
    leafHash: leafHash(entry, sha256),
    acceptedAt: 1_763_000_000,
    includeBySlot: 176_300_010,
    acceptance: sha256(`acceptance of ${text}`),
    expiresMs: unsigned.expires === undefined ? null : Date.parse(unsigned.expires),
    supersedes: unsigned.supersedes === undefined ? null : fromHex(unsigned.supersedes),
    holder: fromHex(unsigned.holder ?? unsigned.submitter),
    digest: fromHex(unsigned.digest.slice('sha-256:'.length)),
    subject: unsigned.subject,
    submitter: fromHex(unsigned.submitter),
  };
}

/** Rows about numbered texts. */
export function rows(count: number, name = 'row', fields: Partial<UnsignedRecord> = {}): PoolRow[] {
  return Array.from({ length: count }, (_, index) => row(`${name} ${index}`, fields));
}

/** A row that supersedes another one. */
export function heir(text: string, of: PoolRow, fields: Partial<UnsignedRecord> = {}): PoolRow {
  return row(text, { supersedes: toHex(of.id), ...fields });
}

export const anchor: Anchor = {
  chainId: 31337,
  contract: repeated('5f', 20),
  transactionHash: repeated('77', 32),
  blockNumber: 9,
  timestamp: 1_763_000_020,
};

/** The next block over the oldest free rows; its hash is made up. Not saved. */
export async function nextBlock(
  store: Store,
  limit: number,
  slot = 1,
): Promise<NewBlock & { range: { firstSeq: number; lastSeq: number; count: number } }> {
  const cut = await store.poolCut(limit);
  const frontier = appendLeaves(await store.frontier('latest'), cut.leafHashes);
  const latest = await store.latestBlock();
  const header: BlockHeader = {
    height: (latest?.header.height ?? 0) + 1,
    slot,
    treeSize: frontier.size,
    root: toHex(rootOf(frontier)),
    parent: latest?.hash ?? zeroHash,
    epoch: 1,
    publisher: alice,
  };
  return {
    header,
    hash: toHex(sha256(JSON.stringify(header))),
    signatures: [{ signer: alice, signature: `0x${'22'.repeat(65)}` }],
    sealedMs: 1_763_000_015_000,
    range: { firstSeq: cut.seqs[0]!, lastSeq: cut.seqs.at(-1)!, count: cut.count },
  };
}

/** Seals and anchors the next block. */
export async function anchorNext(store: Store, limit: number, slot = 1): Promise<AnchoredBlock> {
  const { range, ...block } = await nextBlock(store, limit, slot);
  await store.saveBlock(block, range);
  await store.updateBlock(block.header.height, { state: 'submitted' });
  await store.updateBlock(block.header.height, { state: 'anchored', anchor });
  return { ...block, anchor };
}

/** Takes rows in and brings them into the log in one block. */
export async function logAll(store: Store, all: readonly PoolRow[], slot = 1): Promise<AnchoredBlock> {
  await store.admit(all);
  const block = await anchorNext(store, all.length, slot);
  await store.commitBlock(block.header.height);
  return block;
}
