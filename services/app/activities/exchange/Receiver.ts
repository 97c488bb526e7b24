import { setImmediate } from 'node:timers/promises';
import { isAckOf } from '../../../core/activities/ack.ts';
import { isKnownTo } from '../../../core/activities/haveMet.ts';
import type { Address, Hash } from '../../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../../core/errors.ts';
import type { Net } from '../../../net/Net.ts';
import type { ActivityStore } from '../../../store/activities/ActivityStore.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { type Arrived, arrivedOf, type Opened, openArrived } from './arrived.ts';
import { maxEnvelopeBytes, readDelivered } from './envelopeItems.ts';
import type { HeldMessages } from './HeldMessages.ts';
import { activityProtocols, type DeliveryAnswer, framesOf, itemsOf, maxItems, maxItemsBytes } from './items.ts';
import { knowsOf } from './knowsOf.ts';
import { PeerBytes } from './PeerBytes.ts';
import { forgedPoints, malformedPoints, toldOf } from './Refusals.ts';
import { takeOpened } from './takeOpened.ts';

// Reading and opening is work without a pause: after so much of it others have their turn.
const openedBytes = 256 << 10;

/** What became of one item; `early`: it is held. */
type Outcome = { readonly read: Hash } | { readonly early: Opened } | { readonly answer: DeliveryAnswer };
type Sent = Awaited<ReturnType<ActivityStore['sentUnder']>>;

/** Takes what members send, and acknowledges it once it is on the disk. */
export class Receiver {
  readonly #parts: ActivityParts;
  readonly #held: HeldMessages;
  // One request of the largest size: what is made of the bytes takes several times as much.
  readonly #bytes = new PeerBytes(maxItemsBytes + maxEnvelopeBytes);
  #net: Net | undefined;

  constructor(parts: ActivityParts, held: HeldMessages) {
    this.#parts = parts;
    this.#held = held;
  }

