import { Arrivals } from '../../../../services/app/Arrivals.ts';
import { defaultSettings } from '../../../../services/app/CentreParts.ts';
import { checkLines } from '../../../../services/app/checkLines.ts';
import { ProposalMemory } from '../../../../services/app/replication/ProposalMemory.ts';
import type { ReplicationParts } from '../../../../services/app/replication/ReplicationParts.ts';
import { SeenHeaders } from '../../../../services/app/replication/SeenHeaders.ts';
import { bundlesOf, collectItems, protocols } from '../../../../services/app/replication/wire.ts';
import { type BlockHeader, zeroHash } from '../../../../services/core/block.ts';
import { type Address, concat, toHex } from '../../../../services/core/bytes.ts';
import { parseNetworkName } from '../../../../services/core/eip712.ts';
import { appendLeaves, rootOf } from '../../../../services/core/log/compactRange.ts';
import type { CheckedRecord } from '../../../../services/core/record.ts';
import type { UnsignedRecord } from '../../../../services/core/recordSchema.ts';
import { leafHash } from '../../../../services/core/sha256.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import type { Net } from '../../../../services/net/Net.ts';
import type { PoolRow } from '../../../../services/store/PoolRow.ts';
import type { Store } from '../../../../services/store/Store.ts';
import { crypto, randomSigner, signedRecord } from '../../../support/recordKit.ts';
import { network } from '../../store/storeKit.ts';
import { storePlace } from '../../store/storePlace.ts';

/** The network of the stores of storeKit.ts. */
export const testNetwork = parseNetworkName(network)!;

/** What another centre was blamed for. */
export type Blame = { readonly peer: Address; readonly reason: string; readonly points: number };

/**
 * A voter: a real store, real checks of records, and a TEST DOUBLE of a net on which one publisher answers requests for
 * records with what it is given here.
 */
export type Voter = AsyncDisposable & {
  readonly parts: ReplicationParts;
  readonly store: Store;
  readonly publisher: Address;
  readonly blames: Blame[];
  /** Entries that the publisher has, by id in hexadecimal. */
  readonly offered: Map<string, Uint8Array>;
  /** Frames of its answer, where they are to be others than the entries asked for. */
  answerWith(frames: (ids: readonly Uint8Array[]) => Iterable<Uint8Array>): void;
  /** The store as a new process finds it. */
  reopen(): Promise<Store>;
  /** Sets what `hasRoomFor` goes by. */
  setRoom(records: number): void;
  record(
    fields?: Partial<Omit<UnsignedRecord, 'submitter'>>,
    by?: ReturnType<typeof randomSigner>,
  ): Promise<CheckedRecord>;
  /** A header over the records that is right in all respects, but for what is given. */
  headerOf(records: readonly CheckedRecord[], wrong?: Partial<BlockHeader>): Promise<BlockHeader>;
};

/** The slot of every header of {@link Voter}; the clock stands in its middle. */
export const slot = 1_000_000_000;

export async function openVoter(): Promise<Voter> {
  const place = await storePlace('sqlite');
  const store = await place.open();
  const submitter = randomSigner();
  const publisher = randomSigner().address;
  const blames: Blame[] = [];
  const offered = new Map<string, Uint8Array>();
  let room = 1_000_000;
  let count = 0;
  let answer = (ids: readonly Uint8Array[]): Iterable<Uint8Array> =>
    bundlesOf(ids.map((id) => offered.get(toHex(id))).filter((entry) => entry !== undefined));
  const net: Partial<Net> = {
    blame: (peer, reason, points) => void blames.push({ peer, reason, points }),
    async *request(peer, protocol, frames) {
      if (peer !== publisher || protocol !== protocols.records) throw new Error(`asked ${peer} for ${protocol}`);
      const source = (async function* () {
        yield* frames;
      })();
      yield* answer(
        await collectItems(source, { itemBytes: 32, maxItems: 4096, fault: (detail) => new Error(detail) }),
      );
    },
  };
  const parts = {
    network: testNetwork,
    crypto,
    store,
    net,
    periodSeconds: 1,
    settings: { ...defaultSettings, maxBlockRecords: 100 },
    clock: { nowMs: () => slot * 1000 + 500, sleep: async () => {} },
    logger: silentLogger,
    workers: {
      check: async ({ lines, nowMs, promise }: Parameters<ReplicationParts['workers']['check']>[0]) =>
        checkLines(lines, { network: testNetwork, crypto, sign: undefined, nowMs, promise }),
    },
    hasRoomFor: (records: number, _peer: Address, beyond: number) => records - beyond <= room,
    onPooled: () => {},
    lookSoon: () => {},
    proposals: new ProposalMemory(),
    arrivals: new Arrivals(store),
    seen: new SeenHeaders(testNetwork, crypto),
  } satisfies Partial<Record<keyof ReplicationParts, unknown>> as unknown as ReplicationParts;
  return {
    parts,
    store,
    publisher,
    blames,
    offered,
    answerWith(frames) {
      answer = frames;
    },
    async reopen() {
      await store.close();
      return await place.open();
    },
    setRoom(records) {
      room = records;
    },
    record: (fields, by = submitter) => signedRecord(testNetwork, by, `record ${++count}`, fields),
    async headerOf(records, wrong = {}) {
      const committed = await store.committedBlock();
      const leaves = concat(...records.map(({ entry }) => leafHash(entry)));
      const frontier = appendLeaves(await store.frontier(), leaves);
      return {
        height: (committed?.header.height ?? 0) + 1,
        slot,
        treeSize: frontier.size,
        root: toHex(rootOf(frontier)),
        parent: committed?.hash ?? zeroHash,
        epoch: 1,
        publisher,
        ...wrong,
      };
    },
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}

/** Id and leaf hash, as a proposal names a record. */
export function itemOf({ idBytes, entry }: Pick<CheckedRecord, 'idBytes' | 'entry'>): Uint8Array {
  return concat(idBytes, leafHash(entry));
}

/** A record as the pool keeps it. */
export function poolRow({ record, idBytes, entry }: CheckedRecord): PoolRow {
  const promise = { acceptedAt: 0, includeBySlot: slot };
  const check = { network: testNetwork, crypto, sign: undefined, nowMs: 0, promise };
  const [line] = checkLines([new TextDecoder().decode(entry)], check).checked;
  if (!line) throw new Error(`not a valid record: ${JSON.stringify(record)} ${toHex(idBytes)}`);
  const { index: _, acceptance: __, ...rest } = line;
  return { ...rest, ...promise, acceptance: new Uint8Array(0) };
}
