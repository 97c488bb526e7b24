import type { Hash } from '../core/bytes.ts';
import type { SignedHeader } from '../core/equivocation.ts';
import { type StoreContext, write } from './context.ts';
import type { Store } from './Store.ts';

/** The part of `Store` about headers that publishers have shown. */
export function seenHeaders(context: StoreContext): Pick<Store, 'keepHeaders' | 'keptHeaders'> {
  return {
    async keepHeaders(headers, fromSlot) {
      if (headers.length === 0) return;
      await write(context, undefined, async (trx) => {
        for (const { hash, signed } of headers) {
          const { slot, publisher } = signed.header;
          await trx
            .insertInto('seen_headers')
            .values({ slot, publisher, hash, signed: JSON.stringify(signed) })
            .onConflict((on) => on.doNothing())
            .execute();
        }
        await trx.deleteFrom('seen_headers').where('slot', '<', fromSlot).execute();
      });
    },
    async keptHeaders() {
      const rows = await context.reader.selectFrom('seen_headers').selectAll().orderBy('slot').execute();
      return rows.map(({ hash, signed }) => ({ hash: hash as Hash, signed: JSON.parse(signed) as SignedHeader }));
    },
  };
}
