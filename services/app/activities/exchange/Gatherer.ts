import { type Bases, basesOf } from '../../../core/activities/basesOf.ts';
import { memberOf } from '../../../core/activities/members.ts';
import type { HeadOf } from '../../../core/activities/message.ts';
import type { Missing } from '../../../core/activities/refused.ts';
import { rightAsToldBy } from '../../../core/activities/rightTo.ts';
import type { Address, Hash } from '../../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../../core/errors.ts';
import { connectedPeers } from '../../../net/connectedPeers.ts';
import type { Net } from '../../../net/Net.ts';
import { jsonFrame } from '../../replication/wire.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { arrivedOf, type Opened, openArrived } from './arrived.ts';
import { maxEnvelopeBytes, readCopy } from './envelopeItems.ts';
import { activityProtocols, itemsOf, type MessagesQuery, maxItems, maxItemsBytes } from './items.ts';
import { knowsOf } from './knowsOf.ts';
import { forgedPoints } from './Refusals.ts';
import { type How, takeOpened } from './takeOpened.ts';
import { wrongAnswer } from './wrongAnswer.ts';

const requestMs = 30_000;
// A chain of messages that is longer is asked for as a whole.
const mostDeep = 6;
const mostMessages = 200_000;
/** Others that are asked whether a sender keeps something back. */
const mostAsked = 8;

type Copy = { readonly place: number; readonly opened: Opened };
/** On whose word something is wanted, and how far it is from what came early. */
type Wanted = { readonly by: Address | undefined; readonly depth: number };

/** Whom a {@link Gatherer} asks, and how. */
type GathererOptions = {
  readonly net: Net;
  readonly source: Address;
  readonly signal: AbortSignal;
  /** What is asked for has waited for so long that whoever was to deliver what comes before it is not waited for any more. */
  readonly isOverdue?: boolean | undefined;
};

/**
 * Fetches what a message builds on from a member that has it. A source that need not know that the activity is here is asked by what it has
 * given alone, whatever of that is here already: by the questions it would find out who came after it.
 */
export class Gatherer {
  readonly #parts: ActivityParts;
  readonly #net: Net;
  readonly #source: Address;
  readonly #signal: AbortSignal;
  readonly #isOverdue: boolean;
  readonly #asked = new Set<Hash>();
  /** Epochs that it was asked for, and has not given the opening of. */
  readonly #ungiven = new Set<Hash>();
  /** By which this node was let in without what was before, as far as what was given says so: see `isAddition`. */
  readonly #additions: Opened[] = [];
  /** It need not know that the activity is here. */
  #isStranger = false;
  /** Why something that a stranger gave could not be checked: it is asked for the rest all the same. */
  #busy: NotariumError | undefined;

  constructor(parts: ActivityParts, { net, source, signal, isOverdue = false }: GathererOptions) {
    this.#parts = parts;
    this.#net = net;
    this.#source = source;
    this.#signal = signal;
    this.#isOverdue = isOverdue;
  }

