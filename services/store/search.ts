import { fromHex, sameBytes } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import type { NotariumRecord } from '../core/recordSchema.ts';
import type { StoreContext } from './context.ts';
import { digestKey, subjectKey, submitterKey } from './keys.ts';
import { logSizeFor } from './locate.ts';
import type { SearchPage, SearchQuery } from './Store.ts';

// How many candidates are looked at for one page at most: a page may end early, its cursor goes on.
const candidatesAtOnce = 256;
const candidatesAtMost = 4096;
// A page of the largest records would be many times as large as an ordinary one.
const pageBytes = 1024 * 1024;

/**
 * See `Store.search`. Looks through the candidates of the rarest kind of key asked for, in log order.
 * @throws NotariumError `request-invalid` without anything to look for, or with a cursor that is none.
 */
export async function search(context: StoreContext, query: SearchQuery): Promise<SearchPage> {
  const key = keyOf(query);
  let after = query.after === undefined ? -1 : leafOf(query.after);
  const logSize = await logSizeFor(context, context.reader, Number.MAX_SAFE_INTEGER);
  const hits: { leafIndex: number; entry: Uint8Array }[] = [];
  let sizeBytes = 0;
  for (let seen = 0; seen < candidatesAtMost; ) {
    const candidates = await context.reader
      .selectFrom('postings')
      .select('leaf_index')
      .where('key', '=', key)
      .where('leaf_index', '>', after)
      .where('leaf_index', '<', logSize)
      .orderBy('leaf_index')
      .limit(candidatesAtOnce)
      .execute();
    for (const { leaf_index: leafIndex } of candidates) {
      // A page is full only when one more is known to follow: no cursor to an empty page.
      if (hits.length === query.limit || sizeBytes >= pageBytes) return { hits, next: String(after) };
      const entry = await context.log.entry(leafIndex, logSize);
      if (fits(entry, query)) {
        hits.push({ leafIndex, entry });
        sizeBytes += entry.length;
      }
      after = leafIndex;
    }
    seen += candidates.length;
    if (candidates.length < candidatesAtOnce) return { hits };
  }
  return { hits, next: String(after) };
}

function keyOf({ digest, subject, submitter }: SearchQuery): number {
  if (digest) return digestKey(digest);
  if (subject !== undefined) return subjectKey(subject);
  if (submitter) return submitterKey(submitter);
  throw new NotariumError('request-invalid', 'one of digest, subject and submitter is needed');
}

function leafOf(cursor: string): number {
  const leafIndex = /^\d{1,16}$/.test(cursor) ? Number(cursor) : Number.NaN;
  if (!Number.isSafeInteger(leafIndex)) throw new NotariumError('request-invalid', 'the cursor is not one of ours');
  return leafIndex;
}

function fits(entry: Uint8Array, { digest, subject, submitter }: SearchQuery): boolean {
  // The log holds checked records only; nothing but these three fields is used.
  const record = JSON.parse(new TextDecoder().decode(entry)) as NotariumRecord;
  if (digest && !sameBytes(fromHex(record.digest.slice('sha-256:'.length)), digest)) return false;
  if (subject !== undefined && record.subject !== subject) return false;
  return submitter === undefined || sameBytes(fromHex(record.submitter), submitter);
}
