import type { Hash } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { isUnderWay, nextApplicationState } from '../../core/governance/applicationState.ts';
import { every, type Loop } from '../../lib/every.ts';
import { silentLogger } from '../../lib/logger.ts';
import type { Finding, StoredVersion } from '../../store/ResourceStore.ts';
import type { NewEvent } from '../../store/WriteOptions.ts';
import type { VersionProjection } from '../governance/projections.ts';
import { Application } from './Application.ts';
import { type Computed, configurationOf } from './configurationOf.ts';
import { eventsOf } from './eventsOf.ts';
import { findingOf, readActual } from './inspect.ts';
import { leaseOf } from './leaseOf.ts';
import { RepairPauses } from './RepairPauses.ts';
import type { Reporter } from './Reporter.ts';
import type { ResourceParts } from './ResourceParts.ts';
import type { ResourceSetting } from './resourceSettings.ts';
import { rowOf } from './rowOf.ts';
import { clearProblems, showProblems } from './showProblems.ts';
import { headOf } from './versionsOf.ts';
import { WakefulClock } from './WakefulClock.ts';

/** While nothing is known of a set but its number. */
const unnamedCheckMs = 60_000;
/** First wait for a content that nobody has given; twice as long after each further time, up to the time between two looks. */
const contentWaitMs = 1_000;

type Order = { readonly repairs: boolean; readonly done: PromiseWithResolvers<void> };

/**
 * Keeps one resource set right on this node: the one task that applies its newest version, looks from time to time what is
 * really there, and says so.
 */
export class Configurator {
  readonly #parts: ResourceParts;
  readonly #resourceSet: Hash;
  readonly #reporter: Pick<Reporter, 'report'>;
  readonly #onChange: () => void;
  readonly #stop = new AbortController();
  readonly #clock: WakefulClock;
  #loop: Loop | undefined;
  #orders: Order[] = [];
  #computed: { readonly of: VersionProjection; readonly is: Computed } | undefined;
  #name: string | undefined;
  /** The version that was to be there at the last look. */
  #seen: string | undefined;
  /** The drift that was told last, while it lasts: a resource that was away in between has not drifted again. */
  #drift: string | undefined;
  readonly #pauses = new RepairPauses();
  /** How often in a row nobody has given a content: who has it may be a moment late, or not connected yet. */
  #missed = 0;

  constructor(
    parts: ResourceParts,
    resourceSet: Hash,
    { reporter, onChange }: { readonly reporter: Pick<Reporter, 'report'>; readonly onChange: () => void },
  ) {
    this.#parts = parts;
    this.#resourceSet = resourceSet;
    this.#reporter = reporter;
    this.#onChange = onChange;
    this.#clock = new WakefulClock(parts.clock);
  }

