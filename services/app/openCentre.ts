import type { Chain } from '../chain/Chain.ts';
import { type BlockHeader, type BlockSignature, blockDigest } from '../core/block.ts';
import { fromHex, type Hash, hexDigits, toHex } from '../core/bytes.ts';
import { type Committee, quorumOf, slotAt } from '../core/committee.ts';
import { networkName } from '../core/eip712.ts';
import { isNotariumError, NotariumError } from '../core/errors.ts';
import { checkpointOrigin, signCheckpoint } from '../core/log/checkpoint.ts';
import { noteSigner, noteVerifier, verifierKeyText } from '../core/log/note.ts';
import { consistencyProof, rootFromNodes } from '../core/log/proof.ts';
import { parseTilePath, widthOf } from '../core/log/tile.ts';
import { asReceipt } from '../core/receipt.ts';
import { digestBytes, digestSchema } from '../core/record.ts';
import type { Signer } from '../core/signature.ts';
import { verifyReceipt } from '../core/verifyReceipt.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { NativeCrypto } from '../lib/nativeCrypto.ts';
import type { Store } from '../store/Store.ts';
import { apiKeys } from './apiKeys.ts';
import type { Centre, CentreEvent, CentreStatus, NetworkView, RecordView } from './Centre.ts';
import { type CentreParts, type CentreSettings, defaultSettings } from './CentreParts.ts';
import { ClockGuard } from './ClockGuard.ts';
import { Intake } from './Intake.ts';
import { IntakeWorkers } from './IntakeWorkers.ts';
import { makeReceipt } from './makeReceipt.ts';
import { type CentreMetrics, createMetrics } from './metrics.ts';
import { fatalCodes, Problems } from './Problems.ts';
import { Publisher } from './Publisher.ts';
import { signDraft } from './signDraft.ts';
import { blockView, entryView, recordView } from './views.ts';
import { Waiters } from './Waiters.ts';

/** What a centre is made of. Everything given is closed by its giver, except the store and the chain. */
export type CentreOptions = {
  readonly store: Store;
  readonly chain: Chain;
  readonly signer: Signer;
  /** The key behind `signer`, when it is held in memory: acceptances are then signed off the main thread. */
  readonly privateKey?: Uint8Array;
  /** Ed25519 seed of the key that signs checkpoints. */
  readonly noteSeed: Uint8Array;
  readonly crypto: NativeCrypto;
  readonly logger: Logger;
  readonly version: string;
  readonly clock?: Clock;
  readonly settings?: Partial<CentreSettings>;
  /** false: serve only, publish nothing (a further API process on the same database, or a read replica). */
  readonly publish?: boolean;
};

/** An open centre with what only its host needs. */
export type OpenCentre = Centre & { readonly metrics: CentreMetrics };

/** Longest wait between two looks at what another process may have changed. */
const pollMs = 500;

/**
 * Opens a centre, compares it with its chain, and starts its loops.
 * @throws NotariumError `chain-forgot-anchors`, `store-behind-chain`, `chain-mismatch`, `chain-contract-missing`.
 */
