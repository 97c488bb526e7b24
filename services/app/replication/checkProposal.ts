import { type BlockHeader, zeroHash } from '../../core/block.ts';
import { type Address, concat, fromHex, sameBytes, toHex } from '../../core/bytes.ts';
import { publisherOf, slotAt, slotStartMs } from '../../core/committee.ts';
import { NotariumError } from '../../core/errors.ts';
import { appendLeaves, rootOf } from '../../core/log/compactRange.ts';
import { decodeEntries } from '../../core/log/entryBundle.ts';
import { holderOf, parseEntry } from '../../core/record.ts';
import type { CheckedLine } from '../checkLines.ts';
import type { Proposal } from './ProposalMemory.ts';
import type { ReplicationParts } from './ReplicationParts.ts';
import { takeRecords } from './takeRecords.ts';
import { maxIdsOfRequest, packedFrames, protocols } from './wire.ts';

/** What a publisher asks a vote for: a header, and 64 bytes for each record, its id and its leaf hash. */
export type ProposedBlock = { readonly header: BlockHeader; readonly items: readonly Uint8Array[] };

const fetchTimeoutMs = 15_000;

/**
 * Whether the proposer may publish in this slot at all, by the committee of the chain and by our own clock, with one slot
 * of tolerance.
 * @throws NotariumError `vote-refused`.
 */
export async function checkTurn(parts: ReplicationParts, header: BlockHeader, from: Address): Promise<void> {
  const { chain, clock, periodSeconds } = parts;
  if (header.publisher !== from) throw refused('the proposer is not the publisher of the header');
  const now = slotAt(clock.nowMs(), periodSeconds);
  if (Math.abs(now - header.slot) > 1) throw refused('the slot is not now', { have: header.slot, want: now });
  const committee = await chain.committee();
  if (header.epoch !== committee.epoch) {
    throw refused('another epoch is in force', { have: header.epoch, want: committee.epoch });
  }
  const publisher = publisherOf(committee, header.slot);
  if (publisher !== from) throw refused('it is not its turn', { have: from, want: publisher });
}

/**
 * Checks a proposed block as far as the log and the records go: parent, every record's validity and uniqueness, and the
 * recomputed root. Records that we lack are fetched from the publisher, and checked.
 * @throws NotariumError `vote-refused`; `vote-behind` when we have not yet committed the parent: ask again.
 */
export async function checkProposal(
  parts: ReplicationParts,
  { header, items }: ProposedBlock,
  signal: AbortSignal,
): Promise<Proposal> {
  const { store, settings } = parts;
  const committed = await store.committedBlock();
  const height = (committed?.header.height ?? 0) + 1;
  if (header.height > height) {
    throw new NotariumError('vote-behind', undefined, { data: { have: height - 1, want: header.height - 1 } });
  }
  if (header.height < height) throw refused('the height is taken', { have: header.height, want: height });
  const parent = committed?.hash ?? zeroHash;
  if (header.parent !== parent) throw refused('another parent', { have: header.parent, want: parent });
  if (header.slot <= (committed?.header.slot ?? -1)) throw refused('the slot is not later than the parent’s');
  if (items.length > settings.maxBlockRecords) throw refused('too many records');
  const logSize = store.logSize();
  const before = committed?.header.treeSize ?? 0;
  if (header.treeSize <= before || header.treeSize !== logSize + items.length) {
    throw refused('the size does not fit the records', { have: header.treeSize, want: logSize + items.length });
  }
  const frontier = appendLeaves(await store.frontier(), concat(...items.map((item) => item.subarray(32))));
  const root = toHex(rootOf(frontier));
  if (root !== header.root) throw refused('the root is not that of the records', { have: header.root, want: root });
  return await checkRecords(parts, header, items, signal);
}

