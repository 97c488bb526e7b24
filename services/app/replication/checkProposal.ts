import { type BlockHeader, zeroHash } from '../../core/block.ts';
import { type Address, fromHex, sameBytes, toHex } from '../../core/bytes.ts';
import { slotStartMs } from '../../core/committee.ts';
import { NotariumError } from '../../core/errors.ts';
import { appendLeaves, rootOf } from '../../core/log/compactRange.ts';
import { holderOf, parseEntry } from '../../core/record.ts';
import { hashBytes } from '../../core/sha256.ts';
import type { CheckedLine } from '../checkLines.ts';
import { askRecords } from './askRecords.ts';
import { orphanedTail } from './orphanedTail.ts';
import type { Proposal } from './ProposalMemory.ts';
import type { ReplicationParts } from './ReplicationParts.ts';
import { takeRecords } from './takeRecords.ts';
import { ownFault, refused } from './voteRefusals.ts';

/** What a publisher asks a vote for: a header, and 64 bytes for each record, its id and its leaf hash. */
export type ProposedBlock = { readonly header: BlockHeader; readonly items: readonly Uint8Array[] };

const fetchTimeoutMs = 15_000;
// Records that the pool does not take (it has them in another form, or their rivals) are held in memory until the vote.
const maxExtraBytes = 64 * 1024 * 1024;

/** What is needed of a record that was fetched. `entry` is there where the pool does not hold it in this very form. */
type Fetched = Pick<CheckedLine, 'submitter' | 'holder' | 'expiresMs' | 'supersedes'> & { readonly entry?: Uint8Array };

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
  const { leafHashes } = await orphanedTail(parts, anchored);
  const count = leafHashes.length / 32;
  for (let at = 0; at < count; at++) {
    const item = block.items[at];
    if (item && sameBytes(item.subarray(32), leafHashes.subarray(32 * at, 32 * at + 32))) continue;
    throw refused('our log goes on otherwise', { have: at, want: count });
  }
  return { ...block, items: block.items.slice(count) };
}

async function checkRoot({ store }: ReplicationParts, { header, items }: ProposedBlock): Promise<void> {
  const logSize = store.logSize();
  const before = (await store.committedBlock())?.header.treeSize ?? 0;
  // After a reorganisation the log may be longer here than elsewhere (reanchorLog.ts): then sizes and roots prove nothing.
  const wrong = logSize === before ? ownFault : refused;
  if (header.treeSize <= before || header.treeSize !== logSize + items.length) {
    throw wrong('the size does not fit the records', { have: header.treeSize, want: logSize + items.length });
  }
  const frontier = appendLeaves(await store.frontier(), leafHashesOf(items));
  const root = toHex(rootOf(frontier));
  if (root !== header.root) throw wrong('the root is not that of the records', { have: header.root, want: root });
}

/** Not by `concat(...)`: a block has more records than a call can have arguments. */
function leafHashesOf(items: readonly Uint8Array[]): Uint8Array {
  const hashes = new Uint8Array(hashBytes * items.length);
  for (const [at, item] of items.entries()) hashes.set(item.subarray(hashBytes), hashBytes * at);
  return hashes;
}

async function checkRecords(
  parts: ReplicationParts,
  { header, items }: ProposedBlock,
  signal: AbortSignal,
): Promise<Proposal> {
  const ids = items.map((item) => item.subarray(0, 32));
  const names = ids.map(toHex);
  const position = new Map(names.map((name, at) => [name, at]));
  if (position.size !== ids.length) throw ownFault('a record stands in it twice');
  const pool = await parts.store.poolLeaves(ids);
  const strange = items.flatMap((item, at) => {
    const leaf = pool.get(names[at]!);
    // The same record may be written with a signature of 64 or of 65 bytes.
    return leaf && sameBytes(leaf.leafHash, item.subarray(hashBytes)) ? [] : [at];
  });
  const startMs = slotStartMs(header.slot, parts.periodSeconds);
  const fetched = await fetchStrange(parts, { publisher: header.publisher, startMs, items, strange }, signal);
  const heirs: Heir[] = [];
  for (const [at, id] of ids.entries()) {
    const { expiresMs, supersedes } = fetched.get(at) ?? pool.get(names[at]!)!;
    if (expiresMs !== null && expiresMs <= startMs) throw ownFault('a record had expired', { id: names[at] });
    if (supersedes) heirs.push({ at, id, predecessor: supersedes });
  }
  await checkHeirs(parts, heirs, { ids, position, fetched });
  const extras = new Map([...fetched].flatMap(([at, { entry }]) => (entry ? [[at, entry] as const] : [])));
  return { ids, extras };
}

/** Records of the block that our pool does not hold in this form, each checked; by position. */
async function fetchStrange(
  parts: ReplicationParts,
  block: {
    readonly publisher: Address;
    /** When its slot begins. */
    readonly startMs: number;
    readonly items: readonly Uint8Array[];
    readonly strange: readonly number[];
  },
  signal: AbortSignal,
): Promise<Map<number, Fetched>> {
  const { publisher, startMs, items, strange } = block;
  const found = new Map<number, Fetched>();
  const wanted = new Map(strange.map((at) => [toHex(items[at]!.subarray(32)), at]));
  const ids = strange.map((at) => items[at]!.subarray(0, 32));
  // A record that expires while we look at it was good when the slot began.
  const asOfMs = Math.min(parts.clock.nowMs(), startMs);
  let extraBytes = 0;
  for await (const entries of askRecords(parts.net, publisher, ids, { timeoutMs: fetchTimeoutMs, signal })) {
    const { checked, outcomes, expired } = await takeRecords(parts, entries, publisher, { asOfMs, isForBlock: true });
    if (expired > 0) throw ownFault('a record had expired');
    for (const [index, line] of checked.entries()) {
      const at = wanted.get(toHex(line.leafHash));
      if (at === undefined || !sameBytes(line.id, items[at]!.subarray(0, 32))) continue;
      const status = outcomes[index]?.status;
      if (status === 'logged') throw ownFault('a record is in the log', { id: toHex(line.id) });
      const { submitter, holder, expiresMs, supersedes, entry } = line;
      const isPooled = status === 'accepted';
      found.set(at, { submitter, holder, expiresMs, supersedes, ...(isPooled ? {} : { entry }) });
      if (!isPooled) extraBytes += entry.length;
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
    readonly ids: readonly Uint8Array[];
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
