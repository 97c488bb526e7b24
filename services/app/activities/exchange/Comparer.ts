import { type Activity, membersBefore, membersOf } from '../../../core/activities/activity.ts';
import { takesPart } from '../../../core/activities/decided.ts';
import { forksOf } from '../../../core/activities/forks.ts';
import { memberOf } from '../../../core/activities/members.ts';
import { messagesDigest, sharedMessages } from '../../../core/activities/shared.ts';
import type { Address, Hash } from '../../../core/bytes.ts';
import { isNotariumError } from '../../../core/errors.ts';
import { connectedPeers } from '../../../net/connectedPeers.ts';
import type { Net } from '../../../net/Net.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { type Asking, askComparison, wrongComparison } from './askComparison.ts';
import { ChangedElsewhere } from './ChangedElsewhere.ts';
import { type Doubt, Doubts } from './Doubts.ts';
import { FirstComparisons } from './FirstComparisons.ts';
import { Gatherer } from './Gatherer.ts';
import type { HeldMessages } from './HeldMessages.ts';
import { type Compared, type Comparison, maxListed } from './items.ts';
import { serveComparison } from './serveComparison.ts';
import { Wanted } from './Wanted.ts';

const activitiesAtOnce = 256;
const asksLater = 4;
// More pages than any activity has.
const mostPages = 64;
/** Of what who has named it does not give: there may be no such messages, and what there is the others name themselves. */
const mostOfOthers = 64;

type ComparerOptions = {
  readonly signal: AbortSignal;
  /** Called some time after each change and each start, for each activity. */
  readonly quiet: (activity: Activity) => void;
};

/**
 * Finds out whether the members of an activity have the same messages, some time after each change and after each start of this node. Of
 * two members the one with the lower address asks first, and the other one where that does not come, or it is not the same. What is
 * missing is fetched; what does not come, and whoever sees the activity in another way, is told.
 */
export class Comparer {
  readonly doubts: Doubts;
  readonly #parts: ActivityParts;
  readonly #held: Pick<HeldMessages, 'late'>;
  readonly #signal: AbortSignal;
  readonly #quiet: ComparerOptions['quiet'];
  /** When to look with whom it is to be compared. */
  readonly #changed = new Map<Hash, number>();
  readonly #elsewhere: ChangedElsewhere;
  /** Epoch with which this node has come in where those whom it had left behind by it were asked once, by activity. */
  readonly #askedBehind = new Map<Hash, number>();
  /** By member; of those in the registry alone. */
  readonly #wanted = new Map<Address, Wanted>();
  #registered: ReadonlySet<Address> = new Set();
  /** Members with which it is being compared: what somebody waits for has a turn of its own. */
  readonly #turns = { first: new Map<Address, Promise<void>>(), due: new Map<Address, Promise<void>>() };
  readonly #first: FirstComparisons;
  #net: Net | undefined;
  /** Of the activities from before; undefined when all were looked at. */
  #older: { readonly after?: string } | undefined = {};
  #lookedBackMs = 0;

  constructor(parts: ActivityParts, held: Pick<HeldMessages, 'late'>, { signal, quiet }: ComparerOptions) {
    this.#parts = parts;
    this.#held = held;
    this.#signal = signal;
    this.#quiet = quiet;
    this.doubts = new Doubts(parts);
    this.#elsewhere = new ChangedElsewhere(parts);
    this.#first = new FirstComparisons(parts, signal);
  }

  join(net: Net): void {
    this.#net = net;
    serveComparison(this.#parts, net, (member, activity, isSame) => {
      if (!isSame) this.#wantedOf(member)?.want(activity, this.#parts.clock.nowMs());
      // It may have answered otherwise: what is doubtful is over when it is asked itself.
      else if (this.doubts.has(activity, member)) this.#first.compared(activity, member);
      else this.#settled(member, activity);
    });
    net.onConnect((member) => this.#giveTurn(net, member, 'first'));
    this.#first.joined();
  }

