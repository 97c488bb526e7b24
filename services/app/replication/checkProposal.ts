import { type BlockHeader, zeroHash } from '../../core/block.ts';
import { type Address, fromHex, sameBytes, toHex } from '../../core/bytes.ts';
import { slotStartMs } from '../../core/committee.ts';
import { NotariumError } from '../../core/errors.ts';
import { appendLeaves, rootOf } from '../../core/log/compactRange.ts';
import { holderOf, parseEntry } from '../../core/record.ts';
import type { PoolLeaves } from '../../store/PoolRow.ts';
import type { CheckedLine } from '../checkLines.ts';
import { askRecords } from './askRecords.ts';
import { orphanedTail } from './orphanedTail.ts';
import { idAt, type Proposal } from './ProposalMemory.ts';
import type { BlockLeaves } from './Replication.ts';
import type { ReplicationParts } from './ReplicationParts.ts';
import { takeRecords } from './takeRecords.ts';
import { ownFault, refused } from './voteRefusals.ts';

/** What a publisher asks a vote for. */
export type ProposedBlock = BlockLeaves & { readonly header: BlockHeader };

const fetchTimeoutMs = 15_000;
// Records that the pool does not take (it has them in another form, or their rivals) are held in memory until the vote.
const maxExtraBytes = 64 * 1024 * 1024;

/** What is needed of a record that was fetched: its place in the pool, or its bytes where the pool has not taken them. */
type Fetched = Pick<CheckedLine, 'submitter' | 'holder' | 'expiresMs' | 'supersedes'> & {
  readonly seq?: number;
  readonly entry?: Uint8Array;
};

/**
 * Checks a proposed block as far as the log and the records go: parent, every record's validity and uniqueness, and the
 * recomputed root. Records that we lack are fetched from the publisher, and checked.
 * @throws NotariumError `vote-refused`; `vote-behind` when we have not yet committed the parent: ask again.
 */
export async function checkProposal(
  parts: ReplicationParts,
  block: ProposedBlock,
  signal: AbortSignal,
): Promise<Proposal> {
  await checkParent(parts, block);
  try {
    const rest = await withoutOwnTail(parts, block);
    await checkRoot(parts, rest);
    return await checkRecords(parts, rest, signal);
  } catch (error) {
    // What was read before another block came in, and after it, does not fit together: that is nobody's fault.
    await checkParent(parts, block);
    throw error;
  }
}

async function checkParent({ store }: ReplicationParts, { header }: ProposedBlock): Promise<void> {
  const committed = await store.committedBlock();
  const height = (committed?.header.height ?? 0) + 1;
  if (header.height > height) {
    throw new NotariumError('vote-behind', undefined, { data: { have: height - 1, want: header.height - 1 } });
  }
  if (header.height < height) throw refused('the height is taken', { have: header.height, want: height });
  const parent = committed?.hash ?? zeroHash;
  if (header.parent !== parent) throw refused('another parent', { have: header.parent, want: parent });
  if (header.slot <= (committed?.header.slot ?? -1)) throw ownFault('the slot is not later than the parent’s');
}

/**
 * After a reorganisation deeper than the confirmations the log may be longer than what is anchored, and longer here than
 * elsewhere: the block must then begin with all of that part, in the same order, or our log could not go on.
 */
async function withoutOwnTail(parts: ReplicationParts, block: ProposedBlock): Promise<ProposedBlock> {
  const anchored = (await parts.store.committedBlock())?.header.treeSize ?? 0;
  if (parts.store.logSize() === anchored) return block;
  const tail = (await orphanedTail(parts, anchored)).leafHashes;
  if (Buffer.compare(block.leafHashes.subarray(0, tail.length), tail) !== 0) {
    throw refused('our log goes on otherwise', { want: tail.length / 32 });
  }
  return { ...block, ids: block.ids.subarray(tail.length), leafHashes: block.leafHashes.subarray(tail.length) };
}

async function checkRoot({ store }: ReplicationParts, { header, leafHashes }: ProposedBlock): Promise<void> {
  const count = leafHashes.length / 32;
  const logSize = store.logSize();
  const before = (await store.committedBlock())?.header.treeSize ?? 0;
  // After a reorganisation the log may be longer here than elsewhere (reanchorLog.ts): then sizes and roots prove nothing.
  const wrong = logSize === before ? ownFault : refused;
  if (header.treeSize <= before || header.treeSize !== logSize + count) {
    throw wrong('the size does not fit the records', { have: header.treeSize, want: logSize + count });
  }
  const frontier = appendLeaves(await store.frontier(), leafHashes);
  const root = toHex(rootOf(frontier));
  if (root !== header.root) throw wrong('the root is not that of the records', { have: header.root, want: root });
}

