import { randomBytes } from 'node:crypto';
import { type Hash, toHex } from '../../core/bytes.ts';
import { billDigest, keyHashOf, type SignedBill } from '../../core/channels/bill.ts';
import { type Channel, type ChannelNetwork, channelIdOf } from '../../core/channels/channel.ts';
import type { BillChange, ChannelEvent, ChannelSigner, Moment } from '../../core/channels/party.ts';
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
import { verifierDueAt } from '../../core/channels/verifierChain.ts';
import {
  firstVerifierMemory,
  type VerifierEffect,
  type VerifierEvent,
  type VerifierMemory,
  type VerifierParty,
  type VerifierStep,
  viewOfVerifier,
} from '../../core/channels/verifierMemory.ts';
import type { Crypto } from '../../core/crypto.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { ChannelChange, ChannelStore, StoredChannel } from '../../store/channels/ChannelStore.ts';
import type { ChannelFacts, Touch } from './ChannelFacts.ts';
import { ChannelSaves } from './ChannelSaves.ts';
import type { EvidenceKeeper } from './EvidenceKeeper.ts';
import { verifierJson, verifierMemoryOf } from './memoryJson.ts';
import { locatorOf, offerNote, readOfferNote } from './offerNote.ts';
import { type PriceCheck, priceCheck } from './priceCheck.ts';
import { StatementWriter } from './StatementWriter.ts';
import type { VerifierApi } from './VerifierApi.ts';

/** What a verifier asks of channels, and gives them. */
export type VerifierSettings = {
  /** How long before a lock's expiry it goes on chain. */
  readonly safetySeconds: number;
  /** How long a bill is valid. */
  readonly billSeconds: number;
  /** Whether it takes a channel with these terms. @throws NotariumError `channel-invalid`. */
  readonly checkTerms: (channel: Channel, held: bigint) => void;
  /** Where its statements say that evidence is: empty for the evidence store. */
  readonly locator?: string;
};

