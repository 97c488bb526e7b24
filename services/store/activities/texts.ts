import { createHash } from 'node:crypto';
import { type Insertable, sql } from 'kysely';
import { type Hash, toHex } from '../../core/bytes.ts';
import type { AtRest } from './AtRest.ts';
import type { ActivitySchema } from './migrations.ts';
import { inParts } from './parts.ts';
import { rowOf } from './rows.ts';
import type { Writing } from './Writing.ts';

type TextRow = Insertable<ActivitySchema['activity_texts']>;

/** The row of a text. */
export function textRow(
  { activity, text }: { readonly activity: Hash; readonly text: string },
  atRest: AtRest,
): TextRow {
  const id = toHex(createHash('sha256').update(text).digest());
  return { id, activity, text: atRest.sealText(activity, rowOf.text(id), text), text_bytes: Buffer.byteLength(text) };
}

/** Writes texts. One that is there is locked: nobody drops it before the end of the transaction. */
export async function writeTexts(trx: Writing['trx'], texts: readonly TextRow[]): Promise<void> {
  const sorted = texts.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  for (const rows of inParts(sorted)) {
    await trx
      .insertInto('activity_texts')
      .values(rows)
      .onConflict((on) => on.column('id').doUpdateSet(({ ref }) => ({ text_bytes: ref('excluded.text_bytes') })))
      .execute();
  }
}

/** Drops those of the texts that no member needs any more. */
export async function dropTexts({ trx, engine }: Omit<Writing, 'atRest'>, ids: readonly string[]): Promise<void> {
  for (const some of inParts([...new Set(ids)].toSorted())) {
    const locked = trx.selectFrom('activity_texts').select('id').where('id', 'in', some).orderBy('id');
    // Another process may be giving the text to a member: with the lock, what it has written is seen. SQLite has one writer.
    if (engine === 'postgres') await locked.forUpdate().execute();
    await trx
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
      .execute();
  }
}
