import type { BlockHeader } from '../core/block.ts';
import type { Hash } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { type StoreContext, write } from './context.ts';
import type { Db } from './database.ts';
import { allVotesMeta, getMeta, setMeta } from './meta.ts';
import type { Store } from './Store.ts';

/** Name in `meta` of the last slot in which nothing more is signed, whatever votes are still known of it. */
const closedMeta = 'votes-closed';
const prunedAtOnce = 5_000;

/** The part of `Store` about votes. */
export function votes(
  context: StoreContext,
): Pick<Store, 'vote' | 'voteOf' | 'hasAllVotes' | 'closeVotes' | 'pruneVotes'> {
  return {
    async vote({ slot, hash, header }, options) {
      await write(context, options, async (trx) => {
        // The primary key decides between two processes; who comes second reads what stands there.
        if (slot > (await closedSlot(trx))) {
          const row = { slot, hash, header: JSON.stringify(header) };
          await trx
            .insertInto('votes')
            .values(row)
            .onConflict((on) => on.doNothing())
            .execute();
        }
        const stands = await trx.selectFrom('votes').select('hash').where('slot', '=', slot).executeTakeFirst();
        if (stands?.hash === hash) return;
        const detail = stands ? `slot ${slot}` : `slot ${slot}: what was signed in it may be lost`;
        throw new NotariumError('vote-conflict', detail, { data: { slot, have: stands?.hash ?? null, want: hash } });
      });
    },
    async voteOf(slot) {
      const row = await context.db.selectFrom('votes').selectAll().where('slot', '=', slot).executeTakeFirst();
      return row && { slot, hash: row.hash as Hash, header: JSON.parse(row.header) as BlockHeader };
    },
    hasAllVotes: async () => (await getMeta(context.db, allVotesMeta)) !== undefined,
    async closeVotes(slot) {
      await write(context, undefined, async (trx) => {
        await close(trx, slot);
        await setMeta(trx, allVotesMeta, 'yes');
      });
    },
    async pruneVotes(slot, options) {
      for (let isAll = false; !isAll; ) {
        isAll = await write(context, options, async (trx) => {
          // With the first row that goes: without it, a slot could be signed in anew.
          await close(trx, slot);
          return (await prune(trx, slot)) < prunedAtOnce;
        });
      }
    },
  };
}

async function closedSlot(db: Db): Promise<number> {
  return Number((await getMeta(db, closedMeta)) ?? -1);
}

async function close(trx: Db, slot: number): Promise<void> {
  await setMeta(trx, closedMeta, String(Math.max(slot, await closedSlot(trx))));
}

/** Blocks whose signatures the chain does not show: for these others ask for ours again (BlockSignatures.ts). */
async function prune(trx: Db, slot: number): Promise<number> {
  const old = trx
    .selectFrom('votes')
    .select('slot')
    .where('slot', '<=', slot)
    .where((from) =>
      from.not(
        from.exists(
          from
            .selectFrom('blocks')
            .select('blocks.hash')
            .whereRef('blocks.hash', '=', 'votes.hash')
            .where('blocks.signatures', '=', '[]'),
        ),
      ),
    )
    .limit(prunedAtOnce);
  const { numDeletedRows } = await trx.deleteFrom('votes').where('slot', 'in', old).executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}
