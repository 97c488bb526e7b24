import { expect } from 'chai';
import pg from 'pg';
import { silentLogger } from '../../../services/lib/logger.ts';
import { openStore } from '../../../services/store/openStore.ts';
import type { Store, StoreOptions } from '../../../services/store/Store.ts';
import { expectCode } from '../../support/expectCode.ts';
import { testPostgres } from '../../support/postgres.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';
import { instance, network, row } from './storeKit.ts';

/** A store, and a second client of its database. */
type Watched = AsyncDisposable & { readonly store: Store; readonly admin: pg.Client };

async function watched(options: Partial<StoreOptions> = {}): Promise<Watched> {
  const databaseUrl = await (await testPostgres()).createDatabase();
  const folder = await temporaryFolder();
  const place = { dataDir: folder.path, databaseUrl, network, instance, logger: silentLogger };
  const store = await openStore({ ...place, ...options });
  const admin = new pg.Client({ connectionString: databaseUrl });
  await admin.connect();
  return {
    store,
    admin,
    async [Symbol.asyncDispose]() {
      await store.close();
      await admin.end();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Server processes behind the store's connections, or those of them that wait for a lock. */
async function backends({ admin }: Watched, waiting = false): Promise<number[]> {
  const { rows } = await admin.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and application_name = 'notarium'
      ${waiting ? "and wait_event_type = 'Lock'" : ''}`,
  );
  return rows.map(({ pid }) => pid);
}

/** One that was about to end when it was halted is gone; the others must go on, or the server never stops. */
function proceed(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

describe('store on a PostgreSQL that fails', () => {
  it('outlives the loss of a connection in the middle of a transaction', async () => {
    await using place = await watched();
    const { store, admin } = place;
    await admin.query('begin');
    await admin.query('select * from counters for update');
    const admitted = expectCode('storage-failed', store.admit([row('x')]));
    const [pid] = await until('a transaction that waits', async () => {
      const found = await backends(place, true);
      return found.length > 0 && found;
    });
    await admin.query('select pg_terminate_backend($1)', [pid]);
    await admitted;
    await admin.query('rollback');
    expect(await store.admit([row('x')])).to.deep.equal([{ status: 'accepted', seq: 1 }]);
  });

  it('gives a server that has come to a halt up, works with its next process, and closes all the same', async () => {
    await using place = await watched({ databaseAnswerMs: 2_500 });
    const { store } = place;
    const stopped: number[] = [];
    const halt = async (): Promise<void> => {
      for (const pid of await backends(place)) {
        process.kill(pid, 'SIGSTOP');
        stopped.push(pid);
      }
    };
    try {
      await store.poolStatus();
      await halt();
      await expectCode('storage-failed', store.admit([row('x')]));
      expect((await store.admit([row('y')]))[0]?.status).to.equal('accepted');
      await halt();
      await store.close();
    } finally {
      for (const pid of stopped) proceed(pid);
    }
  });

  it('waits for a lock that another holds only so long', async () => {
    await using place = await watched({ databaseAnswerMs: 4_000 });
    const { store, admin } = place;
    await admin.query('begin');
    await admin.query('select * from counters for update');
    const error = await expectCode('storage-failed', store.admit([row('x')]));
    expect(error.message).to.contain('lock timeout');
    await admin.query('rollback');
    expect((await store.admit([row('x')]))[0]?.status).to.equal('accepted');
  });
});