  start(): void {
    const { clock } = this.#parts;
    this.#loop = every(unnamedCheckMs, () => this.#runAndAnswer(), {
      signal: this.#stop.signal,
      logger: silentLogger,
      name: `resource set ${this.#resourceSet}`,
      // How long, its settings say once its name is known.
      clock: { nowMs: () => clock.nowMs(), sleep: (_ms, signal) => this.#clock.sleep(this.#checkMs(), signal) },
    });
  }

  /** Looks at once. */
  wake(): void {
    this.#clock.wake();
  }

  /** The chain has said something: looks at once where that is another version. */
  async notice(): Promise<void> {
    if (keyOf(await headOf(this.#parts.store, this.#resourceSet)) !== this.#seen) this.#clock.wake();
  }

  /**
   * Looks now what is really there, and with `repairs` writes again what is not right.
   * @throws NotariumError `not-ready` where another process of this centre does that; `resource-failed`, `content-unavailable`, …
   */
  check(repairs: boolean): Promise<void> {
    const order: Order = { repairs, done: Promise.withResolvers() };
    this.#orders.push(order);
    this.#clock.wake();
    return order.done.promise;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop?.done;
    for (const { done } of this.#orders.splice(0)) done.reject(new NotariumError('shutting-down'));
  }

  #checkMs(): number {
    const usualMs = this.#name === undefined ? unnamedCheckMs : this.#parts.settingOf(this.#name).checkMs;
    return this.#missed === 0 ? usualMs : Math.min(usualMs, contentWaitMs * 2 ** (this.#missed - 1));
  }

  async #runAndAnswer(): Promise<void> {
    const orders = this.#orders.splice(0);
    try {
      if (!(await this.#parts.notices.lease())) {
        throw new NotariumError('not-ready', 'another process of this centre keeps its resource sets');
      }
      await this.#run(orders.some(({ repairs }) => repairs));
      this.#missed = 0;
      for (const { done } of orders) done.resolve();
    } catch (error) {
      for (const { done } of orders) done.reject(error);
      this.#missed = isNotariumError(error, 'content-unavailable') ? this.#missed + 1 : 0;
      if (this.#stop.signal.aborted) return;
      // What was wrong when this process had the lease is for the other one to tell.
      if (isNotariumError(error, 'not-ready')) return this.#leave();
      await this.#fail(error);
    }
  }

  async #fail(error: unknown): Promise<void> {
    const { resourceProblems, logger, store, clock } = this.#parts;
    const about = this.#name ?? this.#resourceSet;
    const reason = isNotariumError(error) ? error.message : String(error);
    const isNew = resourceProblems.raise('resource-failed', this.#resourceSet, `${about}: ${reason}`);
    if (!isNew) return logger.debug({ err: error, resourceSet: about }, 'a resource set cannot be kept');
    logger.error({ err: error, resourceSet: about }, 'a resource set cannot be kept');
    const data = { ...this.#named(), id: this.#resourceSet, reason };
    try {
      await store.appendEvent({ type: 'resource.failed', time: new Date(clock.nowMs()).toISOString(), data });
      this.#onChange();
    } catch (cause) {
      logger.error({ err: cause, resourceSet: about }, 'an event of a resource set could not be kept');
    }
  }

  async #run(repairs: boolean): Promise<void> {
    for (let isAsked = repairs; ; isAsked = false) {
      const target = await headOf(this.#parts.store, this.#resourceSet);
      this.#seen = keyOf(target);
      // All versions have failed: there is nothing that is to be there.
      if (!target) return clearProblems(this.#parts, this.#resourceSet);
      const computed = await this.#compute(target);
      const row = await rowOf(this.#parts, target, this.#name);
      if (computed.kind === 'refused') return await this.#refuse(target, row, computed);
      const setting = this.#parts.settingOf(computed.name!);
      const { signal } = this.#stop;
      const { checked } = computed;
      const task = { name: computed.name!, target, checked, adapter: setting.adapter, signal };
      const application = new Application(this.#parts, task);
      const end = await this.#apply(application, target, row);
      if (end && !(await this.#check({ application, target, row: end, setting, isAsked }))) return;
    }
  }

  /** The version at its end; undefined where another one is to be there meanwhile. */
  async #apply(
    application: Application,
    target: VersionProjection,
    found: StoredVersion,
  ): Promise<StoredVersion | undefined> {
    const { store } = this.#parts;
    let row = found;
    // A newer version was written, and has failed since.
    const { written } = (await store.resourceSet(this.#resourceSet)) ?? {};
    const isElsewhere = written !== undefined && written !== target.version;
    const isPassedOver = row.state === 'skipped' || row.state === 'refused';
    if (isPassedOver || (isElsewhere && !isUnderWay(row.state))) row = await application.take(row, 'again');
    while (isUnderWay(row.state)) {
      this.#stop.signal.throwIfAborted();
      row = await application.step(row);
      this.#onChange();
      const now = await headOf(store, this.#resourceSet);
      if (now?.version !== target.version || now.configurationHash !== target.configurationHash) return undefined;
    }
    return row;
  }

  /** Looks what is there, says so, and answers whether it is to be written again. */
  async #check({
    application,
    target,
    row,
    setting,
    isAsked,
  }: {
    application: Application;
    target: VersionProjection;
    row: StoredVersion;
    setting: ResourceSetting;
    isAsked: boolean;
  }): Promise<boolean> {
    const { finding } = await this.#look(application, row);
    let end = row;
    if (row.state !== 'applied' && finding.matches) end = await application.take(row, 'match', { finding });
    else end = await this.#found(row, finding);
    showProblems(this.#parts, { id: this.#resourceSet, name: this.#name, row: end, finding });
    await this.#reporter.report(target, { name: this.#name, row: end, finding });
    if (finding.matches || !(isAsked || (setting.repair && this.#pauses.mayRepair(setting.checkMs)))) return false;
    await application.take(end, 'again');
    return true;
  }

  async #look(application: Application, row: StoredVersion): Promise<{ readonly finding: Finding }> {
    try {
      return await application.look();
    } catch (error) {
      if (isNotariumError(error)) {
        const time = new Date(this.#parts.clock.nowMs()).toISOString();
        await this.#found(row, { time, matches: false, differences: [], problem: error.code });
      }
      throw error;
    }
  }

  /** Keeps what was found; what has drifted since the look before is told. */
  async #found(row: StoredVersion, finding: Finding): Promise<StoredVersion> {
    const { store } = this.#parts;
    const next = { ...row, finding };
    const { resourceSet: id, version, configurationHash } = row;
    const { actualHash, differences, time } = finding;
    const isKnown = actualHash !== undefined;
    const drift = `${version} ${actualHash}`;
    const isTold = drift === this.#drift || row.finding?.actualHash === actualHash;
    const isNews = row.state === 'applied' && isKnown && !finding.matches && !isTold;
    if (isKnown) this.#drift = finding.matches ? undefined : drift;
    const data = { ...this.#named(), id, version, configurationHash, actualHash, differences };
    const events: NewEvent[] = isNews ? [{ type: 'resource.drifted', time, data }] : [];
    await store.saveResource({ versions: [next] }, { lease: await leaseOf(this.#parts), events });
    if (isNews) this.#onChange();
    return next;
  }

  /** Another process keeps the set: the first notice after this one has taken over is news again. */
  #leave(): void {
    this.#seen = undefined;
    clearProblems(this.#parts, this.#resourceSet);
  }

  /** What was passed contradicts itself: what is there stays, and is reported. */
  async #refuse(
    target: VersionProjection,
    found: StoredVersion,
    computed: Extract<Computed, { kind: 'refused' }>,
  ): Promise<void> {
    const { store, crypto, clock, logger } = this.#parts;
    const { configurationHash: hash, version } = target;
    const time = new Date(clock.nowMs()).toISOString();
    const lease = await leaseOf(this.#parts);
    let row = found;
    if (row.state !== 'refused') {
      const { reason } = computed;
      // Under way where a reorganisation put another proposal under the same number and hash.
      const ended = isUnderWay(row.state) ? nextApplicationState(row.state, 'skip') : row.state;
      const waiting = nextApplicationState(ended, 'again');
      row = { ...row, state: nextApplicationState(waiting, 'refuse'), reason, changedAt: time };
      await store.saveResource({ versions: [row] }, { lease, events: eventsOf(row, this.#name) });
      logger.error({ ...this.#named(), id: this.#resourceSet, version, reason }, 'a passed version is refused');
      this.#onChange();
    }
    const { signal } = this.#stop;
    const name = this.#name;
    const actual =
      name === undefined
        ? ({ kind: 'nothing' } as const)
        : await readActual(this.#parts.settingOf(name).adapter, { resourceSet: name, version }, { crypto, signal });
    const finding = findingOf(actual, { want: undefined, hash, time });
    await store.saveResource({ versions: [{ ...row, finding }] }, { lease });
    showProblems(this.#parts, { id: this.#resourceSet, name: this.#name, row, finding });
    await this.#reporter.report(target, { name, row, finding });
  }

  async #compute(target: VersionProjection): Promise<Computed> {
    const before = this.#computed;
    const isSame = before?.of.configurationHash === target.configurationHash && before.of.version === target.version;
    if (isSame && before.of.proposalId === target.proposalId) return before.is;
    const is = await configurationOf(this.#parts, target, this.#stop.signal);
    this.#computed = { of: target, is };
    if (is.name !== undefined) this.#name = is.name;
    return is;
  }

  #named(): { readonly resourceSet?: string } {
    return this.#name === undefined ? {} : { resourceSet: this.#name };
  }
}

function keyOf(head: VersionProjection | undefined): string {
  return head ? `${head.version} ${head.configurationHash} ${head.proposalId}` : '';
}
