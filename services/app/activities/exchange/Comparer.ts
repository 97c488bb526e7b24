import { type Activity, membersOf } from '../../../core/activities/activity.ts';
import { leaversOf } from '../../../core/activities/decided.ts';
import { forksOf } from '../../../core/activities/forks.ts';
import { memberOf } from '../../../core/activities/members.ts';
import { messagesDigest, sharedMessages } from '../../../core/activities/shared.ts';
import type { Address, Hash } from '../../../core/bytes.ts';
import { isNotariumError, type NotariumError } from '../../../core/errors.ts';
import { jsonOrUndefined } from '../../../lib/jsonOrUndefined.ts';
import { connectedPeers } from '../../../net/connectedPeers.ts';
import type { Net } from '../../../net/Net.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { Doubts } from './Doubts.ts';
import { FirstComparisons } from './FirstComparisons.ts';
import { Gatherer } from './Gatherer.ts';
import type { HeldMessages } from './HeldMessages.ts';
import {
  activityProtocols,
  type Compared,
  type Comparison,
  comparisonSchema,
  framesOf,
  itemsOf,
  maxCompared,
  maxListed,
} from './items.ts';
import { serveComparison } from './serveComparison.ts';
import { wrongAnswer } from './wrongAnswer.ts';

const activitiesAtOnce = 256;
const answerBytes = 100 * maxListed;
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

type Waiting = { nextMs: number; tries: number };

