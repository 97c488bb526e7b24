import type { Hash } from '../../core/bytes.ts';
import type { SignedBill } from '../../core/channels/bill.ts';
import { type Channel, type ChannelNetwork, channelIdOf } from '../../core/channels/channel.ts';
import type { BillChange, ChannelEvent, ChannelSigner, Moment } from '../../core/channels/party.ts';
import { stepRequester } from '../../core/channels/requester.ts';
import {
  firstRequesterMemory,
  queuedBills,
  type RequesterEffect,
  type RequesterEvent,
  type RequesterMemory,
  type RequesterParty,
} from '../../core/channels/requesterMemory.ts';
import { maxLocks } from '../../core/channels/state.ts';
import type { Statement } from '../../core/channels/statement.ts';
import type { BillRequest, SignedClosing, Update } from '../../core/channels/update.ts';
import type { Crypto } from '../../core/crypto.ts';
import { type ErrorCode, errorTable, isNotariumError, NotariumError } from '../../core/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { ChannelStore, StoredChannel } from '../../store/channels/ChannelStore.ts';
import type { ChannelFacts, Touch } from './ChannelFacts.ts';
import { requesterJson, requesterMemoryOf } from './memoryJson.ts';
import type { VerifierApi } from './VerifierApi.ts';

/** How a requester goes about it. */
export type RequesterSettings = {
  /** That of the verifier: how long after its expiry a lock can be dropped. */
  readonly safetySeconds: number;
  /** Longest time that an amount is locked for. */
  readonly maxLockSeconds: number;
  /** First pause before what was not answered is sent again; each one after it is twice as long. */
  readonly retryMs: number;
  readonly maxRetryMs: number;
  /** Where its statements say that evidence is: empty for the evidence store. */
  readonly locator?: string;
};

