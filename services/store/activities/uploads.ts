import { sql } from 'kysely';
import type { Hash } from '../../core/bytes.ts';
import type { ActivityStore, StoredUpload } from './ActivityStore.ts';
import { inParts } from './parts.ts';
import type { ActivityContext, ActivityDb } from './Writing.ts';

type Calls = Pick<ActivityStore, 'saveUpload' | 'uploadsOf' | 'touchUploads' | 'youngUploads' | 'dropUpload'>;

/** Files that were put and that no message names yet. */
export function uploadCalls({ reader, writer, guarded }: ActivityContext): Calls {
  return {
    saveUpload: ({ sealedDigest, owner, sizeBytes, putMs, answerDigest }) =>
      guarded(
        writer.run(async (trx) => {
          const row = {
            ...{ sealed_digest: sealedDigest, owner: owner ?? null, size_bytes: sizeBytes, put_ms: putMs },
            answer_digest: answerDigest ?? null,
          };
          await trx
            .insertInto('activity_uploads')
            .values(row)
            .onConflict((on) => on.column('sealed_digest').doUpdateSet(row))
            .execute();
        }),
      ),
    async uploadsOf(owner) {
      const { count, size } = await guarded(
        reader
          .selectFrom('activity_uploads')
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .select(sql<number>`cast(coalesce(sum(size_bytes), 0) as bigint)`.as('size'))
          .where('owner', owner === undefined ? 'is' : '=', owner ?? null)
          .executeTakeFirstOrThrow(),
      );
      return { count, sizeBytes: size };
    },
    touchUploads: (digests, nowMs) => guarded(writer.run((trx) => touch(trx, digests, nowMs))),
    async youngUploads(digests, sinceMs) {
      const young = new Set<Hash>();
      for (const some of inParts(digests)) {
        const query = reader.selectFrom('activity_uploads').select('sealed_digest').where('sealed_digest', 'in', some);
        for (const row of await guarded(query.where('put_ms', '>=', sinceMs).execute()))
          young.add(row.sealed_digest as Hash);
      }
      return young;
    },
    dropUpload: (sealedDigest, beforeMs) =>
      guarded(
        writer.run(async (trx) => {
          const uploads = trx.deleteFrom('activity_uploads').where('sealed_digest', '=', sealedDigest);
          await uploads.where('put_ms', '<', beforeMs).execute();
          // In this order: a message that takes an upload over is there once the upload is not.
          return (
            !(await isIn(trx, 'activity_uploads', sealedDigest)) &&
            !(await isIn(trx, 'activity_attachments', sealedDigest))
          );
        }),
      ),
  };
}

async function touch(trx: ActivityDb, digests: readonly Hash[], nowMs: number): Promise<StoredUpload[]> {
  const touched: StoredUpload[] = [];
  // In one order: two processes that touch several of them do not wait for one another.
  for (const some of inParts([...new Set(digests)].toSorted())) {
    const rows = await trx
      .updateTable('activity_uploads')
      .set({ put_ms: nowMs })
      .where('sealed_digest', 'in', some)
      .returningAll()
      .execute();
    for (const { sealed_digest, owner, size_bytes, put_ms, answer_digest } of rows) {
      touched.push({
        ...{ sealedDigest: sealed_digest as Hash, sizeBytes: size_bytes, putMs: put_ms },
        ...(owner === null ? {} : { owner }),
        ...(answer_digest === null ? {} : { answerDigest: answer_digest as Hash }),
      });
    }
  }
  return touched;
}

async function isIn(
  trx: ActivityDb,
  table: 'activity_uploads' | 'activity_attachments',
  sealedDigest: Hash,
): Promise<boolean> {
  const query = trx.selectFrom(table).select('sealed_digest').where('sealed_digest', '=', sealedDigest).limit(1);
  return (await query.executeTakeFirst()) !== undefined;
}
