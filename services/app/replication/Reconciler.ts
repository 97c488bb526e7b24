import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { type Address, fromHex, toHex } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { every, type Loop } from '../../lib/every.ts';
import type { Net } from '../../net/Net.ts';
import { askRecords, wrongAnswer } from './askRecords.ts';
import type { ReplicationParts } from './ReplicationParts.ts';
import { orphansOf, takeRecords } from './takeRecords.ts';
import {
  bundlesOf,
  collectItems,
  firstFrame,
  jsonFrame,
  maxIdsOfRequest,
  packedFrames,
  poolPageSchema,
  poolQuerySchema,
  protocols,
  readJson,
} from './wire.ts';

// Gossip has had that long, at least, for what is listed then; most of it is in the log by now, and needs no comparing.
const periodMs = 3_000;
/** Every so many periods at the least: while no record comes anywhere, there is nothing that gossip could have lost. */
const mostStillRuns = 5;
const pageIds = 20_000;
const maxOrphans = 10_000;
/** Pages of one run, more than a full pool has: a list without an end must not keep us busy without a pause. */
const maxPages = 64;
// Up to 4 MiB of the largest records: an answer of thousands must not stand in memory as a whole.
const givenAtOnce = 256;
const timeoutMs = 30_000;
// Between list and answer a record may be refused, as expired for instance: only so many are a fault.
const withheldIds = 1_000;
const withheldPoints = 10;

/** Where we are in a peer's pool. */
type Cursor = {
  instance: string;
  afterSeq: number;
  readonly orphans: Set<string>;
  isRunning: boolean;
  /** Periods for which it was not asked; undefined while there may be more. */
  stillRuns: number | undefined;
  /** Ids that it has listed and not given the records of, since it was blamed for that. */
  withheld: number;
};

/**
 * Fetches what other pools have and ours has not: after a connection, and every few seconds. Each pool is a list that only
 * grows at its end, so a place in it is all that has to be remembered. Who asks again is told what has been there for a period. Where neither pool has
 * grown, it is asked less often.
 */
export class Reconciler {
  readonly #parts: ReplicationParts;
  readonly #cursors = new Map<Address, Cursor>();
  /** Others begin anew when this process does. */
  readonly #instance = randomUUID();
  readonly #stop = new AbortController();
  /** Last pool rows as of the period before the last, and as of the last. */
  #settledSeq = 0;
  #newestSeq = 0;
  #loop: Loop | undefined;

  constructor(parts: ReplicationParts) {
    this.#parts = parts;
  }