/** Whom something is asked of, and for how long. */
type Asking = { readonly net: Net; readonly member: Address; readonly signal: AbortSignal };

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
  readonly #waiting = new Map<Address, Map<Hash, Waiting>>();
  /** Members with which it is being compared. */
  readonly #turns = new Map<Address, Promise<void>>();
  readonly #first: FirstComparisons;
  #net: Net | undefined;
  /** Of the activities from before; undefined when all were looked at. */
  #older: { readonly after?: string } | undefined = {};

  constructor(parts: ActivityParts, held: Pick<HeldMessages, 'late'>, { signal, quiet }: ComparerOptions) {
    this.#parts = parts;
    this.#held = held;
    this.#signal = signal;
    this.#quiet = quiet;
    this.doubts = new Doubts(parts);
    this.#first = new FirstComparisons(parts, signal);
  }

  join(net: Net): void {
    this.#net = net;
    serveComparison(this.#parts, net, (member, activity, isSame) => {
      if (isSame) this.#settled(member, activity);
      else this.#want(member, activity, 0);
    });
  }

  /** Something was taken. */
  changed(activity: Hash): void {
    const { clock, settings } = this.#parts;
    this.#changed.set(activity, clock.nowMs() + settings.compareMs);
  }

  async look(): Promise<void> {
    const net = this.#net;
    if (!net) return;
    await this.#lookBack();
    const nowMs = this.#parts.clock.nowMs();
    const due = [...this.#changed].filter(([, dueMs]) => dueMs <= nowMs).slice(0, activitiesAtOnce);
    for (const [id] of due) {
      this.#changed.delete(id);
      const activity = await this.#find(id);
      if (!activity) continue;
      this.#plan(activity);
      this.#quiet(activity);
    }
    for (const member of connectedPeers(net)) this.#giveTurn(net, member);
    this.doubts.tell(this.#held.late());
  }

  /** Resolves once what was said meanwhile is known here, as far as members have it; after a start, and for some time. */
  caughtUp(id: Hash): Promise<void> {
    return this.#first.wait(id, async () => {
      const activity = await this.#find(id);
      if (!activity || !this.#isIn(activity)) return [];
      const others = this.#othersIn(activity);
      const connected = connectedPeers(this.#net);
      for (const member of others) {
        this.#want(member, id, 0);
        if (connected.has(member)) this.#giveTurn(this.#net!, member);
      }
      return others;
    });
  }

  /** Whether {@link Comparer.caughtUp} would wait. */
  async isBehind(activity: Activity): Promise<boolean> {
    return this.#isIn(activity) && (await this.#first.isBehind(activity.id, this.#othersIn(activity)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#turns.values());
  }

  /** Not waited for: a member that answers slowly keeps nobody from being compared with the others. */
  #giveTurn(net: Net, member: Address): void {
    if (this.#turns.has(member)) return;
    const turn = this.#compareWith(net, member)
      .catch((error: unknown) => {
        if (this.#signal.aborted) return;
        this.#parts.logger.error({ err: error, peer: member }, 'activities were not compared with a member');
      })
      .finally(() => this.#turns.delete(member));
    this.#turns.set(member, turn);
  }

  /** One that is damaged keeps nobody from comparing the others. */
  #find(id: Hash): Promise<Activity | undefined> {
    return this.#parts.damage.passOver(this.#parts.activities.find(id));
  }

  /** After a start: some of those that have not changed since. */
  async #lookBack(): Promise<void> {
    if (!this.#older) return;
    const { store, clock } = this.#parts;
    const { items, next } = await store.list({ limit: activitiesAtOnce, ...this.#older });
    for (const { id } of items) if (!this.#changed.has(id)) this.#changed.set(id, clock.nowMs());
    this.#older = next === undefined ? undefined : { after: next };
  }

  #plan(activity: Activity): void {
    const own = this.#parts.signer.address;
    const membership = membersOf(activity);
    if (!this.#isIn(activity)) {
      this.doubts.drop(activity.id);
      return;
    }
    this.doubts.forked(activity.id, forksOf(activity));
    const nowMs = this.#parts.clock.nowMs();
    for (const { address } of membership.members) {
      // Usually it has asked by then.
      const waitMs = own < address ? 0 : asksLater * this.#parts.settings.compareMs;
      if (address !== own) this.#want(address, activity.id, nowMs + waitMs);
    }
    // Who was removed may have been told that it was somebody else.
    for (const { address } of activity.epochs.get(membership.previous)?.membership.members ?? [])
      if (!memberOf(membership, address)) this.#want(address, activity.id, nowMs);
  }

  #isIn(activity: Activity): boolean {
    const own = this.#parts.signer.address;
    return memberOf(membersOf(activity), own) !== undefined && !leaversOf(activity).has(own);
  }

  #othersIn(activity: Activity): Address[] {
    const own = this.#parts.signer.address;
    return membersOf(activity).members.flatMap(({ address }) => (address === own ? [] : [address]));
  }

  #want(member: Address, activity: Hash, atMs: number): void {
    let waiting = this.#waiting.get(member);
    if (!waiting) {
      waiting = new Map();
      this.#waiting.set(member, waiting);
    }
    const known = waiting.get(activity);
    if (!known) waiting.set(activity, { nextMs: atMs, tries: 0 });
    else if (known.tries === 0) known.nextMs = Math.min(known.nextMs, atMs);
  }

  async #compareWith(net: Net, member: Address): Promise<void> {
    const waiting = this.#waiting.get(member);
    if (!waiting) return;
    const nowMs = this.#parts.clock.nowMs();
    const due = [...waiting].filter(([, { nextMs }]) => nextMs <= nowMs).slice(0, maxCompared);
    const activities: Activity[] = [];
    for (const [id] of due) {
      const activity = await this.#find(id);
      if (activity && this.#isIn(activity)) activities.push(activity);
      else waiting.delete(id);
    }
    if (activities.length === 0) return;
    try {
      const asked = activities.map((activity) => this.#comparedOf(activity, member));
      const answers = await this.#ask({ net, member, signal: this.#signal }, asked);
      for (const [index, activity] of activities.entries()) {
        if (this.#signal.aborted) return;
        if (await this.#settleInTime(net, member, activity, answers[index]!)) this.#settled(member, activity.id);
        else this.#later(waiting.get(activity.id));
      }
    } catch (error) {
      if (!isNotariumError(error)) throw error;
      for (const { id } of activities) this.#later(waiting.get(id));
      this.#parts.logger.debug({ err: error, peer: member }, 'a member did not say what it has');
    }
  }

  #settled(member: Address, activity: Hash): void {
    this.#waiting.get(member)?.delete(activity);
    this.#first.compared(activity, member);
  }

  /** @param waiting undefined where the other one has asked meanwhile, and has the same. */
  #later(waiting: Waiting | undefined): void {
    if (!waiting) return;
    const { clock, settings } = this.#parts;
    const ms = settings.compareMs * 2 ** Math.min(waiting.tries++, 20);
    waiting.nextMs = clock.nowMs() + Math.min(ms, Math.max(settings.maxRetryMs, settings.compareMs));
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
      this.doubts.raise(id, member, { kind: 'excluded', messages: [] });
      return isMember === false;
    }
    // Of who is no member here nothing is taken.
    if (!isMember) return true;
    if ('unknown' in answer) {
      this.doubts.raise(id, member, { kind: 'unknown', messages: [] });
      return false;
    }
    const lacking = await this.#lacking(asking, activity, answer.ids);
    const left = lacking.length === 0 ? [] : await this.#fetch(asking, id, lacking);
    if (answer.forked) this.doubts.raise(id, member, { kind: 'forked', messages: [] });
    else if (left.length > 0) this.doubts.raise(id, member, { kind: 'lacking', messages: left });
    else this.doubts.clear(id, member);
    return left.length === 0;
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
        throw this.#wrong(asking, 'not ids in their order');
      lacking.push(...ids.filter((id) => !activity.taken.has(id)));
      if (ids.length < maxListed) break;
      after = ids.at(-1)!;
      const [answer] = await this.#ask(asking, [{ ...asked, after }]);
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

  async #ask({ net, member, signal }: Asking, asked: readonly Compared[]): Promise<Comparison[]> {
    const texts = asked.map((one) => JSON.stringify(one));
    const frames = net.request(member, activityProtocols.compare, framesOf(texts), {
      timeoutMs: this.#parts.settings.requestMs,
      signal,
    });
    const bounds = { itemBytes: answerBytes, items: maxCompared, bytes: answerBytes * maxCompared };
    const answers: Comparison[] = [];
    for await (const item of itemsOf(frames, bounds)) {
      const parsed = comparisonSchema.safeParse(jsonOrUndefined(item));
      if (!parsed.success) throw this.#wrong({ net, member }, 'not the expected comparison');
      answers.push(parsed.data);
    }
    if (answers.length !== asked.length) throw this.#wrong({ net, member }, 'not a comparison for each activity');
    return answers;
  }

  #wrong({ net, member }: Pick<Asking, 'net' | 'member'>, detail: string): NotariumError {
    const error = wrongAnswer(net, member, detail);
    this.#parts.refusals.count(error, member);
    return error;
  }
}
