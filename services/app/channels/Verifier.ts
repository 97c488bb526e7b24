import type { Hash } from '../../core/bytes.ts';
import { billDigest, keyHashOf, type SignedBill } from '../../core/channels/bill.ts';
import type { Channel } from '../../core/channels/channel.ts';
import { type ChannelEvent, latestOf, type Moment } from '../../core/channels/party.ts';
import type {
  BillAnswer,
  BillRequest,
  ChannelView,
  CloseAnswer,
  CloseRequest,
  FoldedBill,
  Update,
  UpdateAnswer,
} from '../../core/channels/update.ts';
import { stepVerifier } from '../../core/channels/verifier.ts';
import {
  type VerifierEffect,
  type VerifierEvent,
  type VerifierMemory,
  type VerifierParty,
  type VerifierStep,
  viewOfVerifier,
} from '../../core/channels/verifierMemory.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { randomHash } from '../../lib/randomHash.ts';
import type { JudgedEvidence, KeptEvidence } from './EvidenceKeeper.ts';
import { kindOf, locatorOf, offerNote } from './offerNote.ts';
import { type PriceCheck, priceCheck } from './priceCheck.ts';
import { StatementWriter } from './StatementWriter.ts';
import type { VerifierApi } from './VerifierApi.ts';
import type { VerifierParts } from './VerifierParts.ts';
import { type Seat, VerifierSeats } from './VerifierSeats.ts';

/** Evidence that a bill is to be made for, and what is noted with that. */
type Judged = { readonly judged: JudgedEvidence; readonly note: string };

const maxEvidence = 256;
const dueAtOnce = 256;

/**
 * The verifier of evidence channels: one process serves many. What it says is on disk before it is said; the events of a channel are
 * taken one after another, the channels' writes share their way to the disk.
 */
export class Verifier implements VerifierApi {
  readonly #parts: VerifierParts;
  readonly #seats: VerifierSeats;
  readonly #statements: StatementWriter;
  readonly #doubtful = new Set<Hash>();

  constructor(parts: VerifierParts) {
    this.#parts = parts;
    this.#seats = new VerifierSeats(parts);
    const { store, evidence, clock, logger } = parts;
    this.#statements = new StatementWriter({ store, evidence, clock, logger });
  }

  /** @throws NotariumError `channel-unknown`, `channel-invalid` for a channel that is not taken on. */
  channel(channelId: Hash): Promise<ChannelView> {
    return this.#seats.inTurn(channelId, async ({ party, memory }) => viewOfVerifier(party, memory));
  }