/** What a verifier is made of. */
export type VerifierParts = {
  readonly network: ChannelNetwork;
  readonly signer: ChannelSigner;
  /** The key of a bill, the same each time: made from a secret. */
  readonly keyOf: (channelId: Hash, billId: Hash) => Hash;
  readonly store: ChannelStore;
  readonly chain: ChannelFacts;
  readonly evidence: EvidenceKeeper;
  readonly touch: Touch;
  readonly settings: VerifierSettings;
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** A channel that is in memory. */
type Seat = { readonly party: VerifierParty; memory: VerifierMemory };

/** Most channels that are kept in memory at once; the others are read when they are asked for. */
const maxSeats = 512;
const maxEvidence = 256;
const dueAtOnce = 256;

/**
 * The verifier of evidence channels: one process serves many. What it says is on disk before it is said; the events of a channel are
 * taken one after another, the channels' writes share their way to the disk.
 */
export class Verifier implements VerifierApi {
  readonly #parts: VerifierParts;
  readonly #saves: ChannelSaves;
  readonly #seats = new Map<Hash, Seat>();
  readonly #turns = new Map<Hash, Promise<unknown>>();
  readonly #statements: StatementWriter;
  readonly #doubtful = new Set<Hash>();

  constructor(parts: VerifierParts) {
    this.#parts = parts;
    this.#saves = new ChannelSaves(parts.store);
    const { store, evidence, clock, logger } = parts;
    this.#statements = new StatementWriter({ store, evidence, clock, logger });
  }

  /** @throws NotariumError `channel-unknown`, `channel-invalid` for a channel that is not taken on. */
  channel(channelId: Hash): Promise<ChannelView> {
    return this.#inTurn(channelId, async ({ party, memory }) => viewOfVerifier(party, memory));
  }

  /** @throws NotariumError what {@link stepVerifier} throws for a view. */
  show(channelId: Hash, view: ChannelView): Promise<ChannelView> {
    return this.#inTurn(channelId, async (seat) => {
      await this.#do(seat, { kind: 'view', view });
      return viewOfVerifier(seat.party, seat.memory);
    });
  }

  /** Judges evidence and makes bills for it. What is not taken has its problem in the answer. */
  async bills(channelId: Hash, requests: readonly BillRequest[], signal?: AbortSignal): Promise<BillAnswer[]> {
    const checkPrice = await this.#inTurn(channelId, async (seat) => {
      await this.#requireHeld(seat);
      return priceCheck(seat.party, seat.memory, this.#parts.chain, await this.#now());
    });
    // Judging may take long: the channel is free meanwhile.
    const judged = await Promise.all(requests.map((request) => this.#judge(channelId, request, signal, checkPrice)));
    return this.#inTurn(channelId, async (seat) => {
      const now = await this.#now();
      const answers: BillAnswer[] = [];
      const steps: VerifierStep[] = [];
      let { memory } = seat;
      for (const each of judged) {
        if ('problem' in each) {
          answers.push(each);
          continue;
        }
        const offer = { note: each.note, ...locatorOf(each.note), signed: this.#newBill(seat.party, each, now) };
        try {
          const step = stepVerifier(seat.party, memory, { kind: 'offer', offer });
          memory = step.memory;
          steps.push(step);
          answers.push({ signed: offer.signed });
        } catch (error) {
          answers.push(problemOf(error));
        }
      }
      await this.#keep(seat, memory, { saves: false, bills: steps.flatMap(({ bills }) => bills) });
      return answers;
    });
  }

  /** @throws NotariumError what {@link stepVerifier} throws for an update: the requester's state is refused. */
  async update(update: Update): Promise<UpdateAnswer> {
    await this.#statements.room(update.channelId);
    return await this.#inTurn(update.channelId, async (seat) => {
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
    return this.#inTurn(request.channelId, async (seat) => {
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
    return this.#inTurn(channelId, async ({ party, memory }) => ({ party, memory }));
  }

  /** Tells what the chain has said; events of channels that are not ours are left out. */
  async onChain(event: ChannelEvent): Promise<void> {
    const { store } = this.#parts;
    const all = event.kind === 'revealed' ? await store.locksWith(event.keyHash) : [event.channelId];
    for (const channelId of all) {
      if ((await store.channel(channelId)) === undefined) continue;
      await this.#inTurn(channelId, async (seat) => {
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
      await this.#inTurn(channelId, async (seat) => {
        await this.#do(seat, { kind: 'tick', now });
      });
    }
  }

  /** Closes a channel alone. @throws NotariumError `channel-state`. */
  leave(channelId: Hash): Promise<void> {
    return this.#inTurn(channelId, async (seat) => {
      await this.#do(seat, { kind: 'leave' });
    });
  }

  /** Gives a bill up. @throws NotariumError `bill-unknown`, `channel-state`. */
  cancelBill(channelId: Hash, billId: Hash): Promise<void> {
    return this.#inTurn(channelId, async (seat) => {
      await this.#do(seat, { kind: 'cancel', billId });
    });
  }

  /** Writes the second statements that a crash has kept from being put beside the evidence; see {@link StatementWriter.catchUp}. */
  catchUp(signal: AbortSignal): Promise<boolean> {
    return this.#statements.catchUp(signal);
  }

  /** Resolves when nothing is on its way any more. @returns Whether all statements are beside their evidence. */
  async stop(): Promise<boolean> {
    await Promise.allSettled([...this.#turns.values()]);
    return await this.#statements.stop();
  }

  /** That the chain has what the channel's states are about; it is asked only where it is in doubt. */
  async #requireHeld(seat: Seat): Promise<void> {
    const { channelId } = seat.party;
    if (!this.#doubtful.has(channelId)) return;
    const opened = await this.#parts.chain.opening(channelId);
    if (!opened || opened.held < seat.memory.ledger.held) {
      throw new NotariumError('channel-unknown', 'a reorganisation of the chain has taken its money away', {
        data: { channelId },
      });
    }
    await this.#do(seat, { kind: 'deposited', channelId, held: opened.held });
    this.#doubtful.delete(channelId);
  }

  /** Takes an event in: what it leads to is durable when this resolves. Orders for the chain are passed on. */
  async #do(seat: Seat, event: VerifierEvent): Promise<readonly VerifierEffect[]> {
    const before = seat.memory;
    const step = stepVerifier(seat.party, before, event);
    if (event.kind === 'update') await this.#keepEvidence(step);
    await this.#keep(seat, step.memory, step);
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

  /** Content that is paid for stays, with the first statement beside it: before the answer leaves that takes the payment. */
  async #keepEvidence({ bills }: VerifierStep): Promise<void> {
    const locked = bills.flatMap(({ state, signed: { bill }, first, note }) =>
      state === 'locked' && first ? [{ bill, kind: readOfferNote(note).kind, statements: [first] }] : [],
    );
    if (locked.length > 0) await this.#parts.evidence.keep(locked);
  }

  async #keep(seat: Seat, memory: VerifierMemory, step: Pick<VerifierStep, 'saves' | 'bills'>): Promise<void> {
    const { channelId, channel } = seat.party;
    if (step.saves || step.bills.length > 0) {
      const dueAt = verifierDueAt(seat.party, memory, this.#time());
      const row: StoredChannel = {
        ...{ channelId, role: 'verifier', channel, state: memory.state, memory: verifierJson(memory) },
        ...(dueAt === undefined ? {} : { dueAt }),
      };
      const change: ChannelChange = { channelId, ...forgetting(step.bills), ...(step.saves ? { channel: row } : {}) };
      try {
        await this.#saves.save(change);
      } catch (error) {
        // Nobody knows what is on disk now: it is read again.
        this.#seats.delete(channelId);
        throw error;
      }
    }
    seat.memory = memory;
  }

  /** The second statements are safe in our database; beside the evidence they are for who reads it there. */
  #tellOfStatements({ channelId }: VerifierParty, { locked }: VerifierMemory, { bills }: VerifierStep): void {
    const paid = bills.flatMap(({ signed: { bill }, second }) => {
      if (!second) return [];
      const { first, note } = locked.get(bill.id)!;
      return [{ bill, kind: readOfferNote(note).kind, statements: [first, second] }];
    });
    const unpaid = bills.flatMap(({ signed, state }) => (state === 'dropped' ? [signed.bill.digest] : []));
    this.#statements.add(channelId, paid, unpaid);
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

  #newBill(
    { channelId, signer, network, crypto, keyOf }: VerifierParty,
    { judged }: { readonly judged: { readonly digest: Hash; readonly count: number; readonly price: bigint } },
    now: Moment,
  ): SignedBill {
    const id = toHex(randomBytes(32));
    const { digest, count, price: amount } = judged;
    const expiry = Math.max(now.time, now.chainTime) + this.#parts.settings.billSeconds;
    const keyHash = keyHashOf(keyOf(id), crypto.sha256);
    const bill = { id, channelId, digest, count, amount, expiry, keyHash };
    return { bill, signature: signer.sign(billDigest(network, bill, crypto.keccak256)) };
  }

  /** One after another for each channel. */
  async #inTurn<T>(channelId: Hash, work: (seat: Seat) => Promise<T>): Promise<T> {
    const before = this.#turns.get(channelId) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(async () => work(await this.#seat(channelId)));
    this.#turns.set(channelId, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(channelId) === turn) this.#turns.delete(channelId);
    }
  }

  async #seat(channelId: Hash): Promise<Seat> {
    const known = this.#seats.get(channelId);
    // Used last, given up last.
    this.#seats.delete(channelId);
    const seat = known ?? (await this.#readSeat(channelId));
    this.#seats.set(channelId, seat);
    for (const other of this.#seats.keys()) {
      if (this.#seats.size <= maxSeats) break;
      if (!this.#turns.has(other)) this.#seats.delete(other);
    }
    return seat;
  }

  async #readSeat(channelId: Hash): Promise<Seat> {
    const { store } = this.#parts;
    const stored = await store.channel(channelId);
    if (!stored) return this.#accept(channelId);
    const memory = verifierMemoryOf(stored.memory, await store.openBills(channelId));
    return { party: this.#partyOf(channelId, stored.channel), memory };
  }

  async #accept(channelId: Hash): Promise<Seat> {
    const { chain, signer, network, crypto, settings } = this.#parts;
    const opened = await chain.opening(channelId);
    if (!opened) throw new NotariumError('channel-unknown');
    const { channel, held } = opened;
    if (channelIdOf(network, channel, crypto.keccak256) !== channelId || channel.verifier !== signer.address)
      throw new NotariumError('channel-invalid', 'it is not a channel of this verifier');
    settings.checkTerms(channel, held);
    const seat = { party: this.#partyOf(channelId, channel), memory: firstVerifierMemory(held) };
    await this.#keep(seat, seat.memory, { saves: true, bills: [] });
    return seat;
  }

  #partyOf(channelId: Hash, channel: Channel): VerifierParty {
    const { network, signer, crypto, settings, keyOf } = this.#parts;
    const { safetySeconds, locator = '' } = settings;
    const common = { network, channelId, channel, signer, crypto, safetySeconds, locator };
    return { ...common, keyOf: (billId) => keyOf(channelId, billId) };
  }

  #time(): number {
    return Math.floor(this.#parts.clock.nowMs() / 1000);
  }

  async #now(): Promise<Moment> {
    return { time: this.#time(), chainTime: await this.#parts.chain.timestamp() };
  }
}

/** Of a bill of a verifier that is gone nobody has signed or paid anything: requesters could fill the disk with them. */
function forgetting(bills: readonly BillChange[]): Pick<ChannelChange, 'bills' | 'forgotten'> {
  const forgotten = bills.filter(({ state }) => state === 'gone').map(({ signed }) => signed.bill.id);
  return { bills: bills.filter(({ state }) => state !== 'gone'), ...(forgotten.length > 0 ? { forgotten } : {}) };
}

function problemOf(error: unknown): { readonly problem: { readonly code: string; readonly detail: string } } {
  if (!isNotariumError(error)) throw error;
  return { problem: { code: error.code, detail: error.message } };
}