  /**
   * Takes a message that came early, after what it builds on.
   * @throws NotariumError `activity-message-early` where the source does not give all of that; as `takeOpened`, and of the network.
   */
  async take(opened: Opened): Promise<void> {
    const { head } = opened.message;
    const missing = await this.#tryTo(opened);
    if (!missing) return;
    const { activities } = this.#parts;
    const before = await activities.find(head.activity);
    this.#isStranger = !(await knowsOf(this.#parts, head.activity, this.#source));
    const isHistory = head.type === 'members' && head.terms.rules.history;
    const by = before && head.sender;
    let count: number;
    if (!this.#isStranger) count = await this.#fetch(head.activity, missing, { by: head.sender, depth: 0 });
    else if (isHistory) count = await this.#all(head.activity, by);
    else count = await this.#askStranger(head.activity, basesMissing(missing), { by, depth: 0 });
    const now = await activities.find(head.activity);
    const isBacked = before !== undefined && activities.countOf(now!) > activities.countOf(before);
    let left = await this.#tryTo(opened, { isBacked });
    if (!left) return;
    if (count === 0 && head.type === 'members' && !isHistory && this.#source === head.sender) {
      // Its sender gives nothing to who was no member: this node was added without what was before.
      if (!(await this.#takeKeptBack(head))) return await takeOpened(this.#parts, opened, { isJoin: true });
      left = await this.#tryTo(opened, { isBacked: true });
      if (!left) return;
    }
    const isByInitiator = this.#source === head.sender && isAddition(opened, this.#parts.signer.address);
    if ((this.#isOverdue || isByInitiator) && (await this.#comeInBefore(opened))) return;
    throw this.#busy ?? new NotariumError('activity-message-early', undefined, { data: { missing: left } });
  }

  /**
   * Lets this node in where it was added and that has not come from whoever has added it, by what another member has given: by the initiator,
   * which gives nothing of before the first one, at once; else when it is overdue, for whoever gives it could leave out an earlier one, and
   * this node would never have what was said until then.
   */
  async #comeInBefore(opened: Opened): Promise<boolean> {
    const own = isAddition(opened, this.#parts.signer.address) ? [opened] : [];
    const additions = [...this.#additions, ...own].toSorted((a, b) => a.message.head.epoch - b.message.head.epoch);
    const first = additions[0]?.message.head as HeadOf<'members'> | undefined;
    if (!first || !(this.#isOverdue || this.#ungiven.has(first.membership.previous))) return false;
    try {
      // By the first one that is enough; those after it follow from it.
      for (const addition of additions) await this.#tryTo(addition, { isJoin: true });
      return (await this.#tryTo(opened, { isBacked: true })) === undefined;
    } catch (error) {
      // What was given is wrong: of what was delivered that says nothing.
      if (!isNotariumError(error) || error.code.startsWith('storage-')) throw error;
      return false;
    }
  }

  /**
   * Whether another member has what comes before a change of the members, which its sender then keeps back: this node would come in too late
   * by it. The initiator's word is enough alone. Whoever else has it may give it.
   */
  async #takeKeptBack(head: HeadOf<'members'>): Promise<boolean> {
    if (rightAsToldBy(head) === 'initiator') return false;
    const { signer, settings } = this.#parts;
    const connected = connectedPeers(this.#net);
    const others = head.membership.members
      .filter(({ address }) => address !== signer.address && address !== this.#source && connected.has(address))
      .slice(0, mostAsked);
    // One that does not answer keeps nobody out.
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(settings.requestMs / 8)]);
    const given = others.map(async ({ address: source }) => {
      const gatherer = new Gatherer(this.#parts, { net: this.#net, source, signal });
      return await gatherer.#openingsOf(head.activity, head.membership.previous);
    });
    const openings = (await Promise.all(given)).flat();
    const addition = openings.find((opening) => isAddition(opening, signer.address));
    if (addition) await this.#tryTo(addition, { isJoin: true });
    return openings.length > 0;
  }

  /** What has opened an epoch with this node; of who cannot be asked nothing. */
  async #openingsOf(activity: Hash, group: Hash): Promise<Opened[]> {
    const { address } = this.#parts.signer;
    try {
      return await this.#ask({ activity, messages: [], groups: [group] }, async (copies) =>
        copies.flatMap(({ opened }) => {
          const { head } = opened.message;
          return head.type === 'members' && head.group === group && memberOf(head.membership, address) ? [opened] : [];
        }),
      );
    } catch (error) {
      if (!isNotariumError(error) && !this.#signal.aborted) throw error;
      return [];
    }
  }

  /** Takes those of these messages that the source has, each after what it builds on. @throws NotariumError of the network. */
  async some(activity: Hash, messages: readonly Hash[]): Promise<void> {
    for (let at = 0; at < messages.length; at += maxItems) {
      const asked = messages.slice(at, at + maxItems);
      await this.#ask({ activity, messages: asked, groups: [] }, async (copies) => {
        for (const { opened } of copies) {
          if (!asked.includes(opened.message.id)) throw this.#wrong('what was not asked for');
          await this.#takeOne(activity, opened, { by: this.#source, depth: 0 });
        }
      });
    }
  }

  async #takeOne(activity: Hash, opened: Opened, { by, depth }: Wanted): Promise<void> {
    const missing = await this.#tryAnyhow(opened, by);
    if (!missing) return;
    await this.#fetch(activity, missing, { by: opened.message.head.sender, depth });
    await this.#tryAnyhow(opened, by);
  }

  /** What one member has said that nobody can take keeps nothing else away. */
  async #tryAnyhow(opened: Opened, by: Address | undefined): Promise<Missing | undefined> {
    try {
      return await this.#tryTo(opened, { isWanted: true, ...(by && { wantedBy: by }) });
    } catch (error) {
      // What was refused is counted; the others may be right.
      if (!isNotariumError(error) || error.code.startsWith('storage-')) throw error;
      if (!error.code.startsWith('peer-')) return undefined;
      if (!this.#isStranger) throw error;
      this.#busy ??= error;
      return undefined;
    }
  }

  /** What is still missing; undefined where it is taken. */
  async #tryTo(opened: Opened, how?: How): Promise<Missing | undefined> {
    try {
      await takeOpened(this.#parts, opened, how);
    } catch (error) {
      if (isNotariumError(error, 'activity-message-known')) return undefined;
      if (isNotariumError(error, 'activity-message-early')) return error.data.missing as Missing;
      if (how?.isWanted) this.#refused(error, !this.#isStranger);
      throw error;
    }
    return undefined;
  }

  /** Answers how many came. */
  async #fetch(activity: Hash, missing: Missing, { by, depth }: Wanted): Promise<number> {
    if (depth > mostDeep) return await this.#all(activity, this.#source);
    return await this.#askFor(activity, basesMissing(missing), async (given) => {
      for (const opened of given) await this.#takeOne(activity, opened, { by, depth: depth + 1 });
    });
  }

  /**
   * As {@link Gatherer.#fetch}, of a stranger: for what it has given it is asked for all that this names, until it turns out to be no
   * stranger. Answers how many came at first.
   */
  async #askStranger(activity: Hash, bases: Bases, { by, depth }: Wanted): Promise<number> {
    if (depth > mostDeep) return await this.#all(activity, by);
    return await this.#askFor(activity, bases, async (given) => {
      const isOpening = ({ message: { head } }: Opened): boolean => head.type === 'start' || head.type === 'members';
      const some = [...given.filter(isOpening), ...given.filter((opened) => !isOpening(opened))];
      for (const opened of some) await this.#tryAnyhow(opened, by);
      this.#isStranger = !(await knowsOf(this.#parts, activity, this.#source));
      if (this.#isStranger) await this.#askStranger(activity, basesOfAll(some), { by, depth: depth + 1 });
      for (const opened of some) {
        if (this.#isStranger) await this.#tryAnyhow(opened, by);
        else await this.#takeOne(activity, opened, { by, depth: depth + 1 });
      }
    });
  }

  /** Asks for what was not asked for before, and answers how many came. */
  async #askFor(activity: Hash, bases: Bases, use: (given: readonly Opened[]) => Promise<void>): Promise<number> {
    const isNew = (hash: Hash): boolean => !this.#asked.has(hash);
    const messages = bases.messages.filter(isNew).slice(0, maxItems);
    const groups = bases.groups.filter(isNew).slice(0, maxItems);
    if (messages.length + groups.length === 0) return 0;
    for (const hash of [...messages, ...groups]) this.#asked.add(hash);
    return await this.#ask({ activity, messages, groups }, async (copies) => {
      for (const { opened } of copies) {
        const { id, head } = opened.message;
        const isOpening = head.type === 'start' || head.type === 'members';
        if (!messages.includes(id) && !(isOpening && groups.includes(head.group)))
          throw this.#wrong('what was not asked for');
      }
      const openings = new Set(copies.map(({ opened }) => opened.message.head.group));
      for (const group of groups) if (!openings.has(group)) this.#ungiven.add(group);
      await use(copies.map(({ opened }) => opened));
      return copies.length;
    });
  }

  /** Everything that the source gives, in the order in which it was taken there. @param by undefined where nothing is known yet. */
  async #all(activity: Hash, by: Address | undefined): Promise<number> {
    let count = 0;
    for (let fromPlace = 0; count < mostMessages; ) {
      const came = await this.#ask({ activity, messages: [], groups: [], fromPlace }, async (copies) => {
        for (const { place, opened } of copies) {
          if (place < fromPlace) throw this.#wrong('not in their order');
          fromPlace = place + 1;
          await this.#tryAnyhow(opened, by);
        }
        return copies.length;
      });
      if (came === 0) break;
      count += came;
    }
    return count;
  }

  /** Uses what the source answers; until that is done it counts as what is in memory of it. */
  async #ask<T>(query: MessagesQuery, use: (copies: readonly Copy[]) => Promise<T>): Promise<T> {
    const frames = this.#net.request(this.#source, activityProtocols.messages, [jsonFrame(query)], {
      timeoutMs: requestMs,
      signal: this.#signal,
    });
    const bounds = { itemBytes: maxEnvelopeBytes + 1024, items: maxItems, bytes: maxItemsBytes + maxEnvelopeBytes };
    return await this.#parts.fetched.hold(this.#source, frames, async (counted) => {
      const copies: Copy[] = [];
      for await (const item of itemsOf(counted, bounds)) copies.push(await this.#read(item, query.activity));
      return await use(copies);
    });
  }

  async #read(item: Uint8Array, activity: Hash): Promise<Copy> {
    let copy: ReturnType<typeof readCopy>;
    try {
      copy = readCopy(item);
    } catch {
      throw this.#wrong('not the expected message');
    }
    const opened = await openArrived(this.#parts, arrivedOf(this.#parts, this.#source, copy.envelope)).catch(
      (error: unknown) => {
        this.#refused(error, true);
        throw error;
      },
    );
    if (opened.message.head.activity !== activity) throw this.#wrong('a message of another activity');
    if (isAddition(opened, this.#parts.signer.address)) this.#additions.push(opened);
    return { place: copy.place, opened };
  }

  /** Of what the source has passed on. @param isByAll Nobody takes it: what is wrong by what is here would be told by the blame. */
  #refused(error: unknown, isByAll: boolean): void {
    if (!isNotariumError(error) || error.code.startsWith('storage-')) return;
    // The source has taken it by the same rules.
    const isForged = isByAll && error.code === 'activity-message-invalid';
    this.#parts.refusals.count(error, this.#source, isForged ? forgedPoints : 0);
  }

  #wrong(detail: string): NotariumError {
    return wrongAnswer(this.#net, this.#source, detail);
  }
}

/** Whether something lets this node in, not by the word of one member alone that is not the initiator. */
function isAddition({ from, message: { head } }: Opened, own: Address): boolean {
  if (head.type !== 'members' || head.terms.rules.history || !memberOf(head.membership, own)) return false;
  return rightAsToldBy(head) === 'initiator' || head.sender !== from;
}

function basesMissing({ messages = [], group }: Missing): Bases {
  return { messages, groups: group ? [group] : [] };
}

function basesOfAll(given: readonly Opened[]): Bases {
  const bases = given.map(({ message }) => basesOf(message.head));
  return {
    messages: [...new Set(bases.flatMap(({ messages }) => messages))],
    groups: [...new Set(bases.flatMap(({ groups }) => groups))],
  };
}
