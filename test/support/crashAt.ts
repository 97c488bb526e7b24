/**
 * Loaded by `--import` into a process of the product: kills it with SIGKILL at one moment, which the variable `NOTARIUM_TEST_CRASH`
 * names: `commit 3 before` is before the third commit of its database, `sync 1 after` after the first fsync of a file, `message 2 after`
 * when the second answer of a verifier has come, or is sent.
 */
import { open } from 'node:fs/promises';
import { ServerResponse } from 'node:http';
import { DatabaseSync } from 'node:sqlite';

const [kind, count, when] = (process.env.NOTARIUM_TEST_CRASH ?? '').split(' ');
let seen = 0;

/** Each thread counts for itself: only one of them commits. */
function pass(event: string, moment: 'before' | 'after'): void {
  if (event !== kind) return;
  if (moment === 'before') seen++;
  if (seen === Number(count) && moment === when) process.kill(process.pid, 'SIGKILL');
}

const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (sql) {
  if (sql !== 'commit') return exec.call(this, sql);
  pass('commit', 'before');
  exec.call(this, sql);
  pass('commit', 'after');
};

await using some = await open(import.meta.filename);
const files = Object.getPrototypeOf(some) as Record<'sync' | 'datasync', () => Promise<void>>;
for (const name of ['sync', 'datasync'] as const) {
  const flush = files[name];
  files[name] = async function (this: unknown) {
    pass('sync', 'before');
    await flush.call(this);
    pass('sync', 'after');
  };
}

const isOfChannel = (url: string): boolean => url.includes('/v1/channels');

const plainFetch = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  if (!isOfChannel(String(input))) return await plainFetch(input, init);
  pass('message', 'before');
  const answer = await plainFetch(input, init);
  pass('message', 'after');
  return answer;
};

const end = ServerResponse.prototype.end as (...args: unknown[]) => ServerResponse;
ServerResponse.prototype.end = function (this: ServerResponse, ...args: unknown[]) {
  if (!isOfChannel(this.req.url ?? '')) return end.apply(this, args);
  pass('message', 'before');
  this.once('finish', () => pass('message', 'after'));
  return end.apply(this, args);
} as typeof ServerResponse.prototype.end;