  start(): void {
    const { net, logger, clock } = this.#parts;
    net.handle(protocols.pool, (frames) => this.#list(frames));
    net.handle(protocols.records, (frames) => this.#give(frames));
    net.onConnect((peer) => void this.#run(peer));
    this.#loop = every(
      periodMs,
      async () => {
        // Since the run before the last one: that one has told others nothing of what was new then.
        const wasSeq = this.#settledSeq;
        this.#settledSeq = this.#newestSeq;
        this.#newestSeq = (await this.#parts.store.poolStatus()).lastSeq;
        const isStill = this.#newestSeq === wasSeq;
        const connected = net.peers().filter(({ isConnected }) => isConnected);
        const due = connected.filter(({ address }) => this.#isDue(this.#cursorOf(address), isStill));
        await Promise.all(due.map(({ address }) => this.#run(address)));
      },
      { signal: this.#stop.signal, logger, name: 'reconcile pools', clock },
    );
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop?.done;
  }

  async *#list(frames: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const { first } = await firstFrame(frames);
    const { instance, afterSeq } = readJson(poolQuerySchema, first);
    // Whoever asks for the first time has had no gossip before.
    const place = instance === this.#instance ? { afterSeq, lastSeq: this.#settledSeq } : { afterSeq: 0 };
    const { ids, lastSeq } = await this.#parts.store.poolIds({ ...place, limit: pageIds });
    yield jsonFrame({ instance: this.#instance, lastSeq, isEnd: ids.length < 32 * pageIds });
    yield* packedFrames(ids);
  }

  async *#give(frames: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const fault = (detail: string): Error => new NotariumError('message-too-large', detail);
    const ids = await collectItems(frames, { itemBytes: 32, maxItems: maxIdsOfRequest, fault });
    for (let start = 0; start < ids.length; start += givenAtOnce) {
      const entries = await this.#parts.store.entriesOf(ids.slice(start, start + givenAtOnce));
      yield* bundlesOf(entries.filter((entry) => entry !== undefined));
    }
  }

  #isDue(cursor: Cursor, isStill: boolean): boolean {
    if (!isStill || cursor.stillRuns === undefined) return true;
    return ++cursor.stillRuns >= mostStillRuns;
  }

  async #run(peer: Address): Promise<void> {
    const cursor = this.#cursorOf(peer);
    if (cursor.isRunning) return;
    cursor.isRunning = true;
    cursor.stillRuns = undefined;
    const { instance, afterSeq } = cursor;
    try {
      await this.#retryOrphans(peer, cursor);
      for (let page = 0; page < maxPages && !this.#stop.signal.aborted; page++) {
        if (await this.#page(peer, cursor)) break;
      }
      if (cursor.instance === instance && cursor.afterSeq === afterSeq && cursor.orphans.size === 0)
        cursor.stillRuns = 0;
    } catch (error) {
      // The next run goes on from the same place.
      this.#parts.logger.debug({ err: error, peer }, 'comparing pools failed');
    } finally {
      cursor.isRunning = false;
    }
  }

  #cursorOf(peer: Address): Cursor {
    const known = this.#cursors.get(peer);
    if (known) return known;
    const cursor: Cursor = {
      ...{ instance: '', afterSeq: 0, orphans: new Set<string>() },
      ...{ isRunning: false, stillRuns: undefined, withheld: 0 },
    };
    this.#cursors.set(peer, cursor);
    return cursor;
  }

  /** One page of the peer's pool; answers whether it was the last. */
  async #page(peer: Address, cursor: Cursor): Promise<boolean> {
    const { net, store, arrivals } = this.#parts;
    const { instance, afterSeq } = cursor;
    const query = jsonFrame({ instance, afterSeq });
    const options = { timeoutMs, signal: this.#stop.signal };
    const { first, rest } = await firstFrame(net.request(peer, protocols.pool, [query], options));
    const page = readPage(net, peer, first);
    const fault = (detail: string): Error => wrongAnswer(net, peer, detail);
    const ids = await collectItems(rest, { itemBytes: 32, maxItems: pageIds, fault });
    const isOn = page.instance !== instance || page.lastSeq > afterSeq;
    if (!page.isEnd && (ids.length === 0 || !isOn)) throw fault('a list that does not go on, and does not end');
    // What is on its way already would only be checked twice.
    if (ids.length > 0) await arrivals.settled();
    const has = await store.hasRecords(ids);
    await this.#fetch(
      peer,
      cursor,
      ids.filter((_, at) => !has[at]),
    );
    cursor.instance = page.instance;
    cursor.afterSeq = page.lastSeq;
    return page.isEnd;
  }

  async #retryOrphans(peer: Address, cursor: Cursor): Promise<void> {
    if (cursor.orphans.size === 0) return;
    const names = [...cursor.orphans];
    cursor.orphans.clear();
    try {
      await this.#fetch(peer, cursor, names.map(fromHex));
    } catch (error) {
      this.#parts.logger.debug({ err: error, peer }, 'records without a predecessor did not come');
      // The peer lists them no more: without this they would come only with a block.
      for (const name of names) if (cursor.orphans.size < maxOrphans) cursor.orphans.add(name);
    }
  }

  async #fetch(peer: Address, cursor: Cursor, ids: readonly Uint8Array[]): Promise<void> {
    const { net, logger } = this.#parts;
    const options = { timeoutMs, signal: this.#stop.signal };
    let given = 0;
    for await (const entries of askRecords(net, peer, ids, options)) {
      given += entries.length;
      const taken = await takeRecords(this.#parts, entries, peer);
      for (const id of orphansOf(taken)) if (cursor.orphans.size < maxOrphans) cursor.orphans.add(id);
    }
    if (ids.length > 0) logger.debug({ peer, count: given, first: toHex(ids[0]!) }, 'fetched what a pool lacked');
    cursor.withheld += ids.length - given;
    if (cursor.withheld < withheldIds) return;
    cursor.withheld = 0;
    net.blame(peer, 'records-withheld', withheldPoints);
  }
}

function readPage(net: Net, peer: Address, frame: Uint8Array | undefined): z.infer<typeof poolPageSchema> {
  try {
    return readJson(poolPageSchema, frame);
  } catch {
    throw wrongAnswer(net, peer, 'not a page of a pool');
  }
}

/** Whether a failure only says that a peer is away. */
export function isAway(error: unknown): boolean {
  return isNotariumError(error, 'peer-unreachable') || isNotariumError(error, 'peer-timeout');
}
