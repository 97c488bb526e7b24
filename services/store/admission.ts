import { sql } from 'kysely';
import type { Purpose } from '../core/admission/joinRequest.ts';
import type { Address, Hash } from '../core/bytes.ts';
import type { AdmissionOutcome, AdmissionStore, StoredOutcome } from './AdmissionStore.ts';
import { type StoreContext, write } from './context.ts';
import { type Db, lockCounters } from './database.ts';
import type { Schema } from './schema.ts';

/** The part of `Store` about what an authenticator has found out. */
export function admission(context: StoreContext): AdmissionStore {
  const { db, reader } = context;
  return {
    async addOutcome(outcome, keepFromMs) {
      return await write(context, undefined, async (trx) => {
        // Locks: of several processes one at a time counts on.
        await lockCounters(context.engine, trx);
        const last = await trx
          .selectFrom('admission_outcomes')
          .select((from) => from.fn.max('seq').as('seq'))
          .executeTakeFirstOrThrow();
        const seq = Number(last.seq ?? 0) + 1;
        await trx.insertInto('admission_outcomes').values(rowOf(seq, outcome)).execute();
        await prune(trx, keepFromMs);
        return seq;
      });
    },

    async outcomes({ candidate, beforeSeq, limit }) {
      let query = reader.selectFrom('admission_outcomes').selectAll();
      if (candidate !== undefined) query = query.where('candidate', '=', candidate);
      if (beforeSeq !== undefined) query = query.where('seq', '<', beforeSeq);
      return (await query.orderBy('seq', 'desc').limit(limit).execute()).map(outcomeOf);
    },

    async failedAttempts(of, sinceMs, limit) {
      const [column, value] =
        'candidate' in of ? (['candidate', of.candidate] as const) : (['network', of.network] as const);
      // Of the writer: what has just failed counts at once.
      const query = db.selectFrom('admission_outcomes').select('time_ms').where(column, '=', value);
      const failed = query.where('outcome', '=', 'failed').where('time_ms', '>=', sinceMs);
      return (await failed.orderBy('time_ms', 'desc').limit(limit).execute()).map((row) => row.time_ms);
    },

    async outcomeOfDocument(documentHash) {
      const query = reader.selectFrom('admission_outcomes').selectAll().where('document_hash', '=', documentHash);
      return optional(await query.orderBy('seq', 'desc').limit(1).executeTakeFirst());
    },

    async lastOutcome(candidate, outcome, purpose) {
      let query = reader.selectFrom('admission_outcomes').selectAll().where('candidate', '=', candidate);
      query = query.where('outcome', '=', outcome);
      if (purpose !== undefined) query = query.where('purpose', '=', purpose);
      return optional(await query.orderBy('seq', 'desc').limit(1).executeTakeFirst());
    },

    async unrecordedOutcomes(limit) {
      const query = db.selectFrom('admission_outcomes').selectAll().where('is_recorded', '=', 0);
      return (await query.orderBy('seq').limit(limit).execute()).map(outcomeOf);
    },

    async outcomeRecorded(seq) {
      await db.updateTable('admission_outcomes').set({ is_recorded: 1 }).where('seq', '=', seq).execute();
    },

    async centreStandings() {
      const rows = await db.selectFrom('centre_standings').selectAll().orderBy('address').execute();
      return rows.map(({ address, since_ms, reason }) => ({
        address: address as Address,
        sinceMs: since_ms,
        ...(reason === null ? {} : { reason }),
      }));
    },

    async saveCentreStandings(standings, options) {
      await write(context, options, async (trx) => {
        await trx.deleteFrom('centre_standings').execute();
        if (standings.length === 0) return;
        const rows = standings.map(({ address, sinceMs, reason = null }) => ({ address, since_ms: sinceMs, reason }));
        await trx.insertInto('centre_standings').values(rows).execute();
      });
    },
  };
}

/** By indexes alone: it is done with each outcome, and strangers make those. */
async function prune(trx: Db, keepFromMs: number): Promise<void> {
  await sql`
    delete from admission_outcomes where time_ms < ${keepFromMs} and is_recorded = 1 and not (
      outcome = 'passed' and not exists (
        select 1 from admission_outcomes as newer
        where newer.candidate = admission_outcomes.candidate and newer.outcome = 'passed'
          and newer.seq > admission_outcomes.seq
      )
    )`.execute(trx);
}

function rowOf(seq: number, outcome: AdmissionOutcome): Schema['admission_outcomes'] {
  const { candidate, network, purpose, code = null, timeMs, documentHash, document, entry } = outcome;
  const what = { candidate, network, outcome: outcome.outcome, purpose, code };
  return { seq, ...what, time_ms: timeMs, document_hash: documentHash, document, entry, is_recorded: 0 };
}

const optional = (row: Schema['admission_outcomes'] | undefined): StoredOutcome | undefined => row && outcomeOf(row);

function outcomeOf(row: Schema['admission_outcomes']): StoredOutcome {
  const { seq, candidate, network, outcome, purpose, code, document, entry } = row;
  return {
    seq,
    candidate: candidate as Address,
    network,
    outcome: outcome as AdmissionOutcome['outcome'],
    purpose: purpose as Purpose,
    ...(code === null ? {} : { code }),
    timeMs: row.time_ms,
    documentHash: row.document_hash as Hash,
    document,
    entry,
    isRecorded: row.is_recorded === 1,
  };
}
