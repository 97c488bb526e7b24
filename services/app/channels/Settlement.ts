import type { ChannelStatus } from '../../chain/channels/ChannelChain.ts';
import type { ChannelEventOf } from '../../chain/channels/ChannelEvent.ts';
import type { Hash } from '../../core/bytes.ts';
import { keyHashOf } from '../../core/channels/bill.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { every, type Loop } from '../../lib/every.ts';
import { ChainFollower } from './ChainFollower.ts';
import { ConfirmationTimes } from './ConfirmationTimes.ts';
import { closingReason } from './closingPolicy.ts';
import { type ClosingWish, type Duty, dutiesOf, nextLook, type Situation } from './duties.ts';
import { performDuty } from './performDuty.ts';
import { defaultSettlementSettings, type SettlementParts, type SettlementSettings } from './SettlementParts.ts';
import type { SettlingChannel } from './SettlementSide.ts';
import { type Problem, problemOf, rankOf, unseen, type Watched } from './Watched.ts';

/**
 * The duties of one side over all its channels, driven by the chain's events and the clock: it challenges old states, reveals keys in
 * time, closes as the policy says, and settles. Nothing that it knows is needed after a crash. When the chain does not answer, it says
 * so ({@link Settlement.problems}) and goes on when it does.
 */
export class Settlement {
  readonly #parts: SettlementParts;
  readonly #settings: SettlementSettings;
  readonly #clock: Clock;
  readonly #times: ConfirmationTimes;
  readonly #follower: ChainFollower;
  readonly #closing = new AbortController();
  readonly #channels = new Map<Hash, Watched>();
  readonly #jobs = new Set<Promise<void>>();
  /** Channels to look at, what has a deadline first. */
  #due: [Hash, Watched][] = [];
  #chainProblem: Problem | undefined;
  #loop: Loop | undefined;

