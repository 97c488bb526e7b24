import type { Address, Hash } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { decodeEntries } from '../../core/log/entryBundle.ts';
import { entriesPath, tileWidth, widthOf } from '../../core/log/tile.ts';
import { idAt, type Proposal } from './ProposalMemory.ts';
import type { LogRange, ReadAhead } from './ReadAhead.ts';
import type { ReplicationParts } from './ReplicationParts.ts';
import { bundlesOf, firstFrame, jsonFrame, logQuerySchema, protocols, readJson } from './wire.ts';

/** Somebody who may give the entries of a block; they are believed only if they lead to its root. */
export type BlockSource = {
  readonly name: string;
  /** Whom to blame when they do not. */
  readonly peer?: Address;
  entries(): AsyncIterable<readonly Uint8Array[]>;
};

// A source that is silent, or gives a little now and then, must not hold up the log while others have the rest.
const baseTimeoutMs = 5_000;
const recordsPerMs = 1;
const aheadMs = 30_000;
const maxBundleBytes = tileWidth * (2 + 0xffff);

/** Where the entries `from` to `to` of the log may come from: the nearest first, of the peers the most reliable. */
export async function* blockSources(
  parts: ReplicationParts,
  ahead: ReadAhead,
  hash: Hash,
  from: number,
  to: number,
): AsyncGenerator<BlockSource> {
  const proposal = parts.proposals.find(hash);
  // A block that goes on from a part of it that the log has already is one of its last records.
  const skipped = (proposal?.ids.length ?? 0) / 32 - (to - from);
  if (proposal && skipped >= 0) yield { name: 'own pool', entries: () => ownEntries(parts, proposal, skipped) };
  const connected = parts.net.peers().filter(({ isConnected }) => isConnected);
  for (const { address } of connected.sort((one, other) => one.score - other.score)) {
    const range = { peer: address, from, to };
    const entries = (): AsyncIterable<readonly Uint8Array[]> =>
      ahead.take(range, timeoutOf(from, to)) ?? peerEntries(parts, range);
    yield { name: `peer ${address}`, peer: address, entries };
  }
  for (const { address, endpoint, status } of await parts.chain.nodes()) {
    if (address === parts.signer.address || endpoint === '' || status === 'removed') continue;
    yield { name: `tiles of ${endpoint}`, entries: () => tileEntries(endpoint, from, to) };
  }
}

/**
 * Gives entries of our log to other centres, as far as it is anchored: what has lost its anchors may not be what the chain goes
 * on with, and who gives that is blamed for it.
 */
export function serveLog({ net, store }: Pick<ReplicationParts, 'net' | 'store'>): void {
  net.handle(protocols.log, async function* (frames) {
    const { from, to } = readJson(logQuerySchema, (await firstFrame(frames)).first);
    const logSize = store.logSize();
    const anchoredSize = (await store.committedBlock())?.header.treeSize ?? 0;
    if (to > anchoredSize || from > to) {
      throw new NotariumError('tile-not-found', `entries ${from} to ${to} of a log of ${anchoredSize}`);
    }
    for (let at = from; at < to; ) {
      const index = Math.floor(at / tileWidth);
      const bundle = await store.readTile('entries', index, widthOf('entries', index, logSize));
      if (!bundle) throw new NotariumError('tile-not-found', entriesPath(index));
      // A bundle of the largest records would not fit a frame.
      yield* bundlesOf(decodeEntries(bundle));
      at = (index + 1) * tileWidth;
    }
  });
}

async function* ownEntries(
  { store }: ReplicationParts,
  { ids, extras }: Proposal,
  from: number,
): AsyncGenerator<readonly Uint8Array[]> {
  const count = ids.length / 32;
  for (let start = from; start < count; start += 1024) {
    const length = Math.min(1024, count - start);
    const some = await store.entriesOf(Array.from({ length }, (_, at) => idAt(ids, start + at)));
    yield some.map((entry, at) => {
      const found = extras.get(start + at) ?? entry;
      if (!found) throw new NotariumError('record-not-found', 'it has left the pool');
      return found;
    });
  }
}

/** Begins to fetch from a peer what will be asked of it next. */
export function readAheadOf(parts: ReplicationParts, ahead: ReadAhead, range: LogRange): void {
  // It waits while the block before is written down.
  ahead.start(range, (signal) => peerEntries(parts, range, { signal, patienceMs: aheadMs }));
}

async function* peerEntries(
  { net }: ReplicationParts,
  { peer, from, to }: LogRange,
  { signal, patienceMs = 0 }: { signal?: AbortSignal; patienceMs?: number } = {},
): AsyncGenerator<readonly Uint8Array[]> {
  const options = { timeoutMs: timeoutOf(from, to) + patienceMs, ...(signal ? { signal } : {}) };
  yield* cut(net.request(peer, protocols.log, [jsonFrame({ from, to })], options), from, to);
}

/** Tiles over HTTP, as any tlog-tiles client reads them. */
async function* tileEntries(endpoint: string, from: number, to: number): AsyncGenerator<readonly Uint8Array[]> {
  const signal = AbortSignal.timeout(timeoutOf(from, to));
  const bundles = async function* (): AsyncGenerator<Uint8Array> {
    for (let index = Math.floor(from / tileWidth); index * tileWidth < to; index++) {
      yield await fetchBundle(endpoint, index, widthOf('entries', index, to), signal).catch((cause: unknown) => {
        if (isNotariumError(cause)) throw cause;
        // The next source may be better than one that hangs, or whose endpoint is no URL.
        throw new NotariumError('peer-unreachable', cause instanceof Error ? cause.message : undefined, { cause });
      });
    }
  };
  yield* cut(bundles(), from, to);
}

function timeoutOf(from: number, to: number): number {
  return baseTimeoutMs + Math.ceil((to - from) / recordsPerMs);
}

async function fetchBundle(endpoint: string, index: number, width: number, signal: AbortSignal): Promise<Uint8Array> {
  // A partial tile goes when its full one has come.
  const paths = width < tileWidth ? [entriesPath(index, width), entriesPath(index)] : [entriesPath(index)];
  for (const path of paths) {
    const response = await fetch(new URL(`/log/${path}`, endpoint), {
      signal,
      redirect: 'error',
    });
    if (response.ok && response.body) return await limited(response.body);
    await response.body?.cancel();
  }
  throw new NotariumError('tile-not-found', `${paths[0]} at ${endpoint}`);
}

async function limited(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of body) {
    sizeBytes += part.length;
    if (sizeBytes > maxBundleBytes) throw new NotariumError('message-too-large', 'an entry bundle');
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** Of whole bundles from the one with `from`, exactly the entries `from` to `to`. */
async function* cut(
  bundles: AsyncIterable<Uint8Array>,
  from: number,
  to: number,
): AsyncGenerator<readonly Uint8Array[]> {
  let at = Math.floor(from / tileWidth) * tileWidth;
  for await (const bundle of bundles) {
    const entries = entriesIn(bundle);
    const begin = Math.max(0, from - at);
    yield entries.slice(begin, Math.max(begin, to - at));
    at += entries.length;
    if (at >= to) return;
  }
}

/** What is no bundle is as wrong as one with other entries. A store that is damaged here says `tile-corrupt`, its source not. */
function entriesIn(bundle: Uint8Array): Uint8Array[] {
  try {
    return decodeEntries(bundle);
  } catch (cause) {
    throw new NotariumError('block-invalid', 'what came is no entry bundle', { cause });
  }
}