  join(net: Net): void {
    this.#net = net;
    net.handle(activityProtocols.deliver, (frames, from) => framesOf(this.#answers(frames, from)));
  }

  async *#answers(frames: AsyncIterable<Uint8Array>, from: Address): AsyncGenerator<string> {
    const bounds = { itemBytes: maxEnvelopeBytes, items: maxItems, bytes: maxItemsBytes + maxEnvelopeBytes };
    const answers = await this.#bytes.hold(from, frames, async (counted) => {
      const items: Uint8Array[] = [];
      try {
        for await (const item of itemsOf(counted, bounds)) items.push(item);
      } catch (error) {
        if (isNotariumError(error, 'peer-answer-invalid')) this.#parts.refusals.count(error, from, malformedPoints);
        else if (isNotariumError(error, 'peer-busy')) this.#parts.refusals.count(error, from);
        throw error;
      }
      return await this.receive(from, items);
    });
    for (const answer of answers) yield JSON.stringify(answer);
  }

  /** Takes items of a member, in their order; answers when all of them are on the disk, taken or held, or refused. */
  async receive(from: Address, items: readonly Uint8Array[]): Promise<DeliveryAnswer[]> {
    let workedBytes = 0;
    const worked = async ({ length }: Uint8Array): Promise<void> => {
      workedBytes += length;
      if (workedBytes < openedBytes) return;
      workedBytes = 0;
      await setImmediate();
    };
    const arriving: Promise<Outcome | { readonly arrived: Arrived }>[] = [];
    for (const item of items) {
      arriving.push(this.#guarded(from, () => this.#arrive(from, item)));
      await worked(item);
    }
    const arrived = await Promise.all(arriving);
    const seals = arrived.flatMap((one) => ('arrived' in one ? [one.arrived.sealDigest] : []));
    const sent = await this.#parts.store.sentUnder(seals);
    const opened: Outcome[] = [];
    for (const [index, one] of arrived.entries()) {
      opened.push('arrived' in one ? await this.#guarded(from, () => this.#open(one.arrived, sent)) : one);
      await worked(items[index]!);
    }
    await this.#parts.activities.lookFor(
      opened.flatMap((one) => ('early' in one ? [one.early.message.head.activity] : [])),
    );
    // Each gets its turn in its activity now, in their order.
    const outcomes = await Promise.all(
      opened.map((one) => ('early' in one ? this.#guarded(from, () => this.#take(one.early)) : one)),
    );
    // The sender waits for the answer: what does not come soon is asked for later, and it is told then.
    const until = AbortSignal.timeout(this.#parts.settings.requestMs / 4);
    const settled: Outcome[] = [];
    for (const one of outcomes) {
      const isTaken = 'early' in one && !until.aborted && (await this.#gather(one.early, until));
      settled.push(isTaken ? { read: one.early.sealDigest } : one);
    }
    return await Promise.all(settled.map((outcome) => this.#guardedAnswer(from, outcome)));
  }

  async #arrive(from: Address, item: Uint8Array): Promise<Outcome | { readonly arrived: Arrived }> {
    let parsed: ReturnType<typeof readDelivered>;
    try {
      parsed = readDelivered(item);
    } catch (cause) {
      this.#net?.blame(from, 'activity-malformed', malformedPoints);
      throw new NotariumError('activity-message-invalid', 'it does not have the form of an envelope', { cause });
    }
    if ('ack' in parsed) return { answer: await this.#note(from, parsed.ack) };
    return { arrived: arrivedOf(this.#parts, from, parsed) };
  }

  async #open(arrived: Arrived, sent: Sent): Promise<Outcome> {
    const { from, sealDigest } = arrived;
    const known = sent.get(sealDigest);
    // Only to its sender, and where that knows of it: anybody else who has a seal could ask by it who the members are.
    if (known?.sender === from && (await this.#isToldOf(known.activity, from))) return { read: sealDigest };
    const opened = await openArrived(this.#parts, arrived);
    if (opened.message.head.sender !== from)
      throw new NotariumError('activity-message-invalid', 'it does not come from its sender');
    return { early: opened };
  }

  /** As `knowsOf`, on the account of who asks. */
  async #isToldOf(activity: Hash, from: Address): Promise<boolean> {
    const { activities, peerReads } = this.#parts;
    if (!activities.inMemory(activity)) peerReads.check(from);
    return await peerReads.charge(from, activity, () => knowsOf(this.#parts, activity, from));
  }

  /** A member has read what it held before. */
  async #note(from: Address, ack: Parameters<typeof isAckOf>[1]): Promise<DeliveryAnswer> {
    const { network, crypto, store } = this.#parts;
    if (!isAckOf(network, ack, { seal: ack.seal, member: from }, crypto))
      throw new NotariumError('activity-message-invalid', 'the acknowledgement is not signed by who sends it');
    const message = await store.bySeal(ack.seal);
    const sent = message ? await store.deliveries(message.activity, message.id) : [];
    if (!sent.some(({ sealDigest, member }) => sealDigest === ack.seal && member === from))
      throw new NotariumError('activity-unknown', 'nothing went to it that it could acknowledge');
    await store.delivered([{ sealDigest: ack.seal, member: from, state: ack.stage, ack }]);
    return { noted: true };
  }

  async #take(opened: Opened): Promise<Outcome> {
    const { activities, peerReads, signer } = this.#parts;
    const { from, message } = opened;
    const { activity, type } = message.head;
    const here = activities.inMemory(activity);
    // To who need not know of it, it is as if it were not here.
    const known = here && isKnownTo(here, signer.address, from) ? here : undefined;
    // What costs nothing waits for nothing.
    if (!known) peerReads.check(from);
    try {
      if (type === 'members') peerReads.looked(from, known?.epochs.size ?? 0);
      await peerReads.charge(from, activity, () => takeOpened(this.#parts, opened));
    } catch (error) {
      const isEarly = isNotariumError(error, 'activity-message-early');
      // Or, by a rival of the change that has made it so, in time.
      const isLate = isNotariumError(error, 'activity-epoch-stale');
      if (isEarly || isLate) await this.#held.hold(opened, isLate);
      if (isEarly) return { early: opened };
      if (!isNotariumError(error, 'activity-message-known')) throw error;
      await this.#checkSeal(opened);
    }
    return { read: opened.sealDigest };
  }

  /** One message has one seal, but its sender alone can sign it twice: the log has one of the two, and others may have been given that one. */
  async #checkSeal({ message, sealDigest, from }: Opened): Promise<void> {
    const { store, signedTwice } = this.#parts;
    const stored = await store.message(message.id);
    if (!stored || stored.sealDigest === sealDigest) return;
    signedTwice(stored.activity, from);
    throw new NotariumError('activity-forked', 'its sender has signed the same message in two ways', {
      data: { message: message.id, seals: [stored.sealDigest, sealDigest] },
    });
  }

  /** Whether it is taken. */
  async #gather(opened: Opened, until: AbortSignal): Promise<boolean> {
    try {
      await this.#held.gather(opened, [opened.from], { until });
      await this.#held.release(opened);
      return true;
    } catch (error) {
      // It stays held, and is asked for again.
      this.#parts.logger.debug(
        { err: error, peer: opened.from },
        'a message came early, and what it builds on did not',
      );
      return false;
    }
  }

  async #guardedAnswer(from: Address, outcome: Outcome): Promise<DeliveryAnswer> {
    if ('answer' in outcome) return outcome.answer;
    const given = await this.#guarded(from, async () => {
      if ('read' in outcome) return { answer: { ack: await this.#held.ackOf(outcome.read, 'read') } };
      const { sealDigest, message } = outcome.early;
      const { activity } = message.head;
      // By another one that came meanwhile.
      const isTaken =
        (await this.#parts.store.known([message.id])).has(message.id) && (await knowsOf(this.#parts, activity, from));
      return { answer: { ack: await this.#held.ackOf(sealDigest, isTaken ? 'read' : 'delivered') } };
    });
    return 'answer' in given ? given.answer : { code: 'internal', detail: '' };
  }

  async #guarded<T>(from: Address, work: () => Promise<T>): Promise<T | { readonly answer: DeliveryAnswer }> {
    try {
      return await work();
    } catch (error) {
      if (!isNotariumError(error)) {
        this.#parts.logger.error({ err: error, peer: from }, 'a message of a member could not be taken');
        return { answer: { code: 'internal', detail: '' } };
      }
      // Its sender has checked it by the same rules before it signed it.
      const isForged = error.code === 'activity-message-invalid';
      this.#parts.refusals.count(error, from, isForged ? forgedPoints : 0);
      return { answer: { code: error.code, detail: toldOf(error) ?? '' } };
    }
  }
}
