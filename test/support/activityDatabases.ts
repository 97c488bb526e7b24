import { testPostgres } from './postgres.ts';

/** The same suite with the activities of all nodes in files, and in one PostgreSQL. */
export function onBothActivityDatabases(
  title: string,
  suite: (databaseUrl: () => Promise<string | undefined>) => void,
): void {
  for (const engine of ['sqlite', 'postgres'] as const) {
    describe(`${title} (${engine})`, () => {
      suite(async () => (engine === 'postgres' ? (await testPostgres()).createDatabase() : undefined));
    });
  }
}
