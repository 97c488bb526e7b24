import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';

type Place = { readonly dataDir: string; readonly databaseUrl: string | undefined };

/** Runs a statement on the database as it is, past the store; values in `?` order. */
export async function rawQuery(
  { dataDir, databaseUrl }: Place,
  text: string,
  values: readonly (string | number | Uint8Array)[] = [],
): Promise<Record<string, unknown>[]> {
  if (databaseUrl === undefined) {
    const db = new DatabaseSync(join(dataDir, 'activities.db'));
    try {
      return db.prepare(text).all(...values) as Record<string, unknown>[];
    } finally {
      db.close();
    }
  }
  const client = new pg.Client({ connectionString: databaseUrl });
  try {
    await client.connect();
    let count = 0;
    const { rows } = await client.query(
      text.replaceAll('?', () => `$${++count}`),
      [...values],
    );
    return rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

/** All rows of a table. */
export function rawTable(place: Place, table: string): Promise<Record<string, unknown>[]> {
  return rawQuery(place, `select * from ${table}`);
}
