import { randomBytes } from 'node:crypto';
import type {
  BlockView,
  Centre,
  CentreEvent,
  CentreStatus,
  IntakeResult,
  RecordView,
} from '../../services/app/Centre.ts';
import { Waiters } from '../../services/app/Waiters.ts';
import { signAcceptance, signRefusal } from '../../services/core/acceptance.ts';
import { type BlockHeader, blockDigest, zeroHash } from '../../services/core/block.ts';
import { type Address, type RecordId, toHex } from '../../services/core/bytes.ts';
import { type Network, networkName } from '../../services/core/eip712.ts';
import { type ErrorCode, isNotariumError, NotariumError } from '../../services/core/errors.ts';
import { checkpointOrigin, signCheckpoint } from '../../services/core/log/checkpoint.ts';
import { noteSigner, verifierKeyText } from '../../services/core/log/note.ts';
import { asReceipt, buildReceipt } from '../../services/core/receipt.ts';
import {
  type CheckedRecord,
  checkRecordNetwork,
  checkRecordSignature,
  readRecord,
  signRecord,
} from '../../services/core/record.ts';
import { verifyReceipt } from '../../services/core/verifyReceipt.ts';
import { localSigner } from '../../services/lib/localSigner.ts';
import { loadCrypto } from '../../services/lib/nativeCrypto.ts';
import { memoryKeys } from './memoryKeys.ts';
import { MemoryLog } from './memoryLog.ts';

/** The network of every {@link memoryCentre}. */
export const memoryNetwork: Network = { chainId: 31337, contract: toHex(new Uint8Array(20).fill(0x55)) };

type Kept = CheckedRecord & {
  acceptance: Awaited<ReturnType<typeof signAcceptance>>;
  leafIndex?: number;
  height?: number;
};

/**
 * A TEST DOUBLE of a centre: no disk, no chain, no workers; records, proofs, signatures and tiles are real. For tests of
 * what stands in front of a centre, at the level of the protocol. What a centre itself does is tested with the real one.
 */
export type MemoryCentre = Centre & {
  /** Puts all pooled records into the next block, anchored at once. */
  seal(): Promise<BlockView>;
  /** Refuses a pooled record, as an expired one. */
  refuse(id: RecordId): Promise<void>;
  /** Lines of each call of `accept`, in order. */
  readonly calls: number[];
  /** Most calls of `accept` that were open together. */
  mostOpen(): number;
  /** Calls of `accept` wait from now on, until the function that it gives is called. */
  hold(): () => void;
  /** All further lines fail with this code; undefined ends it. */
  fail(code: ErrorCode | undefined, afterLines?: number): void;
  /** Whatever is called next on the centre but `accept` throws this. */
  throwNext(error: Error): void;
  emit(type: CentreEvent['type'], data: Record<string, unknown>): void;
  /** Event streams that are open. */
  listeners(): number;
  setProblems(problems: CentreStatus['problems']): void;
};