  /** Something was taken. Who is in no network compares nothing; what was taken before that is looked at after it. */
  changed(activity: Hash): void {
    if (!this.#net) return;
    const { clock, settings } = this.#parts;
    this.#changed.set(activity, clock.nowMs() + settings.compareMs);
  }

  async look(): Promise<void> {
    const net = this.#net;
    if (!net) return;
    const connected = connectedPeers(net);
    this.#readRegistry();
    this.#lookAgain(connected);
    await this.#lookBack();
    for (const id of await this.#elsewhere.look()) if (!this.#changed.has(id)) this.changed(id);
    const nowMs = this.#parts.clock.nowMs();
    const due = [...this.#changed].filter(([, dueMs]) => dueMs <= nowMs).slice(0, activitiesAtOnce);
    for (const [id, dueMs] of due) {
      const activity = await this.#find(id);
      // What has changed meanwhile is looked at in its time; what could not be read, with the next look.
      if (this.#changed.get(id) === dueMs) this.#changed.delete(id);
      if (!activity) continue;
      this.#plan(activity);
      this.#quiet(activity);
    }
    for (const member of connected) {
      this.#giveTurn(net, member, 'first');
      this.#giveTurn(net, member, 'due');
    }
    this.doubts.tell(this.#held.late());
  }

  /** Resolves once what was said meanwhile is known here, as far as members have it; after a start, and for some time. */
  caughtUp(id: Hash): Promise<void> {
    return this.#first.wait(id, async () => {
      const activity = await this.#find(id);
      if (!activity || !this.#isIn(activity)) return [];
      const others = this.#othersIn(activity);
      const connected = connectedPeers(this.#net);
      this.#readRegistry();
      for (const member of others) {
        this.#wantedOf(member)?.wantFirst(id);
        if (connected.has(member)) this.#giveTurn(this.#net!, member, 'first');
      }
      return others;
    });
  }

  /** Whether {@link Comparer.caughtUp} would wait. */
  async isBehind(activity: Activity): Promise<boolean> {
    return this.#isIn(activity) && (await this.#first.isBehind(activity.id, this.#othersIn(activity)));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#turns.first.values(), ...this.#turns.due.values()]);
  }

  /** Not waited for: a member that answers slowly keeps nobody from being compared with the others. */
  #giveTurn(net: Net, member: Address, kind: 'first' | 'due'): void {
    const turns = this.#turns[kind];
    const wanted = this.#wanted.get(member);
    if (turns.has(member) || !wanted) return;
    const next = () => (kind === 'first' ? wanted.takeFirst() : wanted.due(this.#parts.clock.nowMs()));
    const turn = this.#compareAll(net, member, next, kind)
      .catch((error: unknown) => {
        if (this.#signal.aborted) return;
        this.#parts.logger.error({ err: error, peer: member }, 'activities were not compared with a member');
      })
      .finally(() => turns.delete(member));
    turns.set(member, turn);
  }

  async #compareAll(net: Net, member: Address, next: () => Hash[], kind: 'first' | 'due'): Promise<void> {
    const done = new Set<Hash>();
    while (!this.#signal.aborted) {
      // What is wanted again meanwhile has its turn after the next look: else whoever asks again and again would keep this one going.
      const ids = next().filter((id) => !done.has(id));
      if (ids.length === 0 || !(await this.#compareWith(net, member, ids, kind))) return;
      if (kind === 'due') for (const id of ids) done.add(id);
    }
  }

  /** One that is damaged keeps nobody from comparing the others. */
  #find(id: Hash): Promise<Activity | undefined> {
    return this.#parts.damage.passOver(this.#parts.activities.find(id));
  }

  /** After a start: some of those that have not changed since. */
  async #lookBack(): Promise<void> {
    if (!this.#older) return;
    const { store, clock } = this.#parts;
    const from = this.#older;
    const { items, next } = await store.list({ limit: activitiesAtOnce, ...from });
    for (const { id } of items) if (!this.#changed.has(id)) this.#changed.set(id, clock.nowMs());
    // Somebody may have come into the registry meanwhile: then it begins anew.
    if (this.#older === from) this.#older = next === undefined ? undefined : { after: next };
    this.#lookedBackMs = clock.nowMs();
  }

  /** Activities name members that there are not, as many as a peer likes: nothing is kept for these. */
  #readRegistry(): void {
    const before = this.#registered;
    this.#registered = new Set(this.#parts.registry.nodes().map(({ address }) => address));
    for (const member of this.#wanted.keys()) if (!this.#registered.has(member)) this.#wanted.delete(member);
    // For who is new there nothing was kept.
    if (!this.#registered.isSubsetOf(before)) this.#older = {};
  }

  /** For what there was no room for; not all the time. */
  #lookAgain(connected: ReadonlySet<Address>): void {
    const { clock, settings } = this.#parts;
    if (this.#older || Math.abs(clock.nowMs() - this.#lookedBackMs) < settings.maxRetryMs) return;
    const short = this.#wanted.entries().filter(([member, { hasRoomAgain }]) => hasRoomAgain && connected.has(member));
    for (const [, wanted] of short) {
      wanted.lookedAgain();
      this.#older = {};
    }
  }

  #plan(activity: Activity): void {
    const own = this.#parts.signer.address;
    const membership = membersOf(activity);
    if (!this.#isIn(activity)) {
      this.doubts.drop(activity.id);
      this.#askedBehind.delete(activity.id);
      return;
    }
    this.doubts.forked(activity.id, forksOf(activity));
    const nowMs = this.#parts.clock.nowMs();
    for (const { address } of membership.members) {
      // Usually it has asked by then.
      const waitMs = own < address ? 0 : asksLater * this.#parts.settings.compareMs;
      if (address !== own) this.#wantedOf(address)?.want(activity.id, nowMs + waitMs);
    }
    // Who was removed may have been told that it was somebody else.
    const before = membersBefore(activity);
    // What was doubtful of somebody that has been out since is none of this node's matter.
    for (const address of this.doubts.of(activity.id).keys())
      if (!memberOf(membership, address) && !before.includes(address)) this.doubts.clear(activity.id, address);
    for (const address of [...before, ...this.#newlyLeftBehind(activity)])
      if (!memberOf(membership, address)) this.#wantedOf(address)?.want(activity.id, nowMs);
  }

  /** They may not know that this node is in another group now, and ask it when they are asked. */
  #newlyLeftBehind({ id, since, leftBehind }: Activity): readonly Address[] {
    if (leftBehind.length === 0 || this.#askedBehind.get(id) === since) return [];
    this.#askedBehind.set(id, since);
    return leftBehind;
  }

  #isIn(activity: Activity): boolean {
    return takesPart(activity, this.#parts.signer.address);
  }

  #othersIn(activity: Activity): Address[] {
    const own = this.#parts.signer.address;
    return membersOf(activity).members.flatMap(({ address }) => (address === own ? [] : [address]));
  }

  /** undefined for who is not in the registry. */
  #wantedOf(member: Address): Wanted | undefined {
    let wanted = this.#wanted.get(member);
    if (!wanted && this.#registered.has(member)) {
      wanted = new Wanted();
      this.#wanted.set(member, wanted);
    }
    return wanted;
  }

  /** Whether the member has answered. */
  async #compareWith(net: Net, member: Address, ids: readonly Hash[], kind: 'first' | 'due'): Promise<boolean> {
    const mark = this.#wanted.get(member)?.mark;
    const activities: Activity[] = [];
    for (const id of ids) {
      const activity = await this.#find(id);
      if (activity && this.#isIn(activity)) activities.push(activity);
      else this.#wanted.get(member)?.drop(id);
    }
    if (activities.length === 0) return true;
    try {
      const asked = activities.map((activity) => this.#comparedOf(activity, member));
      const answers = await askComparison(this.#parts, { net, member, signal: this.#signal }, asked);
      for (const [index, activity] of activities.entries()) {
        if (this.#signal.aborted) return false;
        if (await this.#settleInTime(net, member, activity, answers[index]!)) this.#settled(member, activity.id, mark);
        else this.#later(member, activity.id);
      }
      return true;
    } catch (error) {
      if (!isNotariumError(error)) throw error;
      // With the next look, for somebody waits, and it may be busy with what is compared beside it.
      const isFirst = kind === 'first' && isNotariumError(error, 'peer-busy');
      for (const { id } of activities) {
        if (isFirst) this.#wantedOf(member)?.wantFirst(id);
        else this.#later(member, id);
      }
      this.#parts.logger.debug({ err: error, peer: member }, 'a member did not say what it has');
      return false;
    }
  }

  /** @param mark Of when it was begun to be compared: what has changed since is compared as well. */
  #settled(member: Address, activity: Hash, mark?: number): void {
    this.#wanted.get(member)?.drop(activity, mark);
    this.#first.compared(activity, member);
  }

  #later(member: Address, activity: Hash): void {
    const { clock, settings } = this.#parts;
    // Its own question may have settled it meanwhile, but not what it has answered.
    if (this.doubts.has(activity, member)) this.#wanted.get(member)?.want(activity, clock.nowMs());
    const mostMs = Math.max(settings.maxRetryMs, settings.compareMs);
    const pauseMs = (tries: number) => Math.min(settings.compareMs * 2 ** Math.min(tries, 20), mostMs);
    this.#wanted.get(member)?.later(activity, clock.nowMs(), pauseMs);
  }

  #comparedOf(activity: Activity, member: Address): Compared {
    const { signer, crypto } = this.#parts;
    const ids = sharedMessages(activity, [signer.address, member], activity.since);
    return { activity: activity.id, since: activity.since, digest: messagesDigest(ids, crypto.sha256) };
  }

  /** One limit for all that one activity takes with one member; what has come by then stays. */
  async #settleInTime(net: Net, member: Address, activity: Activity, answer: Comparison): Promise<boolean> {
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(this.#parts.settings.requestMs)]);
    try {
      return await this.#settle({ net, member, signal }, activity, answer);
    } catch (error) {
      // The others of this member's are settled all the same.
      if (!isNotariumError(error) && !signal.aborted) throw error;
      this.#parts.logger.debug({ err: error, peer: member }, 'an activity could not be compared in time');
      return false;
    }
  }

  /** Whether nothing is left to be done with this member. */
  async #settle(asking: Asking, activity: Activity, answer: Comparison): Promise<boolean> {
    const { id } = activity;
    const { member } = asking;
    if ('same' in answer) {
      this.doubts.clear(id, member);
      return true;
    }
    const isMember = memberOf(membersOf(activity), member) !== undefined;
    if ('removed' in answer) {
      // Who has been out for longer knows nothing of this node, or was left behind by it.
      if (!isMember && !membersBefore(activity).includes(member)) {
        this.doubts.clear(id, member);
        return true;
      }
      await this.#doubt(id, member, { kind: 'excluded', messages: [] });
      return isMember === false;
    }
    // Of who is no member here nothing is taken.
    if (!isMember) return true;
    if ('unknown' in answer) {
      await this.#doubt(id, member, { kind: 'unknown', messages: [] });
      return false;
    }
    const lacking = await this.#lacking(asking, activity, answer.ids);
    const left = lacking.length === 0 ? [] : await this.#fetch(asking, id, lacking);
    if (answer.forked) await this.#doubt(id, member, { kind: 'forked', messages: [] });
    else if (left.length > 0) await this.#doubt(id, member, { kind: 'lacking', messages: left });
    else this.doubts.clear(id, member);
    return left.length === 0;
  }

  async #doubt(id: Hash, member: Address, doubt: Doubt): Promise<void> {
    const isRead = (await this.#parts.store.activity(id))?.isRead === true;
    this.doubts.raise(id, member, doubt, isRead);
  }

  /** What the other one has and this node has not. */
  async #lacking(asking: Asking, activity: Activity, first: readonly Hash[]): Promise<Hash[]> {
    const asked = this.#comparedOf(activity, asking.member);
    const lacking: Hash[] = [];
    let ids = first;
    let after: Hash | undefined;
    for (let page = 0; page < mostPages; page++) {
      // Else one could go on without end, and would be asked for what it has named before.
      if (!ids.every((id, index) => (index > 0 ? ids[index - 1]! < id : after === undefined || after < id)))
        throw wrongComparison(this.#parts, asking, 'not ids in their order');
      lacking.push(...ids.filter((id) => !activity.taken.has(id)));
      if (ids.length < maxListed) break;
      after = ids.at(-1)!;
      const [answer] = await askComparison(this.#parts, asking, [{ ...asked, after }]);
      ids = answer && 'ids' in answer ? answer.ids : [];
    }
    return lacking;
  }

  /** Asks who has said that it has them, and then the others for some; answers which did not come. */
  async #fetch({ net, member, signal }: Asking, id: Hash, lacking: readonly Hash[]): Promise<Hash[]> {
    const { activities, signer, store, logger, settings } = this.#parts;
    const members = membersOf((await activities.find(id))!).members.map(({ address }) => address);
    const others = members.filter((address) => address !== member && address !== signer.address);
    const connected = connectedPeers(net);
    let left = [...lacking];
    for (const source of [member, ...others.filter((address) => connected.has(address))]) {
      if (left.length === 0 || signal.aborted) break;
      // The next one has time left, too.
      const within = AbortSignal.any([signal, AbortSignal.timeout(settings.requestMs / 2)]);
      try {
        const asked = source === member ? left : left.slice(0, mostOfOthers);
        await new Gatherer(this.#parts, { net, source, signal: within }).some(id, asked);
      } catch (error) {
        if (!isNotariumError(error) && !within.aborted) throw error;
        logger.debug({ err: error, peer: source }, 'a member did not give what is missing');
      }
      const known = await store.known(left);
      left = left.filter((message) => !known.has(message));
    }
    return left;
  }
}
