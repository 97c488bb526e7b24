import { createHash } from 'node:crypto';
import { type CompiledQuery, type Insertable, sql } from 'kysely';
import { type Hash, toHex } from '../../core/bytes.ts';
import { runTogether } from '../database.ts';
import type { AtRest } from './AtRest.ts';
import type { ActivitySchema } from './migrations.ts';
import { inParts } from './parts.ts';
import { rowOf } from './rows.ts';
import type { Writing } from './Writing.ts';

type TextRow = Insertable<ActivitySchema['activity_texts']>;

/** The row of what goes to members. */
export function textRow(
  { activity, item }: { readonly activity: Hash; readonly item: Uint8Array },
  atRest: AtRest,
): TextRow {
  const id = toHex(createHash('sha256').update(item).digest());
  return { id, activity, text: atRest.seal(activity, rowOf.text(id), item), text_bytes: item.length };
}

/** Writes texts. One that is there is locked: nobody drops it before the end of the transaction. */
export function textQueries(trx: Writing['trx'], texts: readonly TextRow[]): CompiledQuery[] {
  const sorted = texts.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return inParts(sorted).map((rows) =>
    trx
      .insertInto('activity_texts')
      .values(rows)
      .onConflict((on) => on.column('id').doUpdateSet(({ ref }) => ({ text_bytes: ref('excluded.text_bytes') })))
      .compile(),
  );
}

/** Drops those of the texts that no member needs any more. */
export async function dropTexts({ trx, engine }: Omit<Writing, 'atRest'>, ids: readonly string[]): Promise<void> {
  const queries = inParts([...new Set(ids)].toSorted()).flatMap((some) => {
    const locked = trx.selectFrom('activity_texts').select('id').where('id', 'in', some).orderBy('id');
    const dropped = trx
      .deleteFrom('activity_texts')
      .where('id', 'in', some)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('activity_deliveries')
              .select('seq')
              .whereRef('text_id', '=', 'activity_texts.id')
              .where(sql<boolean>`state = 'queued'`),
          ),
        ),
      )
      .compile();
    // Another process may be giving the text to a member: with the lock, what it has written is seen. SQLite has one writer.
    return engine === 'postgres' ? [locked.forUpdate().compile(), dropped] : [dropped];
  });
  await runTogether(engine, trx, queries);
}
