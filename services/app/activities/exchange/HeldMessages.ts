import { type Ack, type AckStage, signAck } from '../../../core/activities/ack.ts';
import { membersOf } from '../../../core/activities/activity.ts';
import { isKnownTo } from '../../../core/activities/haveMet.ts';
import { knowsNoPast } from '../../../core/activities/onTrust.ts';
import type { Sealed } from '../../../core/activities/sealed.ts';
import type { Address, Hash } from '../../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../../core/errors.ts';
import { type OpeningKey, unseal } from '../../../lib/activities/seal.ts';
import { InOrder } from '../../../lib/InOrder.ts';
import { connectedPeers } from '../../../net/connectedPeers.ts';
import type { Net } from '../../../net/Net.ts';
import type { HeldMessage, HeldName } from '../../../store/activities/ActivityStore.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { isWaitingForCheck } from '../bodies/BodyChecks.ts';
import { type Opened, openArrived, readEnvelope } from './arrived.ts';
import { envelopeItem } from './envelopeItems.ts';
import { Gatherer } from './Gatherer.ts';
import { activityProtocols, framesOf } from './items.ts';
import { knowsOf } from './knowsOf.ts';
import { lengthen, type Pause } from './Pause.ts';
import { SourceTurns } from './SourceTurns.ts';
import { takeOpened } from './takeOpened.ts';

const gatherMs = 60_000;
const ackMs = 10_000;
// Twice as many as can be held at all.
const mostActivities = 8192;

// Looks that ask at a time: what is held of one activity is in memory meanwhile.
const mostAsking = 64;

/** Of an activity of which something is held. */
type Waiting = Pause & {
  /** How often something has come for it, so that a look knows what it has not seen. */
  holds: number;
  /** Since when something is held whose base does not come. */
  missingSinceMs?: number | undefined;
  /** What came after its sender was removed, with the members of that time: as long as these are the same it stays so. */
  readonly late: Map<string, Hash>;
};

/** Why something stays held: its base does not come, or its turn may come yet. */
type Left = 'missing' | 'waiting';

/** Messages that came before what they build on: on the disk, until that has come. */
export class HeldMessages {
  readonly #parts: ActivityParts;
  readonly #signal: AbortSignal;
  readonly #pauses = new Map<Hash, Waiting>();
  readonly #looking = new InOrder();
  readonly #asking = new Set<Hash>();
  readonly #turns: SourceTurns;
  #net: Net | undefined;

  constructor(parts: ActivityParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    this.#turns = new SourceTurns(parts);
  }

  /** Activities for which something is held. */
  get count(): number {
    return this.#pauses.size;
  }

