import type { Chain } from '../chain/Chain.ts';
import type { Address } from '../core/bytes.ts';
import { networkName } from '../core/eip712.ts';
import { isNotariumError, NotariumError } from '../core/errors.ts';
import type { Signer } from '../core/signature.ts';
import type { OpeningKey } from '../lib/activities/seal.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { NativeCrypto } from '../lib/nativeCrypto.ts';
import type { Net } from '../net/Net.ts';
import type { ActivityStore } from '../store/activities/ActivityStore.ts';
import type { Store } from '../store/Store.ts';
import type { ActivitySettings } from './activities/ActivityHost.ts';
import { defaultActivitySettings } from './activities/ActivityHost.ts';
import type { AttachmentFiles } from './activities/AttachmentFiles.ts';
import { activityMetrics } from './activities/activityMetrics.ts';
import { type OpenActivities, openActivities } from './activities/openActivities.ts';
import type { AdmissionSettings } from './admission/AdmissionSettings.ts';
import { apiKeys } from './apiKeys.ts';
import { askChain } from './askChain.ts';
import type { Centre, CentreEvent } from './Centre.ts';
import { type CentreParts, type CentreSettings, settingsOf } from './CentreParts.ts';
import { ClockGuard } from './ClockGuard.ts';
import { centreStatus } from './centreStatus.ts';
import { dutyLease } from './DutyLease.ts';
import { GovernanceSeat } from './governance/GovernanceSeat.ts';
import { openGovernance } from './governance/openGovernance.ts';
import { Intake } from './Intake.ts';
import { IntakeWorkers } from './IntakeWorkers.ts';
import { keepSilent } from './lostVotes.ts';
import { makeReceipt } from './makeReceipt.ts';
import { type CentreMetrics, createMetrics } from './metrics.ts';
import { fatalCodes, Problems } from './Problems.ts';
import { Publisher } from './Publisher.ts';
import { RegistryWatch } from './RegistryWatch.ts';
import { readLog } from './readLog.ts';
import { openReplication } from './replication/openReplication.ts';
import type { Replication } from './replication/Replication.ts';
import { Seat } from './replication/Seat.ts';
import type { ResourceSettings } from './resources/resourceSettings.ts';
import { requireAlone } from './signAlone.ts';
import { signDraft } from './signDraft.ts';
import { statusInTime } from './statusInTime.ts';
import { recordView } from './views.ts';
import { Waiters } from './Waiters.ts';
import { Webhook } from './webhook/Webhook.ts';
import type { WebhookSettings } from './webhook/webhookSettings.ts';
import { withSignatures } from './withSignatures.ts';

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
  /** Where the host has registered metrics of its own; new ones when left out. */
  readonly metrics?: CentreMetrics;
  /**
   * Opens the network between centres, once: as soon as the registry has another active centre, or at the start with
   * `joinsAtOnce`. Closed with the centre. Without it this process stays out of the network.
   */
  readonly openNet?: () => Promise<Net>;
  readonly joinsAtOnce?: boolean;
  /** Where to dial centres, by address; the others are looked up at their endpoints. */
  readonly peers?: ReadonlyMap<Address, readonly string[]>;
  /** How resource sets are kept on this machine; without it this process keeps none. */
  readonly resources?: ResourceSettings;
  /** How candidates are challenged here, where this centre is an authenticator: what differs from the defaults. */
  readonly admission?: Partial<AdmissionSettings>;
  /** Data folder: the disk that the network's minimum is about. Without it this process shows nobody that it meets it. */
  readonly dataDir?: string;
  /** false: serve only, publish nothing (a further API process on the same database, or a read replica). */
  readonly publish?: boolean;
  /** Where events are told. */
  readonly webhook?: WebhookSettings;
  /** Where private activities are kept, closed by who gives it; without it this process takes part in none. */
  readonly activities?: {
    readonly store: ActivityStore;
    readonly files: AttachmentFiles;
    /** This node's X25519 keys, the newest first. */
    readonly keys: readonly OpeningKey[];
    readonly settings?: Partial<ActivitySettings>;
  };
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
  const settings = settingsOf(options.settings);
  const metrics = options.metrics ?? createMetrics();
  const problems = new Problems();
  const alone: Omit<CentreParts, 'replication'> = {
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
    registry: new RegistryWatch({ chain, signer, problems, logger, clock }),
  };
  const { registry } = alone;
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
    othersPoolPart: settings.othersPoolPart,
    peerPoolPart: settings.peerPoolPart,
    onAccepted: (entries) => {
      metrics.accepted.inc(entries.length);
      publisher.poolChanged();
      seat.replication?.broadcast(entries);
    },
  });
  const { openNet } = options;
  const join = async (open: () => Promise<Net>): Promise<Replication> =>
    openReplication(alone, {
      net: await open(),
      workers,
      hasRoomFor: (count, peer, beyond) => intake.hasRoomFor(count, peer, beyond),
      onPooled(count, peer) {
        intake.addPooled(count, peer);
        publisher.poolChanged();
      },
      lookSoon: () => publisher.lookSoon(),
      ...(options.peers ? { peers: options.peers } : {}),
    });
  const seat = new Seat({ registry, problems, logger, join: openNet && (() => join(openNet)) });
  const parts: CentreParts = {
    ...alone,
    // It may come later.
    get replication() {
      return seat.replication;
    },
  };
  const refreshCounters = async (): Promise<void> => {
    const pool = await store.poolStatus();
    intake.setPooled(pool.count);
    metrics.poolRecords.set(pool.count);
    metrics.poolBytes.set(pool.bytes);
    const ageSeconds = pool.oldestAcceptedAt === null ? 0 : clock.nowMs() / 1000 - pool.oldestAcceptedAt;
    metrics.poolAgeSeconds.set(Math.max(0, ageSeconds));
    metrics.logSize.set(store.logSize());
  };
  const publisher = new Publisher(
    parts,
    () => {
      void refreshCounters().catch((error: unknown) => logger.error({ err: error }, 'reading the pool failed'));
      waiters.wake();
    },
    options.publish !== false,
  );
  const governing = new GovernanceSeat({
    registry,
    logger,
    open: () =>
      openGovernance(parts, {
        isWorking: options.publish !== false,
        resources: options.resources,
        admission: options.admission,
        renewalFolder: options.dataDir,
        accept: (lines) => centre.accept(lines),
        onJoin: (handler) => seat.onJoin(({ net }) => handler(net)),
        onChange: () => waiters.wake(),
      }),
  });
  const webhook =
    options.webhook &&
    new Webhook({ ...alone, centre: { network: networkName(info.network), address: signer.address } }, options.webhook);
  try {
    await webhook?.prepare();
    await refreshCounters();
    await keepSilent(alone);
    await registry.start();
    await seat.take(options.joinsAtOnce === true);
    await publisher.start();
  } catch (error) {
    await registry.close();
    await seat.close();
    await workers.close();
    throw error;
  }

  const startedAt = new Date(clock.nowMs()).toISOString();
  let closing: Promise<void> | undefined;

  const waitUntil = async <T>(
    look: () => Promise<T | undefined>,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<T | undefined> => {
    // No timer, and nobody to wake, for whoever does not wait.
    if (waitMs <= 0) return await look();
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

  /** Why no record can be taken now. */
  const refusalNow = (): NotariumError | undefined => {
    const blocking = problems.list().find(({ code }) => fatalCodes.has(code));
    if (blocking) return new NotariumError('not-ready', blocking.detail, { data: { problem: blocking.code } });
    const jumped = parts.clockGuard.jumpedSeconds();
    const skewed = problems.list().find(({ code }) => code === 'clock-skewed')?.detail;
    // Promise and expiry are counted by the clock.
    if (jumped !== 0 || skewed !== undefined) {
      return new NotariumError('clock-skewed', skewed ? undefined : `it has jumped by ${jumped} s`);
    }
    return undefined;
  };

  const centre: OpenCentre = {
    metrics,

    async accept(lines) {
      const refusal = refusalNow();
      return refusal ? lines.map(() => ({ status: 'failed', error: refusal })) : await intake.accept(lines);
    },

    async acceptBriefly(lines) {
      const refusal = refusalNow();
      return refusal ? lines.map(() => ({ status: 'failed', error: refusal })) : await intake.acceptBriefly(lines);
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

    async heldByQuorum(id, own, waitMs, signal) {
      const { replication } = parts;
      if (!replication) {
        requireAlone(registry.active().length);
        return [own];
      }
      return await replication.hold(id, own, { timeoutMs: waitMs, ...(signal ? { signal } : {}) });
    },

    peer() {
      if (!parts.replication) return undefined;
      const { address, peerId, multiaddrs } = parts.replication.net;
      return { address, peerId, multiaddrs };
    },

    record: (id) => recordView(parts, id),

    async receipt(id, waitMs = 0, signal) {
      const look = async () => {
        try {
          return await withSignatures(parts, await makeReceipt(store, id, crypto.sha256));
        } catch (error) {
          if (isNotariumError(error, 'record-not-anchored')) return undefined;
          throw error;
        }
      };
      const receipt = await waitUntil(look, waitMs, signal);
      if (!receipt) throw new NotariumError('record-not-anchored', id);
      return receipt;
    },

    ...readLog(store, info.network, options.noteSeed),
    ...askChain(chain, crypto),

    lastEventSeq: () => store.lastEventSeq(),

    async *events(afterSeq, signal) {
      const last = await store.lastEventSeq();
      // A greater one is of a stream that is gone: of events lost with a database, or of another network at this address.
      let seq = afterSeq > last ? 0 : afterSeq;
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

    status() {
      return statusInTime(problems, async () => {
        await refreshCounters();
        return await centreStatus(parts, { version: options.version, startedAt, closing: closing !== undefined });
      });
    },

    keys: apiKeys(store, clock),

    get governance() {
      return governing.desk;
    },

    get admission() {
      return governing.admission;
    },

    get activities() {
      return activities?.desk;
    },

    close() {
      closing ??= (async () => {
        // Before the network that they use, and the intake that takes their records.
        await activities?.close();
        await activityDuty?.close();
        await intake.close();
        await registry.close();
        await governing.close();
        await seat.close();
        await publisher.close();
        await webhook?.close();
        waiters.wake();
        await workers.close();
        await store.close();
        chain.close();
      })();
      return closing;
    },
  };
  const activityDuty = options.activities && dutyLease('activities', options.publish !== false, alone);
  const activities: OpenActivities | undefined =
    options.activities &&
    openActivities({
      ...{ network: info.network, signer, crypto, registry, problems, clock, logger },
      ...{ store: options.activities.store, files: options.activities.files, keys: options.activities.keys },
      settings: { ...defaultActivitySettings, ...options.activities.settings },
      accept: (lines) => centre.acceptBriefly(lines),
      search: (query) => centre.search(query),
      onDuty: () => activityDuty!.isOn(),
      onJoin: (handler) => seat.onJoin(({ net }) => handler(net)),
      metrics: activityMetrics(metrics.registry),
    });
  // Last: its work goes on by the centre's own methods.
  governing.take();
  webhook?.start();
  return centre;
}