export async function openCentre(options: CentreOptions): Promise<OpenCentre> {
  const { store, chain, signer, logger, crypto, clock = systemClock } = options;
  const { info } = chain;
  const settings: CentreSettings = { ...defaultSettings, ...options.settings };
  const metrics = createMetrics();
  const problems = new Problems();
  const parts: CentreParts = {
    network: info.network,
    periodSeconds: info.periodSeconds,
    graceSeconds: info.graceSeconds,
    store,
    chain,
    signer,
    crypto,
    clock,
    logger,
    settings,
    problems,
    metrics,
    clockGuard: new ClockGuard({ chain, store, clock, periodSeconds: info.periodSeconds }),
    collectSignatures: (header, committee) => signAlone(parts, header, committee),
  };
  const waiters = new Waiters();
  const workers = new IntakeWorkers({ network: info.network, privateKey: options.privateKey }, settings.threads);
  const intake = new Intake({
    store,
    workers,
    network: info.network,
    signer,
    clock,
    logger,
    periodSeconds: info.periodSeconds,
    promiseSlots: settings.promiseSlots,
    poolLimit: settings.poolLimit,
    onAccepted: (count) => metrics.accepted.inc(count),
  });
  const refreshCounters = async (): Promise<void> => {
    const pool = await store.poolStatus();
    intake.setPooled(pool.count);
    metrics.poolRecords.set(pool.count);
    metrics.poolBytes.set(pool.bytes);
    const ageSeconds = pool.oldestAcceptedAt === null ? 0 : clock.nowMs() / 1000 - pool.oldestAcceptedAt;
    metrics.poolAgeSeconds.set(Math.max(0, ageSeconds));
    metrics.logSize.set(store.logSize());
  };
  let checkpoint: { size: number; text: Promise<string> } | undefined;
  const publisher = new Publisher(
    parts,
    () => {
      void refreshCounters().catch((error: unknown) => logger.error({ err: error }, 'reading the pool failed'));
      waiters.wake();
    },
    options.publish !== false,
  );
  try {
    await refreshCounters();
    await publisher.start();
  } catch (error) {
    await workers.close();
    throw error;
  }

  const origin = checkpointOrigin(info.network);
  const startedAt = new Date(clock.nowMs()).toISOString();
  const note = noteSigner(origin, options.noteSeed);
  let closing: Promise<void> | undefined;

  const committeeAt = async (epoch: number): Promise<Committee | undefined> => {
    try {
      return await chain.committee(epoch);
    } catch (error) {
      if (isNotariumError(error, 'chain-unreachable')) throw error;
      return undefined;
    }
  };

  const waitUntil = async <T>(
    look: () => Promise<T | undefined>,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<T | undefined> => {
    // Not by the clock, which may be set meanwhile.
    const untilMs = performance.now() + waitMs;
    for (;;) {
      const wake = waiters.wait(Math.max(1, Math.min(pollMs, untilMs - performance.now())), signal);
      const value = await look();
      if (value !== undefined || performance.now() >= untilMs || signal?.aborted || closing) return value;
      await wake;
      await store.refresh();
    }
  };

  const centre: OpenCentre = {
    metrics,

    async accept(lines) {
      const blocking = problems.list().find(({ code }) => fatalCodes.has(code));
      if (blocking) {
        const error = new NotariumError('not-ready', blocking.detail, { data: { problem: blocking.code } });
        return lines.map(() => ({ status: 'failed', error }));
      }
      const jumped = parts.clockGuard.jumpedSeconds();
      const skewed = problems.list().find(({ code }) => code === 'clock-skewed')?.detail;
      if (jumped !== 0 || skewed !== undefined) {
        // Promise and expiry are counted by the clock.
        const error = new NotariumError('clock-skewed', skewed ? undefined : `it has jumped by ${jumped} s`);
        return lines.map(() => ({ status: 'failed', error }));
      }
      return await intake.accept(lines);
    },

    async acceptDraft(draft, onBehalfOf) {
      try {
        const [result] = await centre.accept([await signDraft(parts, draft, onBehalfOf)]);
        return result!;
      } catch (error) {
        if (isNotariumError(error)) return { status: 'failed', error };
        throw error;
      }
    },

    record: (id) => recordView(store, signer, id),

    async receipt(id, waitMs = 0, signal) {
      const look = async () => {
        try {
          return await makeReceipt(store, id, crypto.sha256);
        } catch (error) {
          if (isNotariumError(error, 'record-not-anchored')) return undefined;
          throw error;
        }
      };
      const receipt = await waitUntil(look, waitMs, signal);
      if (!receipt) throw new NotariumError('record-not-anchored', id);
      return receipt;
    },

    async search({ digest, subject, submitter, after, limit }) {
      if (digest !== undefined && !digestSchema.safeParse(digest).success)
        throw new NotariumError('record-digest-invalid');
      await store.refresh();
      const page = await store.search({
        limit,
        ...(digest === undefined ? {} : { digest: digestBytes(digest) }),
        ...(subject === undefined ? {} : { subject }),
        ...(submitter === undefined ? {} : { submitter: fromHex(submitter) }),
        ...(after === undefined ? {} : { after }),
      });
      const items: RecordView[] = [];
      for (const { leafIndex, entry } of page.hits) items.push(await entryView(store, leafIndex, entry));
      return { items, ...(page.next === undefined ? {} : { next: page.next }) };
    },

    async blocks({ before, limit }) {
      const blocks = await store.blocks({ limit, ...(before === undefined ? {} : { before }) });
      const last = blocks.at(-1)?.header.height;
      return {
        items: blocks.map(blockView),
        ...(blocks.length === limit && last !== undefined && last > 1 ? { next: String(last) } : {}),
      };
    },

    async block(height) {
      const block = await store.block(height);
      return block && blockView(block);
    },

    async consistency(from, to) {
      await store.refresh();
      const size = store.logSize();
      if (from < 0 || from > to || to > size) {
        throw new NotariumError('proof-malformed', `sizes ${from} and ${to}`, { data: { from, to, size } });
      }
      const read = store.nodeReader(size);
      const [fromRoot, toRoot, path] = await Promise.all([
        rootFromNodes(from, read),
        rootFromNodes(to, read),
        consistencyProof(from, to, read),
      ]);
      return { from, to, fromRoot: toHex(fromRoot), toRoot: toHex(toRoot), path: path.map(hexDigits) };
    },

    async checkpoint() {
      await store.refresh();
      const size = (await store.committedBlock())?.header.treeSize ?? 0;
      if (checkpoint?.size !== size) {
        const root = Promise.resolve(rootFromNodes(size, store.nodeReader(size)));
        checkpoint = { size, text: root.then((bytes) => signCheckpoint({ origin, size, root: bytes }, note)) };
      }
      return await checkpoint.text;
    },

    async tile(path) {
      const tile = parseTilePath(path.startsWith('tile/') ? path : `tile/${path}`);
      if (!tile) return undefined;
      const { level, index, width } = tile;
      await store.refresh();
      const size = store.logSize();
      if (width > widthOf(level, index, size)) return undefined;
      return await store.readTile(level, index, width);
    },

    async network(): Promise<NetworkView> {
      const [nodes, committees, current] = await Promise.all([chain.nodes(), chain.committees(), chain.committee()]);
      return {
        network: networkName(info.network),
        chainId: info.chainId,
        contract: info.contract,
        registry: info.registry,
        periodSeconds: info.periodSeconds,
        graceSeconds: info.graceSeconds,
        epoch: current.epoch,
        quorum: quorumOf(current.members.length),
        origin,
        centres: nodes.map((node) => ({
          ...node,
          verifierKey: verifierKeyText(noteVerifier(origin, fromHex(node.noteKey))),
        })),
        committees,
      };
    },

    async verify(value, contentDigest) {
      const receipt = asReceipt(value);
      const committee = await committeeAt(receipt.block.epoch);
      return await verifyReceipt(receipt, {
        contentDigest,
        network: info.network,
        committees: committee ? [committee] : [],
        chainBlockHash: async (height) => (await chain.blockHash(height)) ?? (`0x${'0'.repeat(64)}` as Hash),
        chainAnchor: async ({ height, blockHash, transactionHash }) => {
          const anchor = await chain.findAnchor(height, blockHash, { slot: receipt.block.slot });
          return anchor?.transactionHash === transactionHash ? anchor : undefined;
        },
        crypto,
      });
    },

    async *events(afterSeq, signal) {
      let seq = afterSeq;
      while (!signal.aborted && !closing) {
        const wake = waiters.wait(pollMs, signal);
        const events = await store.eventsAfter(seq, 256);
        for (const event of events) {
          if (signal.aborted) return;
          yield event as CentreEvent;
          seq = event.seq;
        }
        if (events.length === 0) await wake;
      }
    },

    async status(): Promise<CentreStatus> {
      await store.refresh();
      await refreshCounters();
      const [pool, committed, latest] = await Promise.all([
        store.poolStatus(),
        store.committedBlock(),
        store.latestBlock(),
      ]);
      metrics.height.set(committed?.header.height ?? 0);
      const size = store.logSize();
      const list = problems.list();
      return {
        centre: signer.address,
        network: networkName(info.network),
        version: options.version,
        startedAt,
        ready: list.length === 0 && !closing,
        problems: list,
        pool: {
          count: pool.count,
          bytes: pool.bytes,
          oldestAgeSeconds:
            pool.oldestAcceptedAt === null
              ? null
              : Math.max(0, Math.round(clock.nowMs() / 1000 - pool.oldestAcceptedAt)),
        },
        log: { size, root: toHex(await rootFromNodes(size, store.nodeReader(size))) },
        height: latest?.header.height ?? 0,
        anchoredHeight: committed?.header.height ?? 0,
        slot: slotAt(clock.nowMs(), info.periodSeconds),
        ...(latest ? { lastPublisher: latest.header.publisher } : {}),
        crypto: crypto.name,
      };
    },

    keys: apiKeys(store, clock),

    close() {
      closing ??= (async () => {
        await intake.close();
        await publisher.close();
        waiters.wake();
        await workers.close();
        await store.close();
        chain.close();
      })();
      return closing;
    },
  };
  return centre;
}

/** Signatures of a committee whose quorum is one: our own. Asking others is the part of the network module. */
async function signAlone(
  { network, signer }: CentreParts,
  header: BlockHeader,
  committee: Committee,
): Promise<BlockSignature[]> {
  const quorum = quorumOf(committee.members.length);
  if (quorum > 1) throw new NotariumError('quorum-unreachable', undefined, { data: { have: 1, want: quorum } });
  return [{ signer: signer.address, signature: toHex(await signer.sign(blockDigest(network, header))) }];
}