  constructor(parts: SettlementParts) {
    this.#parts = parts;
    this.#settings = { ...defaultSettlementSettings, ...parts.settings };
    this.#clock = parts.clock ?? systemClock;
    const { safetySeconds, untriedSeconds } = this.#settings;
    this.#times = new ConfirmationTimes(safetySeconds, untriedSeconds);
    this.#follower = new ChainFollower(parts.chain, parts.side, (channelId, event, isGone) => {
      this.touch(channelId);
      const watched = this.#channels.get(channelId)!;
      watched.isStale = true;
      if (event?.type === 'closing') watched.isToldClosing = !isGone;
    });
  }

  /** Begins. */
  start(): void {
    const { logger } = this.#parts;
    const options = { signal: this.#closing.signal, logger, name: 'settlement', clock: this.#clock };
    this.#loop = every(this.#settings.pollMs, () => this.#tick(), options);
  }

  /** Stops; what was sent stays sent. */
  async close(): Promise<void> {
    this.#closing.abort(new NotariumError('shutting-down', 'the settlement was closed'));
    await this.#loop?.done;
    await Promise.allSettled(this.#jobs);
  }

  /** Something about the channel has changed on this side, such as its newest state: it is looked at again soon. */
  touch(channelId: Hash): void {
    const watched = this.#channels.get(channelId);
    if (watched) watched.lookAt = 0;
    else this.#channels.set(channelId, unseen());
  }

  /**
   * Ends a channel because somebody asks for it, and waits until it is settled and its side has been told. `together` turns into `alone`
   * when the other side does not answer in time. After a crash it has to be asked for again, unless the closing has begun.
   * @throws What the signal aborts with; NotariumError as {@link ChannelChain}.
   */
  async end(
    channelId: Hash,
    how: ClosingWish['how'],
    signal: AbortSignal = this.#closing.signal,
  ): Promise<ChannelEventOf<'settled'>> {
    this.touch(channelId);
    const watched = this.#channels.get(channelId)!;
    watched.wish = { how, reason: 'asked', since: this.#now() };
    const both = AbortSignal.any([signal, this.#closing.signal]);
    for (;;) {
      both.throwIfAborted();
      // The side is told first: what the end has paid is in its records by then.
      const isEnded = watched.status?.status === 'settled' && !watched.untold;
      const settled = isEnded && (await this.#parts.chain.settlement(channelId));
      if (settled) return settled;
      await this.#clock.sleep(this.#settings.pollMs, both);
    }
  }

  /** How long before a deadline a transaction is sent, by how long they have taken lately. */
  safetyDeltaSeconds(): number {
    return this.#times.safetyDeltaSeconds();
  }

  /** What is wrong right now, by stable code. */
  problems(): Problem[] {
    const all = [this.#chainProblem, ...[...this.#channels.values()].map(({ problem }) => problem)];
    return [...new Map(all.flatMap((problem) => (problem ? [[problem.code, problem]] : []))).values()];
  }

  /** Unix seconds: of the chain's newest block, or of the clock, whichever is later. */
  #now(): number {
    return Math.max(this.#follower.block.timestamp, Math.floor(this.#clock.nowMs() / 1000));
  }

  async #tick(): Promise<void> {
    const { metrics, logger } = this.#parts;
    const untold = [...this.#channels.values()].flatMap((watched): [Watched, ChannelStatus][] =>
      watched.untold ? [[watched, watched.untold]] : [],
    );
    try {
      await this.#follower.follow();
    } catch (error) {
      const problem = problemOf(error);
      if (problem.code !== this.#chainProblem?.code) logger.warn({ err: error }, 'the chain cannot be watched');
      this.#chainProblem = problem;
      return;
    }
    if (this.#chainProblem) logger.info({}, 'the chain is watched again');
    this.#chainProblem = undefined;
    // By now the follower was at the block that it came from, or that block is gone.
    for (const [watched, told] of untold) {
      // Another one that a look has found meanwhile may be of a later block.
      if (watched.untold === told) watched.untold = undefined;
      watched.isStale = true;
      watched.lookAt = 0;
    }
    const now = this.#now();
    const due = [...this.#channels].filter(([, { isBusy, lookAt }]) => !isBusy && lookAt <= now);
    this.#due = due.sort(([, a], [, b]) => rankOf(a) - rankOf(b));
    this.#fill();
    const closing = [...this.#channels.values()].filter(({ status }) => status?.status === 'closing').length;
    metrics?.state({ channels: this.#channels.size, closing, block: this.#follower.block.number });
    metrics?.safetyDelta(this.safetyDeltaSeconds());
  }

  #fill(): void {
    while (this.#jobs.size < this.#settings.atOnce && !this.#closing.signal.aborted) {
      const next = this.#due.shift();
      if (!next) return;
      if (!next[1].isBusy) this.#begin(...next);
    }
  }

  #begin(channelId: Hash, watched: Watched): void {
    const { logger } = this.#parts;
    watched.isBusy = true;
    watched.lookAt = this.#now() + this.#settings.sweepSeconds;
    const job = this.#see(channelId, watched)
      .catch((error: unknown) => {
        if (this.#closing.signal.aborted) return;
        this.#retry(watched, error);
        logger.warn({ err: error, channelId }, 'a channel cannot be seen to');
      })
      .finally(() => {
        watched.isBusy = false;
        this.#jobs.delete(job);
        this.#fill();
      });
    this.#jobs.add(job);
  }

  #retry(watched: Watched, error: unknown): void {
    watched.problem = problemOf(error);
    watched.isStale = true;
    watched.lookAt = this.#now() + this.#settings.retrySeconds;
  }

  async #see(channelId: Hash, watched: Watched): Promise<void> {
    const { chain, side } = this.#parts;
    const one = await side.channel(channelId);
    if (!one) {
      // Unless it has come to this side meanwhile.
      if (watched.lookAt > 0) this.#channels.delete(channelId);
      return;
    }
    if (watched.isStale || !watched.status) {
      watched.isStale = false;
      const now = await chain.status(channelId);
      // By a node that is behind the one that told of the closing, or asked before it; or it is gone, which is told soon.
      if (now.status === 'open' && watched.isToldClosing) {
        watched.isStale = true;
        watched.lookAt = 0;
        return;
      }
      if (JSON.stringify(watched.status) !== JSON.stringify(now)) {
        await side.onStatus(channelId, now);
        watched.untold = now.status === 'open' ? undefined : now;
      }
      watched.status = now;
    }
    const { status } = watched.status;
    // A node that is behind the others may not know of the channel yet.
    if (status === 'none') watched.isStale = true;
    // What was told meanwhile may be that the end is gone.
    if (status === 'settled' && !watched.untold && !watched.isStale) this.#channels.delete(channelId);
    if (status !== 'open' && status !== 'closing') return;
    const situation = await this.#situation(one, watched, watched.status);
    const duties = this.#inTurn(watched, dutiesOf(situation));
    watched.problem = undefined;
    await Promise.all(duties.map((duty) => this.#perform(one, watched, duty)));
    watched.lookAt = Math.min(watched.lookAt, nextLook(situation) ?? Number.POSITIVE_INFINITY);
    if (watched.turnAtMs !== undefined) watched.lookAt = 0;
  }

  /** Without what the other side is left to do first. Who has asked for the end does it at once. */
  #inTurn(watched: Watched, duties: Duty[]): Duty[] {
    const isShared = ({ type }: Duty): boolean => type === 'settle' || type === 'closeTogether';
    if (!duties.some(isShared) || watched.wish) {
      watched.turnAtMs = undefined;
      return duties;
    }
    const nowMs = this.#clock.nowMs();
    watched.turnAtMs ??= nowMs + 1000 * this.#settings.otherFirstSeconds;
    if (nowMs < watched.turnAtMs) return duties.filter((duty) => !isShared(duty));
    watched.turnAtMs = undefined;
    return duties;
  }

  async #situation({ channelId }: SettlingChannel, watched: Watched, status: ChannelStatus): Promise<Situation> {
    const { side } = this.#parts;
    const signedClosing = watched.isClosingRefused ? undefined : await side.signedClosing(channelId);
    const { togetherSeconds, askAgainSeconds } = this.#settings;
    const [now, safetyDelta] = [this.#now(), this.safetyDeltaSeconds()];
    const newest = await side.newestState(channelId);
    const have = newest?.state.version ?? 0;
    if (status.status === 'closing' && status.version > have) {
      await side.onStale(channelId, { have, chain: status.version });
    }
    if (!watched.wish && status.status === 'open' && side.role !== 'watchtower')
      watched.wish = await this.#wish(channelId, now);
    return {
      role: side.role,
      status,
      now,
      chainNow: this.#follower.block.timestamp,
      safetyDelta,
      newest,
      signedClosing,
      keys: await this.#keys(channelId, status, now + safetyDelta),
      wish: watched.wish,
      togetherSeconds,
      askAgainSeconds,
    };
  }

  async #wish(channelId: Hash, now: number): Promise<ClosingWish | undefined> {
    const { side, policy } = this.#parts;
    // It signs nothing more: a closing that a reorganisation has taken back, or one that was never begun.
    if (await side.isLeaving?.(channelId)) return { how: 'alone', reason: 'asked', since: now };
    const reason = policy && closingReason(policy, await side.facts(channelId), now);
    // Who cannot ask the other side has nothing to wait for.
    return reason && { how: side.askClosing ? 'together' : 'alone', reason, since: now };
  }

  // Only what is due is asked for: there may be many open locks.
  async #keys(channelId: Hash, { status }: ChannelStatus, dueUntil: number): Promise<Situation['keys']> {
    const { chain, side } = this.#parts;
    return await Promise.all(
      (await side.keys(channelId)).map(async (one) => {
        const isDue = status === 'closing' || one.expiry <= dueUntil;
        const revealedAt = isDue ? await chain.revealedAt(keyHashOf(one.key)) : undefined;
        return revealedAt === undefined ? one : { ...one, revealedAt };
      }),
    );
  }

  async #perform(one: SettlingChannel, watched: Watched, duty: Duty): Promise<void> {
    const { chain, side, logger, metrics } = this.#parts;
    const { channelId } = one;
    const startedMs = this.#clock.nowMs();
    if (duty.type === 'askClosing' && watched.wish) watched.wish = { ...watched.wish, askedAt: this.#now() };
    try {
      await performDuty({ chain, side, logger, signal: this.#closing.signal }, one, duty);
      if (duty.type !== 'askClosing') this.#times.add((this.#clock.nowMs() - startedMs) / 1000);
      metrics?.done(duty.type);
      logger.info({ channelId, duty: duty.type }, 'done for a channel');
      watched.isStale = true;
      watched.lookAt = 0;
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      metrics?.failed(duty.type);
      this.#retry(watched, error);
      if (duty.type === 'closeTogether' && isNotariumError(error, 'chain-call-rejected')) {
        watched.isClosingRefused = true;
      }
      // Somebody else has done it, or it is a moment too early: the next look says which.
      const isMoot = isNotariumError(error, 'channel-state');
      logger[isMoot ? 'info' : 'warn']({ err: error, channelId, duty: duty.type }, 'not done for a channel');
    }
  }
}