  /** Activities of which something has waited too long for what it builds on. */
  late(): number {
    const { clock, settings } = this.#parts;
    const dueMs = clock.nowMs() - settings.incompleteMs;
    return [...this.#pauses.values()].filter(({ missingSinceMs = Infinity }) => missingSinceMs <= dueMs).length;
  }

  async join(net: Net): Promise<void> {
    await this.#find();
    this.#net = net;
  }

  /** On the disk when it resolves. @param isLate Its sender was removed before it came. */
  async hold({ message, envelope, from, sealDigest }: Opened, isLate = false): Promise<void> {
    const { store, clock } = this.#parts;
    const { activity } = message.head;
    const heldMs = clock.nowMs();
    await store.hold({ activity, from, sealDigest, item: envelopeItem(envelope), heldMs }, isLate);
    this.#waiting(activity).holds++;
    if (this.#pauses.size > mostActivities) await this.#forgetOthers();
  }

  /** What is held is bounded, but of what was given up for it something would stay here. */
  async #forgetOthers(): Promise<void> {
    const held = new Set(await this.#parts.store.heldActivities());
    for (const activity of this.#pauses.keys()) if (!held.has(activity)) this.#pauses.delete(activity);
  }

  /** Wraps what is held for older keys of this node for this one. */
  async sealAnew(key: Hash): Promise<void> {
    const { store, clock, sealer, keys } = this.#parts;
    for (const held of await store.held()) {
      const { activity, from, sealDigest, item } = held;
      const { envelope } = readEnvelope(this.#parts, from, item);
      if (envelope.sealed.recipients.some(({ header }) => header.kid === key)) continue;
      const contentKey = keyIn(envelope.sealed, keys);
      // It is given up when it is looked at.
      if (!contentKey) continue;
      const sealed = sealer.wrapAgain(envelope.sealed, contentKey, key);
      // Of what is lost between the two, another member has a copy.
      await store.save({ activity, nowMs: clock.nowMs(), released: [{ sealDigest, from }] });
      await store.hold({ ...held, item: envelopeItem({ sealed, copy: true }) });
    }
  }

  /** Its sender has been told that it is taken. */
  async release({ message, sealDigest, from }: Opened): Promise<void> {
    const { store, clock } = this.#parts;
    const { activity } = message.head;
    await store.save({ activity, nowMs: clock.nowMs(), released: [{ sealDigest, from }] });
  }

  /** Something was taken: what is held for that activity may have been waiting for it. */
  changed(activity: Hash): void {
    if (this.#pauses.has(activity)) void this.#look(activity, false);
  }

  /** Asks for what is missing, where it is time to. */
  async look(): Promise<void> {
    const { store, onDuty } = this.#parts;
    if (!this.#net) return;
    if (store.isShared) {
      if (!(await onDuty())) return;
      await this.#find();
    }
    const nowMs = this.#parts.clock.nowMs();
    const due = [...this.#pauses]
      .filter(([activity, { nextMs }]) => nextMs <= nowMs && !this.#asking.has(activity))
      .toSorted(([, a], [, b]) => a.nextMs - b.nextMs);
    // Not waited for: a member that does not answer keeps nobody else's from being looked at.
    for (const [activity] of due.slice(0, mostAsking - this.#asking.size)) {
      this.#asking.add(activity);
      void this.#look(activity, true).then(() => this.#asking.delete(activity));
    }
  }

  async close(): Promise<void> {
    await this.#looking.idle();
  }

  async #find(): Promise<void> {
    for (const activity of await this.#parts.store.heldActivities()) this.#waiting(activity);
  }

  #waiting(activity: Hash): Waiting {
    let waiting = this.#pauses.get(activity);
    if (!waiting) {
      waiting = { failures: 0, nextMs: 0, holds: 0, late: new Map() };
      this.#pauses.set(activity, waiting);
    }
    return waiting;
  }

  /**
   * One look at a time at each activity; what comes meanwhile is looked at after it. What has come is taken also while somebody is asked for
   * something else, and does not answer.
   */
  #look(activity: Hash, asks: boolean): Promise<void> {
    return this.#looking.run(`${activity} ${asks}`, async () => {
      try {
        await this.#lookOnce(activity, asks);
      } catch (error) {
        if (!this.#signal.aborted)
          this.#parts.logger.error({ err: error, activity }, 'held messages were not looked at');
      }
    });
  }

  async #lookOnce(activity: Hash, asks: boolean): Promise<void> {
    const { store, activities, clock, settings } = this.#parts;
    const pause = this.#pauses.get(activity);
    if (!pause || this.#signal.aborted) return;
    const { holds } = pause;
    let left = 0;
    let missingSinceMs: number | undefined;
    const group = pause.late.size === 0 ? undefined : (await activities.find(activity))?.group;
    const there = new Set<string>();
    const isLookedAt = (name: HeldName): boolean => {
      there.add(nameOf(name));
      const isYoung = clock.nowMs() - name.heldMs < settings.undeliveredMs;
      if (group === undefined || !isYoung || pause.late.get(nameOf(name)) !== group) return true;
      left++;
      return false;
    };
    for (const held of await store.held(activity, isLookedAt)) {
      if (this.#signal.aborted) return;
      const why = await this.#settle(held, asks, pause);
      if (why) left++;
      else pause.late.delete(nameOf(held));
      if (why === 'missing') missingSinceMs = Math.min(missingSinceMs ?? held.heldMs, held.heldMs);
    }
    pause.missingSinceMs = missingSinceMs;
    for (const name of pause.late.keys()) if (!there.has(name)) pause.late.delete(name);
    if (left === 0) {
      if (pause.holds === holds && this.#pauses.get(activity) === pause) this.#pauses.delete(activity);
      return;
    }
    if (!asks) return;
    lengthen(pause, this.#parts);
  }

  /** Why something is left to be done for it; undefined where nothing is. */
  async #settle(held: HeldMessage, asks: boolean, { late }: Waiting): Promise<Left | undefined> {
    const { store, activities, clock, refusals, settings, damage } = this.#parts;
    const { activity, sealDigest, from } = held;
    const before = await activities.find(activity);
    try {
      await this.#take(held, asks);
      // Its sender knows only that it has come.
      if (!(await this.#tell(from, await this.ackOf(sealDigest, 'read')))) return 'waiting';
    } catch (error) {
      if (!isNotariumError(error)) throw error;
      if (isWaitingForCheck(error)) return 'waiting';
      if (error.code.startsWith('peer-') || error.code === 'activity-message-early') return 'missing';
      if (error.code.startsWith('storage-')) throw error;
      if (damage.told(error)) return 'waiting';
      // When somebody has looked at what is there; when its body can be checked.
      if (['activity-sender-full', 'not-ready', 'shutting-down'].includes(error.code)) return 'waiting';
      // Refused already; of another change of the members it may be in time.
      const isStale = error.code === 'activity-epoch-stale';
      if (isStale && clock.nowMs() - held.heldMs < settings.undeliveredMs) {
        if (before) late.set(nameOf(held), before.group);
        return 'waiting';
      }
      refusals.count(error, from);
    }
    await store.save({ activity, nowMs: clock.nowMs(), released: [{ sealDigest, from }] });
    return undefined;
  }

  async #take(held: HeldMessage, asks: boolean): Promise<void> {
    // Of its sender's, where that knows of it: anybody else may claim a seal that it was shown, and is told nothing by it.
    const known = (await this.#parts.store.sentUnder([held.sealDigest])).get(held.sealDigest);
    if (known?.sender === held.from && (await knowsOf(this.#parts, known.activity, held.from))) return;
    const opened = await openArrived(this.#parts, readEnvelope(this.#parts, held.from, held.item));
    try {
      await takeOpened(this.#parts, opened);
      return;
    } catch (error) {
      if (isNotariumError(error, 'activity-message-known')) return;
      if (!isNotariumError(error, 'activity-message-early')) throw error;
    }
    const { clock, settings, activities } = this.#parts;
    const { activity: id, epoch } = opened.message.head;
    const activity = await activities.find(id);
    const isTold = activity !== undefined && isKnownTo(activity, this.#parts.signer.address, held.from);
    // What it builds on is not for this node. It may be in time where it comes in by another change.
    if (isTold && knowsNoPast(activity) && epoch < activity.since)
      throw new NotariumError('activity-epoch-stale', 'this node has come in later');
    if (!asks) throw new NotariumError('activity-message-early');
    const isOverdue = clock.nowMs() - held.heldMs >= settings.incompleteMs;
    await this.gather(opened, await this.#sources(opened), { isOverdue });
  }

  /**
   * Takes a message after what it builds on, which one of these members has.
   * @throws NotariumError of the last one that was asked; `peer-unreachable` where nobody is.
   */
  async gather(
    opened: Opened,
    sources: readonly Address[],
    {
      until = this.#signal,
      isOverdue,
    }: { readonly until?: AbortSignal; readonly isOverdue?: boolean | undefined } = {},
  ): Promise<void> {
    const net = this.#net;
    const signal = AbortSignal.any([this.#signal, until]);
    let failure: unknown = new NotariumError('peer-unreachable', 'nobody can be asked for what is missing');
    for (const source of net ? sources : []) {
      try {
        return await this.#turns.take(source, signal, async () => {
          await this.#gatherFrom(opened, { net: net!, source, isOverdue }, signal);
        });
      } catch (error) {
        failure = error;
        this.#parts.logger.debug({ err: error, peer: source }, 'a member did not give what is missing');
        if (signal.aborted) break;
      }
    }
    throw failure;
  }

  async #gatherFrom(
    opened: Opened,
    asked: Omit<ConstructorParameters<typeof Gatherer>[1], 'signal'>,
    until: AbortSignal,
  ): Promise<void> {
    const late = AbortSignal.timeout(gatherMs);
    const signal = AbortSignal.any([until, late]);
    try {
      await new Gatherer(this.#parts, { ...asked, signal }).take(opened);
    } catch (error) {
      // What a signal ends says nothing of the network.
      if (!signal.aborted || isNotariumError(error)) throw error;
      throw new NotariumError(late.aborted ? 'peer-timeout' : 'peer-busy', 'it takes too long', { cause: error });
    }
  }

  /** Its sender first, then whoever is connected. */
  async #sources({ from, message }: Opened): Promise<Address[]> {
    const { activities, signer } = this.#parts;
    const { head } = message;
    const activity = await activities.find(head.activity);
    const opens = head.type === 'start' || head.type === 'members' ? head.membership : undefined;
    const isKnown = activity && isKnownTo(activity, signer.address, from);
    const members = (opens ?? (isKnown ? membersOf(activity) : undefined))?.members ?? [];
    const connected = connectedPeers(this.#net);
    const others = members.map(({ address }) => address).filter((address) => connected.has(address));
    return [from, ...others.filter((address) => address !== from && address !== signer.address)];
  }

  /** An acknowledgement of this node's. */
  ackOf(sealDigest: Hash, stage: AckStage): Promise<Ack> {
    const { network, signer, crypto, clock } = this.#parts;
    const time = Math.floor(clock.nowMs() / 1000);
    return signAck(network, { seal: sealDigest, stage, time }, signer, crypto);
  }

  async #tell(to: Address, ack: Ack): Promise<boolean> {
    if (!this.#net) return false;
    try {
      const frames = framesOf([JSON.stringify({ ack })]);
      const answer = this.#net.request(to, activityProtocols.deliver, frames, {
        timeoutMs: ackMs,
        signal: this.#signal,
      });
      await Array.fromAsync(answer);
      return true;
    } catch (error) {
      this.#parts.logger.debug({ err: error, peer: to }, 'an acknowledgement was not delivered');
      return false;
    }
  }
}

function nameOf({ sealDigest, from }: Pick<HeldName, 'sealDigest' | 'from'>): string {
  return `${sealDigest} ${from}`;
}

function keyIn(sealed: Sealed, keys: readonly OpeningKey[]): Uint8Array | undefined {
  try {
    return unseal(sealed, keys).contentKey;
  } catch (error) {
    if (isNotariumError(error, 'activity-message-unreadable')) return undefined;
    throw error;
  }
}
