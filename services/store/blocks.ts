import type { Selectable } from 'kysely';
import type { Anchor, BlockHeader, BlockSignature } from '../core/block.ts';
import type { BlockState } from '../core/blockState.ts';
import type { Hash } from '../core/bytes.ts';
import type { StoreContext } from './context.ts';
import type { Db } from './database.ts';
import type { AnchoredBlock, SeqRange, StoredBlock } from './StoredBlock.ts';
import type { Schema } from './schema.ts';

/** Blocks whose records are still in the pool, but not free for another block. */
export const liveStates: BlockState[] = ['sealed', 'submitted', 'anchored'];

/** Runs of pool seqs, both ends included, in log order. */
export type Runs = readonly (readonly [first: number, last: number])[];

/** A block's row. */
export type BlockRow = Selectable<Schema['blocks']>;

/** The block of a row. */
export function blockOf(row: BlockRow): StoredBlock {
  const runs = runsOf(row);
  const range: SeqRange | undefined = runs && {
    firstSeq: runs[0]?.[0] ?? 0,
    lastSeq: runs.at(-1)?.[1] ?? 0,
    count: rowsIn(runs),
  };
  return {
    header: JSON.parse(row.header) as BlockHeader,
    hash: row.hash as Hash,
    signatures: JSON.parse(row.signatures) as BlockSignature[],
    sealedMs: row.sealed_ms,
    state: row.state,
    count: row.count,
    ...(range ? { range } : {}),
    ...(row.anchor === null ? {} : { anchor: JSON.parse(row.anchor) as Anchor }),
    ...(row.submission === null ? {} : { submission: JSON.parse(row.submission) as Record<string, unknown> }),
  };
}

/** Row of a block that the chain vouches for and whose records are in the log; `before` is the log's size below it. */
export function committedRow({ header, hash, signatures, sealedMs, anchor }: AnchoredBlock, before: number) {
  return {
    hash,
    height: header.height,
    state: 'committed' as const,
    tree_size: header.treeSize,
    count: header.treeSize - before,
    runs: null,
    last_seq: 0,
    sealed_ms: sealedMs,
    header: JSON.stringify(header),
    signatures: JSON.stringify(signatures),
    anchor: JSON.stringify(anchor),
    submission: null,
  };
}

/** The runs of a row; undefined for a block from a rebuild. */
export function runsOf(row: BlockRow): Runs | undefined {
  return row.runs === null ? undefined : (JSON.parse(row.runs) as Runs);
}

/** Pool rows in runs. */
export function rowsIn(runs: Runs): number {
  return runs.reduce((count, [first, last]) => count + last - first + 1, 0);
}

/** Runs of ascending seqs. */
export function toRuns(seqs: Float64Array): Runs {
  const runs: [number, number][] = [];
  for (const seq of seqs) {
    const last = runs.at(-1);
    if (last && last[1] === seq - 1) last[1] = seq;
    else runs.push([seq, seq]);
  }
  return runs;
}

/** The one block of the height that is not void. */
export async function blockAt(db: Db, height: number): Promise<BlockRow | undefined> {
  return db
    .selectFrom('blocks')
    .selectAll()
    .where('height', '=', height)
    .where('state', '<>', 'void')
    .executeTakeFirst();
}

/** The newest block that is not void, or the newest of the states. */
export async function newestBlock(db: Db, states?: readonly BlockState[]): Promise<BlockRow | undefined> {
  const query = db.selectFrom('blocks').selectAll().orderBy('height', 'desc').limit(1);
  return (states ? query.where('state', 'in', states) : query.where('state', '<>', 'void')).executeTakeFirst();
}

/** Live blocks, lowest first. */
export async function liveRows(db: Db, fromHeight = 0): Promise<BlockRow[]> {
  return db
    .selectFrom('blocks')
    .selectAll()
    .where('state', 'in', liveStates)
    .where('height', '>=', fromHeight)
    .orderBy('height')
    .execute();
}

/** The reading part of `Store` about blocks. */
export function blockQueries(context: StoreContext) {
  const { reader } = context;
  const one = (row: BlockRow | undefined): StoredBlock | undefined => row && blockOf(row);
  return {
    block: async (height: number) => one(await blockAt(reader, height)),
    async knowsBlock(hash: Hash) {
      return (
        (await reader.selectFrom('blocks').select('height').where('hash', '=', hash).executeTakeFirst()) !== undefined
      );
    },
    latestBlock: async () => one(await newestBlock(reader)),
    committedBlock: async () => one(await newestBlock(reader, ['committed'])),
    liveBlocks: async () => (await liveRows(reader)).map(blockOf),
    async blocks({ before, limit }: { readonly before?: number; readonly limit: number }) {
      let query = reader
        .selectFrom('blocks')
        .selectAll()
        .where('state', '<>', 'void')
        .orderBy('height', 'desc')
        .limit(limit);
      if (before !== undefined) query = query.where('height', '<', before);
      return (await query.execute()).map(blockOf);
    },
    blockOfLeaf: (leafIndex: number) => blockOfLeaf(context, leafIndex),
  };
}

/** See `Store.blockOfLeaf`. */
async function blockOfLeaf(context: StoreContext, leafIndex: number): Promise<StoredBlock | undefined> {
  const { reader, blocksByLeaf: kept } = context;
  const known = kept.find(leafIndex);
  if (known) return known;
  const query = reader
    .selectFrom('blocks')
    .selectAll()
    .where('state', '=', 'committed')
    .where('tree_size', '>', leafIndex);
  const row = await query.orderBy('tree_size').limit(1).executeTakeFirst();
  if (!row) return undefined;
  const block = blockOf(row);
  kept.add(block);
  return block;
}