async function checkRecords(
  parts: ReplicationParts,
  { header, ids, leafHashes }: ProposedBlock,
  signal: AbortSignal,
): Promise<Proposal> {
  const count = ids.length / 32;
  const position = new Map<string, number>();
  for (let at = 0; at < count; at++) position.set(nameOf(idAt(ids, at)), at);
  if (position.size !== count) throw ownFault('a record stands in it twice');
  const leaves = { ids, leafHashes };
  const { pool, strange } = await lookUp(parts, leaves);
  const startMs = slotStartMs(header.slot, parts.periodSeconds);
  const { publisher } = header;
  const fetched = await fetchStrange(parts, { ...leaves, publisher, startMs, strange }, signal);
  const { seqs } = pool;
  const heirs: Heir[] = pool.supersedes.flatMap(({ index: at, predecessor }) =>
    fetched.has(at) ? [] : [{ at, id: idAt(ids, at), predecessor }],
  );
  const extras = new Map<number, Uint8Array>();
  for (const [at, { entry, seq, supersedes }] of fetched) {
    seqs[at] = seq ?? Number.NaN;
    if (entry) extras.set(at, entry);
    if (supersedes) heirs.push({ at, id: idAt(ids, at), predecessor: supersedes });
  }
  for (let at = 0; at < count; at++) {
    const expiresMs = fetched.has(at) ? fetched.get(at)!.expiresMs : pool.expiresMs[at]!;
    // No fault: the publisher may have it in a part of its log that has lost its anchors (reanchorLog.ts), and cannot leave it out.
    if (expiresMs !== null && expiresMs <= startMs) throw refused('a record had expired', { id: toHex(idAt(ids, at)) });
  }
  heirs.sort((one, other) => one.at - other.at);
  await checkHeirs(parts, heirs, { position, fetched });
  return { ids, seqs, extras };
}

/** Bytes as the key of a map: a quarter of the work that hexadecimal would be, for every record of a block. */
function nameOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** What the pool holds of the block, and the places of the rest. */
async function lookUp(
  { store, arrivals }: ReplicationParts,
  leaves: BlockLeaves,
): Promise<{ readonly pool: PoolLeaves; readonly strange: number[] }> {
  const look = async () => {
    const pool = await store.poolLeaves(leaves.ids);
    return { pool, strange: strangeIn(leaves, pool) };
  };
  const first = await look();
  if (first.strange.length === 0 || arrivals.count === 0) return first;
  // What is on its way already would only be checked twice.
  await arrivals.settled();
  return await look();
}

function strangeIn({ leafHashes }: BlockLeaves, pool: PoolLeaves): number[] {
  const strange: number[] = [];
  for (let at = 0; at < pool.seqs.length; at++) {
    // The same record may be written with a signature of 64 or of 65 bytes.
    const isHere = !Number.isNaN(pool.seqs[at]!) && sameBytes(idAt(pool.leafHashes, at), idAt(leafHashes, at));
    if (!isHere) strange.push(at);
  }
  return strange;
}

/** Records of the block that our pool does not hold in this form, each checked; by position. */
async function fetchStrange(
  parts: ReplicationParts,
  block: BlockLeaves & {
    readonly publisher: Address;
    /** When its slot begins. */
    readonly startMs: number;
    readonly strange: readonly number[];
  },
  signal: AbortSignal,
): Promise<Map<number, Fetched>> {
  const { publisher, startMs, strange } = block;
  const found = new Map<number, Fetched>();
  const wanted = new Map(strange.map((at) => [nameOf(idAt(block.leafHashes, at)), at]));
  const ids = strange.map((at) => idAt(block.ids, at));
  // A record that expires while we look at it was good when the slot began.
  const asOfMs = Math.min(parts.clock.nowMs(), startMs);
  let extraBytes = 0;
  for await (const entries of askRecords(parts.net, publisher, ids, { timeoutMs: fetchTimeoutMs, signal })) {
    const { checked, outcomes, expired } = await takeRecords(parts, entries, publisher, { asOfMs, isForBlock: true });
    if (expired > 0) throw refused('a record had expired');
    for (const [index, line] of checked.entries()) {
      const at = wanted.get(nameOf(line.leafHash));
      if (at === undefined || !sameBytes(line.id, idAt(block.ids, at))) continue;
      const outcome = outcomes[index]!;
      if (outcome.status === 'logged') throw ownFault('a record is in the log', { id: toHex(line.id) });
      const { submitter, holder, expiresMs, supersedes, entry } = line;
      const place = outcome.status === 'accepted' ? { seq: outcome.seq } : { entry };
      found.set(at, { submitter, holder, expiresMs, supersedes, ...place });
      if ('entry' in place) extraBytes += entry.length;
    }
    if (extraBytes > maxExtraBytes) throw refused('too much of it cannot be taken into the pool', { have: extraBytes });
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
    readonly position: ReadonlyMap<string, number>;
    readonly fetched: ReadonlyMap<number, Fetched>;
  },
): Promise<void> {
  const taken = new Set<string>();
  for (const { at, id, predecessor } of heirs) {
    const name = toHex(predecessor);
    if (taken.has(name)) throw ownFault('two records supersede the same one', { predecessor: name });
    taken.add(name);
    const before = await predecessorOf(store, predecessor, at, block);
    if (before === undefined) throw ownFault('a superseded record is not in the log', { predecessor: name });
    const submitter = block.fetched.get(at)?.submitter ?? fromHex((await entryOf(store, id)).submitter);
    if (toHex(submitter) !== before) throw ownFault('only the holder may supersede a record', { predecessor: name });
    const winner = await store.successorOf(predecessor);
    if (!winner || sameBytes(winner, id)) continue;
    // What the pool holds as a successor is not decided yet; what the log holds is.
    const other = await store.findRecord(winner);
    if (other?.where === 'log') throw ownFault('a record is superseded already', { predecessor: name });
  }
}

/** Who may supersede the predecessor; undefined when it is neither in the log nor earlier in the block. */
async function predecessorOf(
  store: ReplicationParts['store'],
  predecessor: Uint8Array,
  before: number,
  { position, fetched }: { position: ReadonlyMap<string, number>; fetched: ReadonlyMap<number, Fetched> },
): Promise<string | undefined> {
  const at = position.get(nameOf(predecessor));
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