async function checkRecords(
  parts: ReplicationParts,
  header: BlockHeader,
  items: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<Proposal> {
  const ids = items.map((item) => item.subarray(0, 32));
  const position = new Map(ids.map((id, at) => [toHex(id), at]));
  if (position.size !== ids.length) throw refused('a record stands in it twice');
  const pool = await parts.store.poolLeaves(ids);
  const strange = ids.flatMap((id, at) => {
    const leaf = pool.get(toHex(id));
    // The same record may be written with a signature of 64 or of 65 bytes.
    return leaf && sameBytes(leaf.leafHash, items[at]!.subarray(32)) ? [] : [at];
  });
  const fetched = await fetchStrange(parts, header.publisher, items, strange, signal);
  const startMs = slotStartMs(header.slot, parts.periodSeconds);
  const heirs: Heir[] = [];
  for (const [at, id] of ids.entries()) {
    const line = fetched.get(at);
    const { expiresMs, supersedes } = line ?? pool.get(toHex(id))!;
    if (expiresMs !== null && expiresMs <= startMs) throw refused('a record had expired', { id: toHex(id) });
    if (supersedes) heirs.push({ at, id, predecessor: supersedes });
  }
  await checkHeirs(parts, heirs, { ids, position, fetched });
  const extras = new Map([...fetched].map(([at, { entry }]) => [at, entry]));
  return { ids, extras };
}

/** Records of the block that our pool does not hold in this form, each checked; by position. */
async function fetchStrange(
  parts: ReplicationParts,
  publisher: Address,
  items: readonly Uint8Array[],
  strange: readonly number[],
  signal: AbortSignal,
): Promise<Map<number, CheckedLine>> {
  const found = new Map<number, CheckedLine>();
  const wanted = new Map(strange.map((at) => [toHex(items[at]!.subarray(32)), at]));
  for (let start = 0; start < strange.length; start += maxIdsOfRequest) {
    const ids = strange.slice(start, start + maxIdsOfRequest).map((at) => items[at]!.subarray(0, 32));
    const options = { timeoutMs: fetchTimeoutMs, signal };
    for await (const bundle of parts.net.request(publisher, protocols.records, packedFrames(concat(...ids)), options)) {
      const { checked, outcomes } = await takeRecords(parts, decodeEntries(bundle), publisher);
      for (const [index, line] of checked.entries()) {
        const at = wanted.get(toHex(line.leafHash));
        if (at === undefined || !sameBytes(line.id, items[at]!.subarray(0, 32))) continue;
        if (outcomes[index]?.status === 'logged') throw refused('a record is in the log', { id: toHex(line.id) });
        found.set(at, line);
      }
    }
  }
  if (found.size < strange.length) {
    throw refused('the publisher does not give valid records for all ids', { have: found.size, want: strange.length });
  }
  return found;
}

type Heir = { readonly at: number; readonly id: Uint8Array; readonly predecessor: Uint8Array };

/** At most one record supersedes another one, in the log and in the block, and only its holder's. */
async function checkHeirs(
  { store }: ReplicationParts,
  heirs: readonly Heir[],
  block: {
    readonly ids: readonly Uint8Array[];
    readonly position: ReadonlyMap<string, number>;
    readonly fetched: ReadonlyMap<number, CheckedLine>;
  },
): Promise<void> {
  const taken = new Set<string>();
  for (const { at, id, predecessor } of heirs) {
    const name = toHex(predecessor);
    if (taken.has(name)) throw refused('two records supersede the same one', { predecessor: name });
    taken.add(name);
    const before = await predecessorOf(store, predecessor, at, block);
    if (before === undefined) throw refused('a superseded record is not in the log', { predecessor: name });
    const submitter = block.fetched.get(at)?.submitter ?? fromHex((await entryOf(store, id)).submitter);
    if (toHex(submitter) !== before) throw refused('only the holder may supersede a record', { predecessor: name });
    const winner = await store.successorOf(predecessor);
    if (!winner || sameBytes(winner, id)) continue;
    // What the pool holds as a successor is not decided yet; what the log holds is.
    const other = await store.findRecord(winner);
    if (other?.where === 'log') throw refused('a record is superseded already', { predecessor: name });
  }
}

/** Who may supersede the predecessor; undefined when it is neither in the log nor earlier in the block. */
async function predecessorOf(
  store: ReplicationParts['store'],
  predecessor: Uint8Array,
  before: number,
  { position, fetched }: { position: ReadonlyMap<string, number>; fetched: ReadonlyMap<number, CheckedLine> },
): Promise<string | undefined> {
  const at = position.get(toHex(predecessor));
  const isEarlier = at !== undefined && at < before;
  const line = isEarlier ? fetched.get(at) : undefined;
  if (line) return toHex(line.holder);
  const found = await store.findRecord(predecessor);
  if (!found || (!isEarlier && found.where !== 'log')) return undefined;
  return holderOf(parseEntry(found.entry).record);
}

async function entryOf(store: ReplicationParts['store'], id: Uint8Array) {
  const found = await store.findRecord(id);
  if (!found) throw refused('a record has left the pool meanwhile', { id: toHex(id) });
  return parseEntry(found.entry).record;
}

/** `vote-refused` with the reason. */
export function refused(reason: string, data: Record<string, unknown> = {}): NotariumError {
  return new NotariumError('vote-refused', reason, { data });
}
