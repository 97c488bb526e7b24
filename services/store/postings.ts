import type { StoreContext } from './context.ts';
import { write } from './context.ts';
import { bulkInsert, type Db } from './database.ts';
import type { Engine } from './Engine.ts';
import { getMeta, setMeta } from './meta.ts';
import { PackedRows, packBytes } from './packed.ts';
import type { WriteOptions } from './WriteOptions.ts';

/** Name in `meta`, while postings are written, of the hash of their block; of a roll-back after one (leftOver.ts). */
export const postingMeta = 'posting';
const keySpace = 2 ** 52;
const readAtOnce = 100_000;

/** Where an entry of the log is found by one of its keys. */
export type Posting = readonly [key: number, leafIndex: number];

/** The record that supersedes another one. */
export type Succession = { readonly predecessor: Uint8Array; readonly winner: Uint8Array };

/** Inserts postings, sorted, so that the index is walked from left to right. */
export async function insertPostings(engine: Engine, db: Db, postings: Posting[]): Promise<void> {
  postings.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const columns = [Float64Array.from(postings, ([key]) => key), Float64Array.from(postings, ([, leaf]) => leaf)];
  await bulkInsert(engine, db, 'postings', ['key', 'leaf_index'], new PackedRows(postings.length, columns));
}

/** Inserts successions; of two for one predecessor the first stands. */
export async function insertSuccessions(engine: Engine, db: Db, heirs: readonly Succession[]): Promise<void> {
  const columns = [packBytes(heirs, ({ predecessor }) => predecessor), packBytes(heirs, ({ winner }) => winner)];
  await bulkInsert(engine, db, 'successors', ['predecessor', 'winner'], new PackedRows(heirs.length, columns));
}

/** What every write but the last one of a block goes with: the event belongs to the last. */
export function leaseOnly(options: WriteOptions | undefined): WriteOptions {
  return options?.lease ? { lease: options.lease } : {};
}

/**
 * To be called before postings beyond the log's end are written. Those of another block that did not come to its end would
 * point to foreign entries as soon as the log reaches them: they go first.
 */
export async function beginPostings(
  context: StoreContext,
  hash: string,
  logSize: number,
  options: WriteOptions | undefined,
): Promise<void> {
  const before = await getMeta(context.db, postingMeta);
  // The same block again has the same ones.
  if (before === hash) return;
  if (before !== undefined) await removeBeyond(context, logSize, options);
  await write(context, leaseOnly(options), (trx) => setMeta(trx, postingMeta, hash));
}

/** The postings that were begun are good ones, or gone. */
export async function endPostings(trx: Db): Promise<void> {
  await trx.deleteFrom('meta').where('name', '=', postingMeta).execute();
}

/** No index has them by leaf: the whole one is read, a part at a time, since others wait for the database too. */
async function removeBeyond(context: StoreContext, logSize: number, options: WriteOptions | undefined): Promise<void> {
  const parts = Math.ceil((4 * logSize + 1) / readAtOnce);
  for (let part = 0; part < parts; part++) {
    const [first, end] = [part, part + 1].map((at) => Math.ceil((keySpace / parts) * at)) as [number, number];
    await write(context, leaseOnly(options), async (trx) => {
      const beyond = trx.deleteFrom('postings').where('leaf_index', '>=', logSize);
      await beyond.where('key', '>=', first).where('key', '<', end).execute();
    });
  }
}
