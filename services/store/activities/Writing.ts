import type { Kysely } from 'kysely';
import type { Engine } from '../Engine.ts';
import type { ActivityChange } from './ActivityStore.ts';
import type { AtRest } from './AtRest.ts';
import type { GroupWriter } from './GroupWriter.ts';
import type { ActivitySchema } from './migrations.ts';
import type { RecentTexts } from './RecentTexts.ts';

/** A connection or a transaction. */
export type ActivityDb = Kysely<ActivitySchema>;

/** What is written with, in a transaction. */
export type Writing = { readonly engine: Engine; readonly trx: ActivityDb; readonly atRest: AtRest };

/** What all calls of an open store work with. */
export type ActivityContext = {
  readonly engine: Engine;
  readonly reader: ActivityDb;
  readonly atRest: AtRest;
  readonly recent: RecentTexts;
  readonly writer: GroupWriter<ActivityDb, ActivityChange>;
  /** Runs work whose failures are those of storage. */
  readonly guarded: <T>(work: Promise<T>) => Promise<T>;
};
