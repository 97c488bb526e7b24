import { isKnownTo } from '../../../core/activities/haveMet.ts';
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
import { forgedPoints } from './Refusals.ts';
import { type How, takeOpened } from './takeOpened.ts';
import { wrongAnswer } from './wrongAnswer.ts';

const requestMs = 30_000;
// A chain of messages that is longer is asked for as a whole.
const mostDeep = 6;
const mostMessages = 200_000;

type Copy = { readonly place: number; readonly opened: Opened };
/** On whose word something is wanted, and how far it is from what came early. */
type Wanted = { readonly by: Address; readonly depth: number };

/** Fetches what a message builds on from a member that has it. */
export class Gatherer {
  readonly #parts: ActivityParts;
  readonly #net: Net;
  readonly #source: Address;
  readonly #signal: AbortSignal;
  readonly #asked = new Set<Hash>();

  constructor(parts: ActivityParts, { net, source, signal }: { net: Net; source: Address; signal: AbortSignal }) {
    this.#parts = parts;
    this.#net = net;
    this.#source = source;
    this.#signal = signal;
  }

  /**
   * Takes a message that came early, after what it builds on.
   * @throws NotariumError `activity-message-early` where the source does not give all of that; as `takeOpened`, and of the network.
   */
  async take(opened: Opened): Promise<void> {
    const { head } = opened.message;
    const missing = await this.#tryTo(opened);
    if (!missing) return;
    const { activities, signer } = this.#parts;
    const before = await activities.find(head.activity);
    const isKnown = before !== undefined && isKnownTo(before, signer.address, this.#source);
    const isHistory = head.type === 'members' && head.terms.rules.history;
    const count =
      !isKnown && isHistory
        ? await this.#all(head.activity, before && head.sender)
        : await this.#fetch(head.activity, missing, { by: head.sender, depth: 0 });
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
    throw new NotariumError('activity-message-early', undefined, { data: { missing: left } });
  }

  /**
   * Whether another member has what comes before a change of the members, which its sender then keeps back: this node would come in too late
   * by it. The initiator's word is enough alone. Where that one has added this node, whoever has its message may give it.
   */
  async #takeKeptBack(head: HeadOf<'members'>): Promise<boolean> {
    if (rightAsToldBy(head) === 'initiator') return false;
    const { signer, settings } = this.#parts;
    const connected = connectedPeers(this.#net);
    const others = head.membership.members.filter(
      ({ address }) => address !== signer.address && address !== this.#source && connected.has(address),
    );
    // One that does not answer keeps nobody out.
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(settings.requestMs / 8)]);
    const given = others.map(async ({ address: source }) => {
      const gatherer = new Gatherer(this.#parts, { net: this.#net, source, signal });
      return await gatherer.#openingsOf(head.activity, head.membership.previous);
    });
    const openings = (await Promise.all(given)).flat();
    const [opening] = openings;
    if (opening && rightAsToldBy(opening.message.head as HeadOf<'members'>) === 'initiator')
      await this.#tryTo(opening, { isJoin: true });
    return opening !== undefined;
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
      if (!isNotariumError(error) || /^(peer|storage)-/.test(error.code)) throw error;
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
      if (how?.isWanted) this.#refused(error);
      throw error;
    }
    return undefined;
  }

  /** Answers how many came. */
  async #fetch(activity: Hash, { messages = [], group }: Missing, { by, depth }: Wanted): Promise<number> {
    if (depth > mostDeep) return await this.#all(activity, this.#source);
    const isNew = (hash: Hash): boolean => !this.#asked.has(hash);
    const query = {
      activity,
      messages: messages.filter(isNew).slice(0, maxItems),
      groups: group ? [group].filter(isNew) : [],
    };
    if (query.messages.length + query.groups.length === 0) return 0;
    for (const hash of [...query.messages, ...query.groups]) this.#asked.add(hash);
    return await this.#ask(query, async (copies) => {
      for (const { opened } of copies) {
        const { id, head } = opened.message;
        if (!query.messages.includes(id) && !query.groups.includes(head.group))
          throw this.#wrong('what was not asked for');
        await this.#takeOne(activity, opened, { by, depth: depth + 1 });
      }
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
        this.#refused(error);
        throw error;
      },
    );
    if (opened.message.head.activity !== activity) throw this.#wrong('a message of another activity');
    return { place: copy.place, opened };
  }

  /** Of what the source has passed on. */
  #refused(error: unknown): void {
    if (!isNotariumError(error) || error.code.startsWith('storage-')) return;
    // The source has taken it by the same rules.
    const isForged = error.code === 'activity-message-invalid';
    this.#parts.refusals.count(error, this.#source, isForged ? forgedPoints : 0);
  }

  #wrong(detail: string): NotariumError {
    return wrongAnswer(this.#net, this.#source, detail);
  }
}
