import { sql } from 'kysely';
import type { Hash } from '../core/bytes.ts';
import type { ApplicationState } from '../core/governance/applicationState.ts';
import { type StoreContext, write } from './context.ts';
import type {
  Fallback,
  Finding,
  ReportState,
  ResourceStore,
  StoredReport,
  StoredResourceSet,
  StoredVersion,
} from './ResourceStore.ts';
import type { Schema } from './schema.ts';

/** `0x` and 64 hexadecimal digits: what stands before the version in a projection's subject. */
const hashChars = 66;

/** The part of `Store` about what this node does with resource sets. */
export function resources(context: StoreContext): ResourceStore {
  const { db, reader } = context;
  return {
    async resourceSetsOnChain() {
      const query = reader.selectFrom('projections').select(sql<string>`substr(subject, 1, ${hashChars})`.as('id'));
      const rows = await query.distinct().where('kind', '=', 'version').where('body', 'is not', null).execute();
      return rows.map(({ id }) => id as Hash).sort();
    },

    async resourceSets() {
      const query = reader.selectFrom('resource_sets').selectAll();
      const rows = await query.orderBy(sql`name is null`).orderBy('name').orderBy('resource_set').execute();
      return rows.map(setOf);
    },

    async resourceSet(resourceSet) {
      const query = db.selectFrom('resource_sets').selectAll().where('resource_set', '=', resourceSet);
      const row = await query.executeTakeFirst();
      return row && setOf(row);
    },

    async resourceVersion(resourceSet, version) {
      const query = db.selectFrom('resource_versions').selectAll().where('resource_set', '=', resourceSet);
      const row = await query.where('version', '=', version).executeTakeFirst();
      return row && versionOf(row);
    },

    async resourceVersions({ resourceSet, below, states, limit }) {
      let query = db.selectFrom('resource_versions').selectAll().where('resource_set', '=', resourceSet);
      if (below !== undefined) query = query.where('version', '<', below);
      if (states) query = query.where('state', 'in', states);
      return (await query.orderBy('version', 'desc').limit(limit).execute()).map(versionOf);
    },

    async saveResource({ set, versions = [] }, options) {
      await write(context, options, async (trx) => {
        if (set) {
          const row = { resource_set: set.resourceSet, name: set.name ?? null, written: set.written ?? null };
          await trx
            .insertInto('resource_sets')
            .values(row)
            .onConflict((on) => on.column('resource_set').doUpdateSet(row))
            .execute();
        }
        for (const version of versions) {
          const row = versionRow(version);
          await trx
            .insertInto('resource_versions')
            .values(row)
            .onConflict((on) => on.columns(['resource_set', 'version']).doUpdateSet(row))
            .execute();
        }
      });
    },

    async resourceReports(resourceSet, version, limit) {
      const query = db.selectFrom('resource_reports').selectAll().where('resource_set', '=', resourceSet);
      const rows = query.where('version', '=', version).orderBy('sequence', 'desc').limit(limit);
      return (await rows.execute()).map(reportOf);
    },

    async openReports(limit) {
      const query = db.selectFrom('resource_reports').selectAll().where('state', 'not in', ['sent', 'void']);
      const rows = query.orderBy('made_at').orderBy('resource_set').orderBy('version').orderBy('sequence');
      return (await rows.limit(limit).execute()).map(reportOf);
    },

    async saveReport(report, options) {
      const row = reportRow(report);
      await write(context, options, async (trx) => {
        await trx
          .insertInto('resource_reports')
          .values(row)
          .onConflict((on) => on.columns(['resource_set', 'version', 'sequence']).doUpdateSet(row))
          .execute();
      });
    },
  };
}

function setOf({ resource_set, name, written }: Schema['resource_sets']): StoredResourceSet {
  return {
    resourceSet: resource_set as Hash,
    ...(name === null ? {} : { name }),
    ...(written === null ? {} : { written }),
  };
}

function versionOf(row: Schema['resource_versions']): StoredVersion {
  return {
    resourceSet: row.resource_set as Hash,
    version: row.version,
    configurationHash: row.configuration_hash as Hash,
    state: row.state as ApplicationState,
    attempts: row.attempts,
    ...(row.fallback === null ? {} : { fallback: JSON.parse(row.fallback) as Fallback }),
    ...(row.reason === null ? {} : { reason: JSON.parse(row.reason) as string }),
    changedAt: row.changed_at,
    ...(row.finding === null ? {} : { finding: JSON.parse(row.finding) as Finding }),
  };
}

function versionRow(version: StoredVersion): Schema['resource_versions'] {
  const { resourceSet, configurationHash, state, attempts, fallback, reason, changedAt, finding } = version;
  return {
    resource_set: resourceSet,
    version: version.version,
    configuration_hash: configurationHash,
    state,
    attempts,
    fallback: textOf(fallback),
    // What a program has said may hold NUL, which PostgreSQL does not keep.
    reason: textOf(reason),
    changed_at: changedAt,
    finding: textOf(finding),
  };
}

function reportOf(row: Schema['resource_reports']): StoredReport {
  return {
    resourceSet: row.resource_set as Hash,
    version: row.version,
    sequence: row.sequence,
    state: row.state as ReportState,
    matches: row.matches === 1,
    actualHash: row.actual_hash as Hash,
    document: row.document,
    entry: row.entry,
    recordId: row.record_id as Hash,
    signature: row.signature,
    madeAt: row.made_at,
    ...(row.transaction_hash === null ? {} : { transactionHash: row.transaction_hash as Hash }),
    ...(row.reason === null ? {} : { reason: JSON.parse(row.reason) as string }),
  };
}

function reportRow(report: StoredReport): Schema['resource_reports'] {
  const { resourceSet, version, sequence, state, document, entry, signature } = report;
  return {
    ...{ resource_set: resourceSet, version, sequence, state, document, entry, signature },
    matches: report.matches ? 1 : 0,
    actual_hash: report.actualHash,
    record_id: report.recordId,
    made_at: report.madeAt,
    transaction_hash: report.transactionHash ?? null,
    reason: textOf(report.reason),
  };
}

function textOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
