import { type RawBuilder, sql } from 'kysely';
import { appendLeaves, type Frontier } from '../core/log/compactRange.ts';
import type { Runs } from './blocks.ts';
import type { StoreContext } from './context.ts';
import { selectPacked } from './database.ts';
import type { Engine } from './Engine.ts';
import type { PackedBytes } from './packed.ts';

/** Rows of the pool in one statement: short enough that nobody waits long for the database. */
export const postedAtOnce = 20_000;

/** Pool rows `first` to `last`, which stand in the log from leaf `leaf` on. */
export type Piece = readonly [first: number, last: number, leaf: number];

/** Runs in pieces of at most so many rows together. */
export function* piecesOf(runs: Runs, from: number, rows: number): Generator<Piece[]> {
  let held: Piece[] = [];
  let room = rows;
  let leaf = from;
  for (const [first, last] of runs) {
    for (let start = first; start <= last; ) {
      const end = Math.min(last, start + room - 1);
      held.push([start, end, leaf]);
      leaf += end - start + 1;
      room -= end - start + 1;
      start = end + 1;
      if (room > 0) continue;
      yield held;
      held = [];
      room = rows;
    }
  }
  if (held.length > 0) yield held;
}

/** Pieces as a table `piece` with the columns `first`, `last` and `leaf`. */
export function pieceTable(engine: Engine, pieces: readonly Piece[]): RawBuilder<unknown> {
  if (engine === 'sqlite') {
    return sql`(select value->>0 as first, value->>1 as last, value->>2 as leaf
      from json_each(${JSON.stringify(pieces)})) as piece`;
  }
  const column = (at: 0 | 1 | 2): string => `{${pieces.map((piece) => piece[at]).join(',')}}`;
  return sql`unnest(${column(0)}::bigint[], ${column(1)}::bigint[], ${column(2)}::bigint[]) as piece(first, last, leaf)`;
}

/** Frontier after the pool rows, by the leaf hashes in the pool. */
export async function grown({ reader, engine }: StoreContext, runs: Runs, before: Frontier): Promise<Frontier> {
  let frontier = before;
  for (const pieces of piecesOf(runs, before.size, postedAtOnce)) {
    const query = sql`select pool.leaf_hash from ${pieceTable(engine, pieces)}
      cross join pool where pool.seq between piece.first and piece.last order by piece.leaf, pool.seq`;
    const { columns } = await selectPacked(reader, query, ['bytes']);
    frontier = appendLeaves(frontier, (columns[0] as PackedBytes).bytes);
  }
  return frontier;
}