  /** @throws NotariumError what {@link stepVerifier} throws for a view. */
  show(channelId: Hash, view: ChannelView): Promise<ChannelView> {
    return this.#seats.inTurn(channelId, async (seat) => {
      await this.#do(seat, { kind: 'view', view });
      return viewOfVerifier(seat.party, seat.memory);
    });
  }

  /** Judges evidence and makes bills for it. What is not taken has its problem in the answer. */
  async bills(channelId: Hash, requests: readonly BillRequest[], signal?: AbortSignal): Promise<BillAnswer[]> {
    const checkPrice = await this.#seats.inTurn(channelId, async (seat) => {
      await this.#requireHeld(seat);
      return priceCheck(seat.party, seat.memory, this.#parts.chain, await this.#now());
    });
    // Judging may take long: the channel is free meanwhile.
    const judged = await Promise.all(requests.map((request) => this.#judge(channelId, request, signal, checkPrice)));
    return this.#seats.inTurn(channelId, async (seat) => {
      const now = await this.#now();
      const steps: VerifierStep[] = [];
      let { memory } = seat;
      const take = (event: VerifierEvent): void => {
        const step = stepVerifier(seat.party, memory, event);
        memory = step.memory;
        steps.push(step);
      };
      const billFor = (each: Judged): SignedBill => {
        // One open bill for what was uploaded once: an answer may have been lost.
        const open = this.#openBill(memory, each);
        if (open && this.#isFresh(open, now)) return open;
        const offer = { note: each.note, ...locatorOf(each.note), signed: this.#newBill(seat.party, each, now) };
        if (open) take({ kind: 'cancel', billId: open.bill.id });
        take({ kind: 'offer', offer });
        return offer.signed;
      };
      const answers = judged.map((each): BillAnswer => {
        if ('problem' in each) return each;
        try {
          return { signed: billFor(each) };
        } catch (error) {
          return problemOf(error);
        }
      });
      await this.#seats.keep(seat, memory, { saves: false, bills: steps.flatMap(({ bills }) => bills) });
      return answers;
    });
  }

  /** @throws NotariumError what {@link stepVerifier} throws for an update: the requester's state is refused. */
  async update(update: Update): Promise<UpdateAnswer> {
    await this.#statements.room(update.channelId);
    return await this.#seats.inTurn(update.channelId, async (seat) => {
      await this.#requireHeld(seat);
      if (update.held > seat.memory.held) {
        const held = await this.#parts.chain.held(seat.party.channel);
        await this.#do(seat, { kind: 'deposited', channelId: update.channelId, held });
      }
      const [effect] = await this.#do(seat, { kind: 'update', update, now: await this.#now() });
      return (effect as VerifierEffect & { kind: 'answer' }).answer;
    });
  }

  /** @throws NotariumError what {@link stepVerifier} throws for a closing. */
  close(request: CloseRequest): Promise<CloseAnswer> {
    return this.#seats.inTurn(request.channelId, async (seat) => {
      const [effect] = await this.#do(seat, { kind: 'close', request, now: await this.#now() });
      return (effect as VerifierEffect & { kind: 'closeAnswer' }).answer;
    });
  }

  async evidence(channelId: Hash, from: number, limit: number): Promise<FoldedBill[]> {
    const rows = await this.#parts.store.evidence(channelId, from, Math.min(limit, maxEvidence));
    return rows.flatMap(({ signed, first, second, leafIndex }) =>
      first && second && leafIndex !== undefined
        ? [{ leafIndex, signed, key: this.#parts.keyOf(channelId, signed.bill.id), first, second }]
        : [],
    );
  }

  /** What the verifier remembers of a channel: for who settles it, and for what is shown. */
  look(channelId: Hash): Promise<{ readonly party: VerifierParty; readonly memory: VerifierMemory }> {
    return this.#seats.inTurn(channelId, async ({ party, memory }) => ({ party, memory }));
  }

  /** What a channel is that was taken on; undefined for any other one. The chain is not asked. */
  known(channelId: Hash): Promise<Channel | undefined> {
    return this.#seats.known(channelId);
  }

  /** The chain has a new channel of this verifier's: it may be asked about at any time. */
  announce(channelId: Hash): void {
    this.#seats.announce(channelId);
  }

  /** Tells what the chain has said; events of channels that are not ours are left out. */
  async onChain(event: ChannelEvent): Promise<void> {
    const { store } = this.#parts;
    const all = event.kind === 'revealed' ? await store.locksWith(event.keyHash) : [event.channelId];
    for (const channelId of all) {
      if ((await store.channel(channelId)) === undefined) continue;
      await this.#seats.inTurn(channelId, async (seat) => {
        await this.#do(seat, event);
      });
      if (event.kind === 'closing' || event.kind === 'reopened') this.#parts.touch(channelId);
    }
  }

  /**
   * A reorganisation has taken the opening of a channel away, or a deposit: until the chain has them again, nothing is confirmed that it
   * could not pay.
   */
  doubt(channelId: Hash): void {
    this.#doubtful.add(channelId);
  }

  /** Looks at the channels that time asks something of: keys to be made public, closings that nobody has handed in. */
  async runDuties(): Promise<void> {
    const now = await this.#now();
    const due = await this.#parts.store.due('verifier', Math.max(now.time, now.chainTime), dueAtOnce);
    for (const channelId of due) {
      await this.#seats.inTurn(channelId, async (seat) => {
        await this.#do(seat, { kind: 'tick', now });
      });
    }
  }

  /** Closes a channel alone. @throws NotariumError `channel-state`. */
  leave(channelId: Hash): Promise<void> {
    return this.#seats.inTurn(channelId, async (seat) => {
      await this.#do(seat, { kind: 'leave' });
    });
  }

  /**
   * The requester does not want a bill: what it asks for is free again. The same may be asked again.
   * @throws NotariumError `channel-state` where it is locked.
   */
  withdraw(channelId: Hash, billId: Hash): Promise<void> {
    return this.#seats.inTurn(channelId, async (seat) => {
      const { offered, locked } = seat.memory;
      if (locked.has(billId)) throw new NotariumError('channel-state', 'the bill is locked', { data: { billId } });
      if (offered.has(billId)) await this.#do(seat, { kind: 'cancel', billId });
    });
  }

  /** Gives a bill up. @throws NotariumError `bill-unknown`, `channel-state`. */
  cancelBill(channelId: Hash, billId: Hash): Promise<void> {
    return this.#seats.inTurn(channelId, async (seat) => {
      await this.#do(seat, { kind: 'cancel', billId });
    });
  }

  /** Takes up the channels that only what is kept apart knows of: they were opened after the backup that the database comes from. */
  async recall(signal: AbortSignal): Promise<void> {
    const { store, states, touch, logger } = this.#parts;
    for (const channelId of await states.channels()) {
      if (signal.aborted) return;
      if (await store.channel(channelId)) continue;
      try {
        await this.channel(channelId);
        touch(channelId);
      } catch (error) {
        logger.warn({ err: error, channelId }, 'a channel that was opened after the backup cannot be taken up yet');
      }
    }
  }

  /** Resolves once the statements of a channel are beside its evidence, as far as they can be now. */
  statementsWritten(channelId: Hash): Promise<void> {
    return this.#statements.written(channelId);
  }

  /** Writes the statements that a crash has kept from being put beside the evidence; see {@link StatementWriter.catchUp}. */
  catchUp(signal: AbortSignal): Promise<boolean> {
    return this.#statements.catchUp(signal);
  }

  /** Resolves when nothing is on its way any more. @returns Whether all statements are beside their evidence. */
  async stop(): Promise<boolean> {
    await this.#seats.idle();
    return await this.#statements.stop();
  }

  /** That the chain has what the channel's states are about; it is asked only where it is in doubt. */
  async #requireHeld(seat: Seat): Promise<void> {
    const { channelId } = seat.party;
    // Before the chain is asked: another reorganisation may come meanwhile.
    if (!this.#doubtful.delete(channelId)) return;
    try {
      const opened = await this.#parts.chain.opening(channelId);
      if (!opened || opened.held < seat.memory.ledger.held) {
        throw new NotariumError('channel-unknown', 'a reorganisation of the chain has taken its money away', {
          data: { channelId },
        });
      }
      await this.#do(seat, { kind: 'deposited', channelId, held: opened.held });
    } catch (error) {
      this.#doubtful.add(channelId);
      throw error;
    }
  }

  /** Takes an event in: what it leads to is durable when this resolves. Orders for the chain are passed on. */
  async #do(seat: Seat, event: VerifierEvent): Promise<readonly VerifierEffect[]> {
    const before = seat.memory;
    const step = stepVerifier(seat.party, before, event);
    // What is paid for must be here; until its statements are beside it, what was uploaded holds it.
    if (event.kind === 'update') await this.#parts.evidence.requireHere(lockedBy(step));
    await this.#seats.keep(seat, step.memory, step);
    const { channelId } = seat.party;
    for (const effect of step.effects) {
      if (effect.kind === 'answer' || effect.kind === 'closeAnswer') continue;
      if (effect.kind === 'stale')
        this.#parts.logger.warn({ channelId, version: effect.version }, 'this verifier comes from a backup');
      else this.#parts.touch(channelId);
    }
    if (event.kind === 'update' && step.saves) this.#tellOfStatements(seat.party, before, step);
    return step.effects;
  }

  /** The statements are safe in our database; beside the evidence they are for who reads it there. */
  #tellOfStatements({ channelId }: VerifierParty, { locked }: VerifierMemory, { bills }: VerifierStep): void {
    const kept = bills.flatMap(({ signed: { bill }, state, first, second, note }): KeptEvidence[] => {
      if (state === 'locked' && first) return [{ bill, kind: kindOf(bill, note), statements: [first] }];
      if (!second) return [];
      const lock = locked.get(bill.id)!;
      return [{ bill, kind: kindOf(bill, lock.note), statements: [lock.first, second] }];
    });
    const unpaid = bills.flatMap(({ signed, state }) => (state === 'dropped' ? [signed.bill] : []));
    this.#statements.add(channelId, { kept, unpaid });
  }

  async #judge(channelId: Hash, request: BillRequest, signal: AbortSignal | undefined, checkPrice: PriceCheck) {
    const { uploads, digest, count } = request;
    try {
      const judged = await this.#parts.evidence.judge(channelId, uploads, signal, checkPrice);
      if (judged.digest !== digest || judged.count !== count)
        throw new NotariumError('evidence-mismatch', `${judged.count} with the digest ${judged.digest}`);
      return { judged, note: offerNote(uploads, judged) };
    } catch (error) {
      return problemOf(error);
    }
  }

  #newBill({ channelId, signer, network, crypto, keyOf }: VerifierParty, { judged }: Judged, now: Moment): SignedBill {
    const id = randomHash();
    const { digest, count, price: amount } = judged;
    const expiry = latestOf(now) + this.#parts.settings.billSeconds;
    const keyHash = keyHashOf(keyOf(id), crypto.sha256);
    const bill = { id, channelId, digest, count, amount, expiry, keyHash };
    return { bill, signature: signer.sign(billDigest(network, bill, crypto.keccak256)) };
  }

  /** The bill that waits for its payment on the same uploads, judged alike. */
  #openBill({ offered }: VerifierMemory, { judged, note }: Judged): SignedBill | undefined {
    const { digest, count, price } = judged;
    for (const offer of offered.values()) {
      const { bill } = offer.signed;
      if (offer.note === note && bill.digest === digest && bill.count === count && bill.amount === price)
        return offer.signed;
    }
    return undefined;
  }

  /** Whether there is time enough to pay it. */
  #isFresh({ bill }: SignedBill, now: Moment): boolean {
    return bill.expiry - latestOf(now) > this.#parts.settings.billSeconds / 2;
  }

  async #now(): Promise<Moment> {
    const { clock, chain } = this.#parts;
    return { time: Math.floor(clock.nowMs() / 1000), chainTime: await chain.timestamp() };
  }
}

function lockedBy({ bills }: VerifierStep): SignedBill['bill'][] {
  return bills.flatMap(({ state, signed }) => (state === 'locked' ? [signed.bill] : []));
}

function problemOf(error: unknown): { readonly problem: { readonly code: string; readonly detail: string } } {
  if (!isNotariumError(error)) throw error;
  return { problem: { code: error.code, detail: error.message } };
}