/** What a requester is made of. */
export type RequesterParts = {
  readonly network: ChannelNetwork;
  readonly channel: Channel;
  readonly signer: ChannelSigner;
  readonly store: ChannelStore;
  readonly chain: ChannelFacts;
  readonly api: VerifierApi;
  readonly touch: Touch;
  readonly settings: RequesterSettings;
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** Evidence that was uploaded, and the most that its preservation may cost. */
export type EvidenceItem = BillRequest & { readonly maxAmount: bigint };

/** Evidence that is paid for: its digest is in the evidence tree of a state that both have signed. */
export type PreservedBill = {
  readonly signed: SignedBill;
  readonly key: Hash;
  readonly first: Statement;
  readonly second: Statement;
  readonly leafIndex: number;
};

type Asking = {
  readonly item: EvidenceItem;
  /** Bills that have come to nothing before. */
  readonly failures: number;
  readonly resolve: (preserved: PreservedBill) => void;
  readonly reject: (error: unknown) => void;
};

// Bills that are forgotten or late are asked for anew, so often.
const maxBillFailures = 3;
// Refusals in a row after which whoever waits is told.
const maxRefusals = 3;

/**
 * The requester of one evidence channel. Many pieces of evidence are on their way at once: while an update travels, bills gather for the
 * next one, which also pays for what the last one has confirmed. What is signed is on disk before it is sent, so that after a crash the
 * same is sent again.
 */
export class Requester {
  readonly #parts: RequesterParts;
  readonly #party: RequesterParty;
  #memory: RequesterMemory;
  readonly #asking: Asking[] = [];
  readonly #waiting = new Map<Hash, Asking>();
  #turn: Promise<unknown> = Promise.resolve();
  #refusals = 0;
  readonly #stop = new AbortController();
  readonly #sleeping = new Set<() => void>();
  #loops: Promise<unknown> = Promise.resolve();

  private constructor(parts: RequesterParts, party: RequesterParty, memory: RequesterMemory) {
    this.#parts = parts;
    this.#party = party;
    this.#memory = memory;
  }

  /**
   * Goes on with a channel, or begins with it once the chain has it.
   * @throws NotariumError `channel-unknown` when neither the store nor the chain has it.
   */
  static async open(parts: RequesterParts): Promise<Requester> {
    const { network, channel, signer, crypto, settings, store, chain } = parts;
    const channelId = channelIdOf(network, channel, crypto.keccak256);
    const { safetySeconds, maxLockSeconds, locator = '' } = settings;
    const party = { network, channelId, channel, signer, crypto, safetySeconds, maxLockSeconds, locator };
    const stored = await store.channel(channelId);
    let memory: RequesterMemory;
    if (stored) memory = requesterMemoryOf(stored.memory, await store.openBills(channelId));
    else {
      const opened = await chain.opening(channelId);
      if (!opened) throw new NotariumError('channel-unknown');
      memory = firstRequesterMemory(opened.held);
    }
    const requester = new Requester(parts, party, memory);
    if (!stored) await requester.#inTurn(() => requester.#keep(memory, { saves: true, bills: [] }));
    await requester.#do({ kind: 'resume', now: await requester.#now() });
    await requester.ask().catch((error: unknown) => {
      parts.logger.warn({ err: error, channelId }, 'the verifier does not say what it has of the channel');
    });
    requester.#start();
    return requester;
  }

  /** What is remembered of the channel: for who settles it, and for what is shown. */
  get memory(): RequesterMemory {
    return this.#memory;
  }

  /** See {@link RequesterParty}. */
  get party(): RequesterParty {
    return this.#party;
  }

  /**
   * Has evidence preserved: asks for a bill, locks its amount, checks what the verifier confirms, and pays. Resolves when the digest is in
   * a state that both have signed. May be called for many at once.
   * @throws NotariumError why the verifier does not take it, or `bill-mismatch`, `bill-expired`, `channel-balance-short`, `channel-state`.
   */
  preserve(item: EvidenceItem): Promise<PreservedBill> {
    return new Promise((resolve, reject) => {
      if (this.#stop.signal.aborted) reject(new NotariumError('channel-state', 'the requester has stopped'));
      this.#asking.push({ item, failures: 0, resolve, reject });
      this.#wake();
    });
  }

  /**
   * Waits for evidence that an earlier run has got a bill for, until it is paid; undefined where there is no such bill. Asked for with
   * {@link Requester.preserve} instead, it would be paid twice.
   * @throws NotariumError when the bill comes to nothing.
   */
  resume({ digest, count }: Pick<EvidenceItem, 'digest' | 'count'>): Promise<PreservedBill> | undefined {
    const begun = [...this.#memory.bills.values()]
      .map(({ signed }) => signed.bill)
      .find((bill) => bill.digest === digest && bill.count === count && !this.#waiting.has(bill.id));
    if (!begun) return undefined;
    const item = { uploads: [], digest, count, maxAmount: begun.amount };
    return new Promise((resolve, reject) => {
      // What was uploaded for it may be gone: no other bill is asked for.
      this.#waiting.set(begun.id, { item, failures: maxBillFailures, resolve, reject });
      this.#wake();
    });
  }

  /** Asks the verifier what it has, and goes on from the newer one of both. @throws NotariumError. */
  async ask(): Promise<void> {
    const { api } = this.#parts;
    const view = await api.channel(this.#party.channelId, this.#stop.signal);
    const effects = await this.#do({ kind: 'view', view });
    for (const effect of effects)
      if (effect.kind === 'show') await api.show(this.#party.channelId, effect.view, this.#stop.signal);
  }

  /** Tells what the chain has said. */
  async onChain(event: ChannelEvent): Promise<void> {
    if (event.kind !== 'revealed' && event.channelId !== this.#party.channelId) return;
    await this.#do(event);
    if (event.kind === 'closing' || event.kind === 'reopened') this.#parts.touch(this.#party.channelId);
    this.#wake();
  }

  /** Looks for what the verifier has not confirmed, and drops what has expired. Call it every few seconds. */
  async runDuties(): Promise<void> {
    if (isUnconfirmed(this.#memory)) await this.ask();
    this.#wake();
  }

  /**
   * Closes together with the verifier.
   * @throws NotariumError `channel-state` while locks are open, and what the verifier refuses it with.
   */
  async closeTogether(): Promise<SignedClosing> {
    const { api } = this.#parts;
    if (this.#memory.state === 'open') await this.#do({ kind: 'end' });
    for (let attempt = 0; this.#memory.state === 'ending'; attempt++) {
      const [again] = await this.#do({ kind: 'tick', now: await this.#now() });
      if (again?.kind !== 'close') break;
      try {
        const answer = await api.close(again.request, this.#stop.signal);
        await this.#do({ kind: 'closeAnswer', answer });
      } catch (error) {
        if (isNotariumError(error, 'channel-base-stale')) await this.ask();
        else if (isRefusal(error) || this.#stop.signal.aborted) throw error;
        else await this.#pause(attempt);
      }
    }
    const { memory } = this;
    if (memory.state !== 'agreed') throw new NotariumError('channel-state', `it is ${memory.state}`);
    return memory.agreed;
  }

  /** Closes alone. @throws NotariumError `channel-state`. */
  async leave(): Promise<void> {
    await this.#do({ kind: 'leave' });
  }

  /** Ends the work; what waits fails. The channel stays as it is. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#loops;
    await this.#turn.catch(() => undefined);
    this.#failAll(new NotariumError('channel-state', 'the requester has stopped'));
  }

  #start(): void {
    this.#loops = Promise.all([this.#every(() => this.#askBills()), this.#every(() => this.#exchange())]);
  }

  #wake(): void {
    for (const wake of this.#sleeping) wake();
    this.#sleeping.clear();
  }

  /** Runs until nothing is left to do, again after each time that something has happened. */
  async #every(work: () => Promise<boolean>): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      // Before the look, so that nothing is missed that happens during it.
      const woken = new Promise<void>((resolve) => this.#sleeping.add(resolve));
      try {
        if (!(await work())) await woken;
        failures = 0;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#parts.logger.warn({ err: error, channelId: this.#party.channelId }, 'the exchange goes on after a pause');
        await this.#pause(failures++);
      }
    }
  }

  /** Fetches bills for what waits, as long as there is room for them. */
  async #askBills(): Promise<boolean> {
    const { state } = this.#memory;
    if (state !== 'open' && state !== 'proposed') this.#failAll(new NotariumError('channel-state', `it is ${state}`));
    const room = maxLocks - queuedBills(this.#memory).length;
    if (this.#asking.length === 0 || room <= 0) return false;
    const asking = this.#asking.splice(0, room);
    const requests = asking.map(({ item: { uploads, digest, count } }) => ({ uploads, digest, count }));
    let answers: Awaited<ReturnType<VerifierApi['bills']>>;
    try {
      answers = await this.#parts.api.bills(this.#party.channelId, requests, this.#stop.signal);
    } catch (error) {
      if (isRefusal(error)) for (const { reject } of asking) reject(error);
      else this.#asking.unshift(...asking);
      if (isRefusal(error)) return true;
      throw error;
    }
    await this.#takeBills(asking, answers);
    this.#wake();
    return true;
  }

  async #takeBills(asking: readonly Asking[], answers: Awaited<ReturnType<VerifierApi['bills']>>): Promise<void> {
    const ids = answers.flatMap((answer) => ('signed' in answer ? [answer.signed.bill.id] : []));
    // A bill with the id of an older one would take its place in the store.
    const known = new Set(await this.#parts.store.knownBills(this.#party.channelId, ids));
    const now = await this.#now();
    await this.#inTurn(async () => {
      let memory = this.#memory;
      const rows: BillChange[] = [];
      asking.forEach((each, index) => {
        const { item, reject } = each;
        const answer = answers[index] ?? { problem: { code: 'server-answer-invalid', detail: 'no answer' } };
        try {
          if ('problem' in answer) throw problemError(answer.problem);
          const { signed } = answer;
          if (known.has(signed.bill.id))
            throw new NotariumError('bill-mismatch', 'there was a bill with this id before');
          const step = stepRequester(this.#party, memory, { kind: 'bill', signed, wanted: item, now });
          memory = step.memory;
          rows.push(...step.bills);
          this.#waiting.set(signed.bill.id, each);
        } catch (error) {
          reject(error);
        }
      });
      await this.#keep(memory, { saves: false, bills: rows });
    });
  }

  /** One update: proposes what there is, and brings what is proposed to an end. */
  async #exchange(): Promise<boolean> {
    if (this.#memory.state === 'open') {
      try {
        await this.#do({ kind: 'propose', now: await this.#now() });
      } catch (error) {
        // Nothing can be proposed any more: the channel is to be closed.
        if (isNotariumError(error, 'channel-state')) this.#failAll(error);
        throw error;
      }
    }
    const { memory } = this;
    if (memory.state !== 'proposed') return false;
    this.#wake();
    await this.#send(memory.proposal.update);
    this.#wake();
    return true;
  }

  async #send(update: Update): Promise<void> {
    const { version } = update;
    try {
      const answer = await this.#parts.api.update(update, this.#stop.signal);
      await this.#do({ kind: 'answer', version, answer });
      this.#refusals = 0;
    } catch (error) {
      if (!isRefusal(error) || error.code === 'channel-countersignature-invalid') throw error;
      const billId = error.data.billId as Hash | undefined;
      await this.#do({ kind: 'refused', version, code: error.code, ...(billId ? { billId } : {}) });
      if (error.code === 'channel-base-stale') return this.ask();
      if (++this.#refusals < maxRefusals) return;
      this.#failAll(error);
      throw error;
    }
  }

  #do(event: RequesterEvent): Promise<readonly RequesterEffect[]> {
    return this.#inTurn(async () => {
      const before = this.#memory;
      const step = stepRequester(this.#party, before, event);
      await this.#keep(step.memory, step);
      for (const effect of step.effects) this.#follow(effect, before, step.bills);
      return step.effects;
    });
  }

  #follow(effect: RequesterEffect, before: RequesterMemory, rows: readonly BillChange[]): void {
    const { logger } = this.#parts;
    const { channelId } = this.#party;
    switch (effect.kind) {
      case 'update':
      case 'close':
      case 'show':
        return;
      case 'folded': {
        const { billId, leafIndex } = effect;
        const { signed, key, first } = before.bills.get(billId)!;
        const second = rows.find((row) => row.signed.bill.id === billId && row.second)?.second;
        const waiting = this.#taken(billId);
        if (key && first && second) waiting?.resolve({ signed, key, first, second, leafIndex });
        else waiting?.reject(new NotariumError('channel-state', 'the channel has ended before the second statement'));
        return;
      }
      case 'failed': {
        const { billId, code } = effect;
        const failed = this.#taken(billId);
        const isLocked = before.ledger.locks.some((lock) => lock.billId === billId);
        const isLost = !isLocked && (code === 'bill-unknown' || code === 'bill-expired');
        if (failed && isLost && failed.failures < maxBillFailures)
          this.#asking.push({ ...failed, failures: failed.failures + 1 });
        else failed?.reject(new NotariumError(code, 'the bill is not paid', { data: { billId } }));
        return;
      }
      case 'unconfirmed':
        logger.warn({ channelId, billId: effect.billId, code: effect.code }, 'the verifier has not confirmed a bill');
        return;
      case 'stale':
        logger.warn({ channelId, version: effect.version }, 'this requester comes from a backup');
        return;
      default:
        this.#parts.touch(channelId);
    }
  }

  #taken(billId: Hash): Asking | undefined {
    const waiting = this.#waiting.get(billId);
    this.#waiting.delete(billId);
    return waiting;
  }

  async #keep(memory: RequesterMemory, step: { saves: boolean; bills: readonly BillChange[] }): Promise<void> {
    const { channelId, channel } = this.#party;
    if (step.saves || step.bills.length > 0) {
      const row: StoredChannel = {
        ...{ channelId, role: 'requester', channel, state: memory.state, memory: requesterJson(memory) },
      };
      await this.#parts.store.save([{ channelId, bills: step.bills, ...(step.saves ? { channel: row } : {}) }]);
    }
    this.#memory = memory;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.catch(() => undefined).then(work);
    this.#turn = turn;
    return turn;
  }

  #failAll(error: unknown): void {
    for (const { reject } of [...this.#asking.splice(0), ...this.#waiting.values()]) reject(error);
    this.#waiting.clear();
  }

  async #pause(failures: number): Promise<void> {
    const { retryMs, maxRetryMs } = this.#parts.settings;
    await this.#parts.clock.sleep(Math.min(maxRetryMs, retryMs * 2 ** Math.min(failures, 30)), this.#stop.signal);
  }

  async #now(): Promise<Moment> {
    const { clock, chain } = this.#parts;
    return { time: Math.floor(clock.nowMs() / 1000), chainTime: await chain.timestamp() };
  }
}

/** Whether the verifier knows more: what it confirms counts until the channel has ended, also while it is closing. */
function isUnconfirmed(memory: RequesterMemory): boolean {
  const { ledger, bills, state } = memory;
  if (state === 'closing' && memory.posted.version > ledger.version) return true;
  const isAsked = state === 'open' || state === 'leaving' || state === 'closing';
  return isAsked && ledger.locks.some(({ billId }) => !bills.get(billId)?.first);
}

/** Whether the verifier has said no, and would say it again. */
function isRefusal(error: unknown): error is NotariumError {
  return isNotariumError(error) && !errorTable[error.code].retry && errorTable[error.code].status < 500;
}

function problemError({ code, detail }: { readonly code: string; readonly detail: string }): NotariumError {
  return new NotariumError(code in errorTable ? (code as ErrorCode) : 'server-answer-invalid', detail);
}