/** See {@link MemoryCentre}. */
export async function memoryCentre(): Promise<MemoryCentre> {
  const network = memoryNetwork;
  const crypto = await loadCrypto();
  // Well-known development key: 32 bytes of 7.
  const signer = localSigner(new Uint8Array(32).fill(7), crypto);
  const origin = checkpointOrigin(network);
  const note = noteSigner(origin, new Uint8Array(32).fill(9));
  const committee = { epoch: 1, members: [signer.address] };
  const records = new Map<RecordId, Kept>();
  const refused = new Map<RecordId, Awaited<ReturnType<typeof signRefusal>>>();
  const pool: Kept[] = [];
  const log = new MemoryLog<Kept>();
  const blocks: BlockView[] = [];
  const events: CentreEvent[] = [];
  const bell = new Waiters();
  const calls: number[] = [];
  let open = 0;
  let mostOpen = 0;
  let held: Promise<void> | undefined;
  let failing: { code: ErrorCode; after: number } | undefined;
  let thrown: Error | undefined;
  let listeners = 0;
  let problems: CentreStatus['problems'] = [];

  const trip = (): void => {
    const error = thrown;
    thrown = undefined;
    if (error) throw error;
  };
  const emit = (type: CentreEvent['type'], data: Record<string, unknown>): void => {
    events.push({ seq: events.length + 1, type, time: new Date().toISOString(), data });
    bell.wake();
  };
  const viewOf = (kept: Kept): RecordView => {
    const { id, record, acceptance, leafIndex, height } = kept;
    const refusal = refused.get(id);
    return {
      id,
      record,
      state: refusal ? 'refused' : leafIndex === undefined ? 'pooled' : 'logged',
      acceptance,
      ...(leafIndex === undefined ? {} : { leafIndex }),
      ...(height === undefined ? {} : { height }),
      ...(refusal ? { refusal } : {}),
    };
  };

  async function acceptOne(line: string): Promise<IntakeResult> {
    if (failing && failing.after-- <= 0) return { status: 'failed', error: new NotariumError(failing.code) };
    let id: RecordId | undefined;
    try {
      const checked = readRecord(line, crypto);
      id = checked.id;
      checkRecordNetwork(checked.record, network);
      const known = records.get(id);
      if (known?.leafIndex !== undefined) return { status: 'logged', id, leafIndex: known.leafIndex };
      if (known) return { status: 'known', id, acceptance: known.acceptance };
      checkRecordSignature(checked.record, checked.idBytes, crypto);
      const { supersedes } = checked.record;
      const winner = supersedes && [...records.values()].find(({ record }) => record.supersedes === supersedes);
      if (winner) throw new NotariumError('record-successor-taken', undefined, { data: { winner: winner.id } });
      if (supersedes && !records.has(supersedes)) throw new NotariumError('record-predecessor-unknown');
      const promise = { recordId: id, acceptedAt: Math.floor(Date.now() / 1000), includeBySlot: 1000 };
      const kept: Kept = { ...checked, acceptance: await signAcceptance(network, promise, signer) };
      records.set(id, kept);
      pool.push(kept);
      return { status: 'accepted', id, acceptance: kept.acceptance };
    } catch (error) {
      if (!isNotariumError(error)) throw error;
      return { status: 'failed', ...(id === undefined ? {} : { id }), error };
    }
  }

  const centre: MemoryCentre = {
    calls,
    mostOpen: () => mostOpen,
    hold() {
      let release = (): void => {};
      held = new Promise((resolve) => {
        release = () => {
          held = undefined;
          resolve();
        };
      });
      return () => release();
    },
    fail(code, after = 0) {
      failing = code === undefined ? undefined : { code, after };
    },
    throwNext(error) {
      thrown = error;
    },
    emit,
    listeners: () => listeners,
    setProblems(next) {
      problems = next;
    },
    async accept(lines) {
      calls.push(lines.length);
      mostOpen = Math.max(mostOpen, ++open);
      try {
        if (held) await held;
        const results: IntakeResult[] = [];
        for (const line of lines) results.push(await acceptOne(line));
        return results;
      } finally {
        open--;
      }
    },
    async acceptBriefly(lines) {
      const results = await centre.accept(lines);
      return results.map((result) => {
        if (result.status !== 'accepted' && result.status !== 'known') return result;
        return { status: result.status, id: result.id };
      });
    },
    async acceptDraft(draft, onBehalfOf) {
      const { meta, ...rest } = draft as { meta?: object };
      try {
        const { record } = await signRecord(
          {
            v: 1,
            network: networkName(network),
            time: new Date().toISOString(),
            ...(rest as { kind: string; subject: string; digest: `sha-256:${string}` }),
            meta: { ...meta, onBehalfOf },
          },
          signer,
          crypto,
        );
        return await acceptOne(JSON.stringify(record));
      } catch (error) {
        if (!isNotariumError(error)) throw error;
        return { status: 'failed', error };
      }
    },
    async seal() {
      const previous = blocks.at(-1);
      const fresh = pool.splice(0);
      const height = blocks.length + 1;
      for (const [index, kept] of fresh.entries()) {
        kept.leafIndex = log.kept.length + index;
        kept.height = height;
      }
      log.append(fresh);
      const header: BlockHeader = {
        height,
        slot: 100 + height,
        treeSize: log.kept.length,
        root: toHex(log.root),
        parent: previous?.hash ?? zeroHash,
        epoch: 1,
        publisher: signer.address,
      };
      const digest = blockDigest(network, header, crypto.keccak256);
      const block: BlockView = {
        header,
        hash: toHex(digest),
        state: 'committed',
        count: fresh.length,
        signatures: [{ signer: signer.address, signature: toHex(await signer.sign(digest)) }],
        anchor: {
          chainId: network.chainId,
          contract: network.contract,
          transactionHash: toHex(randomBytes(32)),
          blockNumber: height,
          timestamp: 1_790_000_000,
        },
      };
      blocks.push(block);
      emit('block.committed', { height });
      return block;
    },
    async refuse(id) {
      const at = pool.findIndex((kept) => kept.id === id);
      pool.splice(at, 1);
      refused.set(
        id,
        await signRefusal(network, { recordId: id, reason: 'record-expired', winner: zeroHash, slot: 9 }, signer),
      );
      bell.wake();
    },
    async record(id) {
      trip();
      const kept = records.get(id);
      return kept && viewOf(kept);
    },
    async receipt(id, waitMs = 0, signal) {
      trip();
      const deadline = performance.now() + waitMs;
      for (;;) {
        const kept = records.get(id);
        if (!kept) throw new NotariumError('record-not-found');
        const refusal = refused.get(id);
        if (refusal) throw new NotariumError('record-refused', undefined, { data: { refusal } });
        if (kept.leafIndex !== undefined) {
          const block = blocks[kept.height! - 1]!;
          const path = log.path(kept.leafIndex, block.header.treeSize);
          const { signatures, anchor, header } = block;
          return buildReceipt({
            entry: kept.entry,
            leafIndex: kept.leafIndex,
            path,
            block: header,
            signatures,
            anchor: anchor!,
          });
        }
        const leftMs = deadline - performance.now();
        if (leftMs <= 0 || signal?.aborted) throw new NotariumError('record-not-anchored');
        await bell.wait(leftMs, signal);
      }
    },
    async search({ digest, subject, submitter, after, limit }) {
      trip();
      const start = after === undefined ? 0 : Number(after);
      const found = log.kept.filter(
        ({ record }, index) =>
          index >= start &&
          (digest === undefined || record.digest === digest) &&
          (subject === undefined || record.subject === subject) &&
          (submitter === undefined || record.submitter === submitter),
      );
      const items = found.slice(0, limit).map(viewOf);
      return found.length > limit ? { items, next: String(items.at(-1)!.leafIndex! + 1) } : { items };
    },
    async blocks({ before = Number.MAX_SAFE_INTEGER, limit }) {
      trip();
      const found = blocks.filter(({ header }) => header.height < before).reverse();
      const items = found.slice(0, limit);
      return found.length > limit ? { items, next: String(items.at(-1)!.header.height) } : { items };
    },
    async block(height) {
      trip();
      return blocks[height - 1];
    },
    async consistency(from, to) {
      trip();
      return log.consistency(from, to);
    },
    async checkpoint() {
      trip();
      return signCheckpoint({ origin, size: log.kept.length, root: log.root }, note);
    },
    async tile(path) {
      trip();
      return log.tiles.get(`tile/${path}`);
    },
    async network() {
      trip();
      return {
        network: networkName(network),
        ...network,
        registry: toHex(new Uint8Array(20).fill(0x66)),
        periodSeconds: 2,
        graceSeconds: 2,
        epoch: 1,
        quorum: 1,
        origin,
        centres: [
          {
            address: signer.address,
            name: 'memory',
            endpoint: 'http://127.0.0.1:8080',
            encryptionKey: zeroHash,
            noteKey: toHex(note.publicKey),
            verifierKey: verifierKeyText(note),
            status: 'active',
          },
        ],
        committees: [committee],
      };
    },
    async verify(receipt, contentDigest) {
      trip();
      return verifyReceipt(asReceipt(receipt), { network, committees: [committee], contentDigest, crypto });
    },
    lastEventSeq: async () => events.length,
    async *events(afterSeq, signal) {
      listeners++;
      try {
        for (let seq = afterSeq; !signal.aborted; ) {
          const event = events[seq];
          if (event) {
            yield event;
            seq++;
          } else await bell.wait(60_000, signal);
        }
      } finally {
        listeners--;
      }
    },
    heldByQuorum: async (_id, own) => [own],
    peer: () => undefined,
    async status() {
      trip();
      return {
        centre: signer.address as Address,
        network: networkName(network),
        version: '0.0.0',
        startedAt: '2026-11-21T01:30:00.000Z',
        ready: problems.length === 0,
        problems,
        pool: { count: pool.length, bytes: 0, oldestAgeSeconds: null },
        log: { size: log.kept.length, root: toHex(log.root) },
        height: blocks.length,
        anchoredHeight: blocks.length,
        slot: 100 + blocks.length,
        lagBlocks: 0,
        peers: [],
        crypto: crypto.name,
      };
    },
    keys: memoryKeys(),
    governance: undefined,
    admission: undefined,
    async close() {},
  };
  return centre;
}
