import { expect } from 'chai';
import pg from 'pg';
import type { CentreParts } from '../../../services/app/CentreParts.ts';
import { defaultSettings } from '../../../services/app/CentreParts.ts';
import { createMetrics } from '../../../services/app/metrics.ts';
import { Problems } from '../../../services/app/Problems.ts';
import { Publisher } from '../../../services/app/Publisher.ts';
import type { Chain } from '../../../services/chain/Chain.ts';
import { systemClock } from '../../../services/lib/clock.ts';
import { silentLogger } from '../../../services/lib/logger.ts';
import { openStore } from '../../../services/store/openStore.ts';
import type { Store } from '../../../services/store/Store.ts';
import { testPostgres } from '../../support/postgres.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';
import { alice, anchor, anchorNext, instance, logAll, network, rows } from '../store/storeKit.ts';

/** Processes of one centre on one PostgreSQL, over a chain that has anchored every block. */
class Processes implements AsyncDisposable {
  readonly admin: pg.Client;
  readonly #databaseUrl: string;
  readonly #dataDir: string;
  readonly #closers: (() => PromiseLike<unknown>)[] = [];

  private constructor(databaseUrl: string, dataDir: string, admin: pg.Client) {
    this.#databaseUrl = databaseUrl;
    this.#dataDir = dataDir;
    this.admin = admin;
  }

  static async open(): Promise<Processes> {
    const databaseUrl = await (await testPostgres()).createDatabase();
    const folder = await temporaryFolder();
    const admin = new pg.Client({ connectionString: databaseUrl });
    await admin.connect();
    const processes = new Processes(databaseUrl, folder.path, admin);
    processes.#closers.push(() => folder[Symbol.asyncDispose]());
    return processes;
  }

  async store(): Promise<Store> {
    const place = { dataDir: this.#dataDir, databaseUrl: this.#databaseUrl };
    const store = await openStore({ ...place, network, instance, logger: silentLogger });
    this.#closers.unshift(() => store.close());
    return store;
  }

  async publisher(
    store: Store,
    { problems = new Problems(), onLook = () => {} }: { problems?: Problems; onLook?: () => void } = {},
  ): Promise<Publisher> {
    const chain: Partial<Chain> = {
      checkInstance: async () => onLook(),
      head: async () => 1,
      blockHash: async () => (await store.latestBlock())!.hash,
      findAnchor: async () => ({ ...anchor, confirmations: 1 }),
      chainTime: async () => ({ blockNumber: 10, latestSeconds: Date.now() / 1000, pendingSeconds: undefined }),
      committee: async () => ({ epoch: 1, members: [alice] }),
    };
    const parts = {
      ...{ store, chain, problems, clock: systemClock, logger: silentLogger, metrics: createMetrics() },
      ...{ settings: defaultSettings, clockGuard: { check: async () => {} }, signer: { address: alice } },
      ...{ periodSeconds: 1, graceSeconds: 30 },
    };
    const publisher = new Publisher(parts as unknown as CentreParts, () => {}, true);
    this.#closers.unshift(() => publisher.close());
    await publisher.start();
    return publisher;
  }

  /** Lets nobody in, and cuts the store's connections. */
  async lockOut(): Promise<void> {
    await this.#allow(false);
    await this.admin.query(`select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'notarium' and datname = current_database()`);
  }

  async letIn(): Promise<void> {
    await this.#allow(true);
  }

  async #allow(connections: boolean): Promise<void> {
    const url = new URL(this.#databaseUrl);
    const name = url.pathname.slice(1);
    // A database does not close itself to its own client.
    url.pathname = '/postgres';
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    await client.query(`alter database ${name} allow_connections ${connections}`);
    await client.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers) await close();
    await this.admin.end();
  }
}

describe('publisher on a database of several processes', () => {
  it('keeps its lease while one step takes longer than it', async () => {
    await using processes = await Processes.open();
    const store = await processes.store();
    await store.admit(rows(3));
    await anchorNext(store, 3);
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    let isCommitting = false;
    const slow: Store = {
      ...store,
      commitBlock: async (height, options) => {
        isCommitting = true;
        await released;
        await store.commitBlock(height, options);
      },
    };
    try {
      await processes.publisher(slow);
      const expiresMs = async (): Promise<number> => {
        const { rows: found } = await processes.admin.query<{ expires_ms: string }>('select expires_ms from leases');
        return Number(found[0]!.expires_ms);
      };
      await until('the commit', () => isCommitting);
      const first = await expiresMs();
      const second = await until('a longer lease', async () => (await expiresMs()) > first && expiresMs());
      await until('one more', async () => (await expiresMs()) > second);
      expect(store.logSize()).to.equal(0);
    } finally {
      release();
    }
    await until('the log', () => store.logSize() === 3);
  });

  it('is well again after a failure of the database, also without the lease', async () => {
    await using processes = await Processes.open();
    const holder = await processes.store();
    await holder.admit(rows(3));
    await anchorNext(holder, 3);
    const all = [new Problems(), new Problems()];
    await processes.publisher(holder, { problems: all[0]! });
    await processes.publisher(await processes.store(), { problems: all[1]! });
    // As if it had been found by a step before.
    for (const problems of all) problems.raise('tile-corrupt', 'tile/0/000: it has changed');
    await processes.lockOut();
    await until('both to say so', () => all.every((problems) => problems.has('storage-failed')));
    await processes.letIn();
    await until('both to be well', () => all.every((problems) => problems.list().length === 0));
  });

  it('sees what another process has written, with the lease and without it', async () => {
    await using processes = await Processes.open();
    const [one, other] = [await processes.store(), await processes.store()];
    const first = await logAll(one, rows(3));
    await other.refresh();
    expect((await other.blockOfLeaf(0))?.hash).to.equal(first.hash);
    await one.orphanBlocks(0);
    const third = await processes.store();
    const again = { ...first, anchor: { ...anchor, blockNumber: 12 } };
    await one.adoptLogged(again);
    await logAll(one, rows(2, 'more'), 2);
    // The first one to start gets the lease.
    await processes.publisher(third);
    expect(third.logSize()).to.equal(5);
    await processes.publisher(other);
    expect(other.logSize()).to.equal(5);
    expect((await other.blockOfLeaf(0))?.anchor).to.deep.equal(again.anchor);
  });

  it('asks the chain no more often than twice a period, however often it is told of something that is not there', async () => {
    await using processes = await Processes.open();
    const store = await processes.store();
    await logAll(store, rows(3));
    const looks: number[] = [];
    const publisher = await processes.publisher(store, { onLook: () => looks.push(performance.now()) });
    const startMs = performance.now();
    await until('some looks', () => {
      publisher.lookSoon();
      return looks.length >= 6;
    });
    // The first two come at once; each other one waits for half of the period of a second.
    expect(performance.now() - startMs).to.be.at.least(4 * 500);
  });
});
