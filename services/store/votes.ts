import type { BlockHeader } from '../core/block.ts';
import type { Hash } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { type StoreContext, write } from './context.ts';
import type { Store } from './Store.ts';

/** The part of `Store` about votes. */
export function votes(context: StoreContext): Pick<Store, 'vote' | 'voteOf'> {
  return {
    async vote({ slot, hash, header }, options) {
      await write(context, options, async (trx) => {
        // The primary key decides between two processes; who comes second reads what stands there.
        const row = { slot, hash, header: JSON.stringify(header) };
        await trx
          .insertInto('votes')
          .values(row)
          .onConflict((on) => on.doNothing())
          .execute();
        const stands = await trx.selectFrom('votes').select('hash').where('slot', '=', slot).executeTakeFirstOrThrow();
        if (stands.hash === hash) return;
        throw new NotariumError('vote-conflict', `slot ${slot}`, { data: { slot, have: stands.hash, want: hash } });
      });
    },
    async voteOf(slot) {
      const row = await context.db.selectFrom('votes').selectAll().where('slot', '=', slot).executeTakeFirst();
      return row && { slot, hash: row.hash as Hash, header: JSON.parse(row.header) as BlockHeader };
    },
  };
}
