import type { Hash } from '../../core/bytes.ts';
import { channelIdOf } from '../../core/channels/channel.ts';
import type { BillChange, ChannelEvent } from '../../core/channels/party.ts';
import { stepRequester } from '../../core/channels/requester.ts';
import {
  firstRequesterMemory,
  queuedBills,
  type RequesterEffect,
  type RequesterMemory,
  type RequesterParty,
} from '../../core/channels/requesterMemory.ts';
import { maxLocks } from '../../core/channels/state.ts';
import type { FoldedBill, SignedClosing, Update } from '../../core/channels/update.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { type Asking, BillWaits } from './BillWaits.ts';
import { closeTogether } from './closeTogether.ts';
import { requesterMemoryOf } from './memoryJson.ts';
import { type RequesterChange, RequesterMachine } from './RequesterMachine.ts';
import type { EvidenceItem, PreservedBill, RequesterParts } from './RequesterParts.ts';
import { recoverEvidence } from './recoverEvidence.ts';
import { isRefusal, problemError } from './refusals.ts';
import type { VerifierApi } from './VerifierApi.ts';
import { WorkLoops } from './WorkLoops.ts';

// While the verifier puts the evidence of some on its disk, it judges that of others.
const asksAtOnce = 2;
// Refusals in a row after which whoever waits is told.
const maxRefusals = 3;

/**
 * The requester of one evidence channel. Many pieces of evidence are on their way at once: while an update travels, bills gather for the
 * next one, which also pays for what the last one has confirmed. What is signed is on disk before it is sent, so that after a crash the
 * same is sent again.
 */
export class Requester {
  readonly #parts: RequesterParts;
  readonly #machine: RequesterMachine;
  readonly #waits = new BillWaits();
  readonly #loops: WorkLoops;
  /** Bills that are being asked for. */
  #asked = 0;
  #refusals = 0;
  #recovering: Promise<unknown> = Promise.resolve();

  private constructor(parts: RequesterParts, party: RequesterParty, memory: RequesterMemory) {
    this.#parts = parts;
    this.#machine = new RequesterMachine(parts, party, memory, (...effect) => this.#follow(...effect));
    const { clock, logger, settings } = parts;
    const { retryMs, maxRetryMs } = settings;
    this.#loops = new WorkLoops({ clock, logger, retryMs, maxRetryMs, about: { channelId: party.channelId } });
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
    if (!stored) await requester.#machine.change(() => ({ memory, saves: true, bills: [] }));
    await requester.#machine.do({ kind: 'resume', now: await requester.#machine.now() });
    await requester.ask().catch((error: unknown) => {
      parts.logger.warn({ err: error, channelId }, 'the verifier does not say what it has of the channel');
    });
    requester.#loops.start(...Array.from({ length: asksAtOnce }, () => () => requester.#askBills()), () =>
      requester.#exchange(),
    );
    return requester;
  }

  /** What is remembered of the channel: for who settles it, and for what is shown. */
  get memory(): RequesterMemory {
    return this.#machine.memory;
  }

  /** See {@link RequesterParty}. */
  get party(): RequesterParty {
    return this.#machine.party;
  }

  /**
   * Has evidence preserved: asks for a bill, locks its amount, checks what the verifier confirms, and pays. Resolves when the digest is in
   * a state that both have signed. May be called for many at once.
   * @throws NotariumError why the verifier does not take it, or `bill-mismatch`, `bill-expired`, `channel-balance-short`, `channel-state`.
   */
  async preserve(item: EvidenceItem): Promise<PreservedBill> {
    if (this.#loops.signal.aborted) throw new NotariumError('channel-state', 'the requester has stopped');
    const preserved = this.#waits.ask(item);
    this.#loops.wake();
    return await preserved;
  }

  /**
   * Waits for evidence that an earlier run has got a bill for, until it is paid; undefined where there is no such bill. Asked for with
   * {@link Requester.preserve} instead, it would be paid twice.
   * @throws NotariumError when the bill comes to nothing; `channel-stale` where this side turns out to come from a backup, so that
   *   {@link Requester.recover} tells whether it is paid.
   */
  resume({ digest, count }: Pick<EvidenceItem, 'digest' | 'count'>): Promise<PreservedBill> | undefined {
    const begun = [...this.memory.bills.values()]
      .filter(({ isGivenUp }) => !isGivenUp)
      .map(({ signed }) => signed.bill)
      .find((bill) => bill.digest === digest && bill.count === count && !this.#waits.isAwaited(bill.id));
    if (!begun) return undefined;
    const paid = this.#waits.resume(begun.id, { uploads: [], digest, count, maxAmount: begun.amount });
    this.#loops.wake();
    return paid;
  }

  /** Asks the verifier what it has, and goes on from the newer one of both. @throws NotariumError. */
  async ask(): Promise<void> {
    const { api } = this.#parts;
    const view = await api.channel(this.party.channelId, this.#loops.signal);
    const effects = await this.#machine.do({ kind: 'view', view });
    for (const effect of effects)
      if (effect.kind === 'show') await api.show(this.party.channelId, effect.view, this.#loops.signal);
  }

  /**
   * Fetches the paid bills that are missing here, as after a restored backup, so that there is a receipt for each.
   * @param beforeKept Told of bills before they are kept: what it throws leaves them missing.
   * @returns How many there were.
   * @throws NotariumError `channel-evidence-mismatch`, and what the verifier's API throws; nothing is kept then.
   */
  async recover(beforeKept?: (bills: readonly FoldedBill[]) => Promise<void>): Promise<number> {
    const recovering = this.#recovering.then(() => this.#recover(beforeKept));
    this.#recovering = recovering.catch(() => undefined);
    return await recovering;
  }

  /** Tells what the chain has said. */
  async onChain(event: ChannelEvent): Promise<void> {
    if (event.kind !== 'revealed' && event.channelId !== this.party.channelId) return;
    await this.#machine.do(event);
    if (event.kind === 'closing' || event.kind === 'reopened') this.#parts.touch(this.party.channelId);
    this.#loops.wake();
  }

  /** Looks for what the verifier has not confirmed, and drops what has expired. Call it every few seconds. */
  async runDuties(): Promise<void> {
    if (isUnconfirmed(this.memory)) await this.ask();
    this.#loops.wake();
  }

  /**
   * Closes together with the verifier.
   * @throws NotariumError `channel-state` while locks are open, and what the verifier refuses it with.
   */
  async closeTogether(): Promise<SignedClosing> {
    return await closeTogether(this.#machine, { api: this.#parts.api, loops: this.#loops, ask: () => this.ask() });
  }

  /** Closes alone. @throws NotariumError `channel-state`. */
  async leave(): Promise<void> {
    await this.#machine.do({ kind: 'leave' });
  }

  /** Ends the work; what waits fails. The channel stays as it is. */
  async stop(): Promise<void> {
    await this.#loops.stop();
    await this.#machine.idle();
    this.#waits.failAll(new NotariumError('channel-state', 'the requester has stopped'));
  }

  /** Fetches bills for what waits, as long as there is room for them. */
  async #askBills(): Promise<boolean> {
    const { state } = this.memory;
    if (state !== 'open' && state !== 'proposed')
      this.#waits.failAll(new NotariumError('channel-state', `it is ${state}`));
    const room = maxLocks - queuedBills(this.memory).length - this.#asked;
    if (this.#waits.askingCount === 0 || room <= 0) return false;
    const asking = this.#waits.next(room);
    this.#asked += asking.length;
    try {
      await this.#ask(asking);
    } finally {
      this.#asked -= asking.length;
    }
    this.#loops.wake();
    return true;
  }

  async #ask(asking: readonly Asking[]): Promise<void> {
    const requests = asking.map(({ item: { uploads, digest, count } }) => ({ uploads, digest, count }));
    try {
      let answers: Awaited<ReturnType<VerifierApi['bills']>>;
      try {
        answers = await this.#parts.api.bills(this.party.channelId, requests, this.#loops.signal);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        for (const { reject } of asking) reject(error);
        return;
      }
      await this.#takeBills(asking, answers);
    } catch (error) {
      // The verifier answers with the same bills once more, where it has made them out.
      this.#waits.putBack(asking);
      throw error;
    }
  }

  async #recover(beforeKept?: (bills: readonly FoldedBill[]) => Promise<void>): Promise<number> {
    const { latest } = this.memory;
    if (!latest) return 0;
    const { store, api } = this.#parts;
    const keep = async (bills: readonly FoldedBill[]): Promise<void> => {
      await beforeKept?.(bills);
      await this.#machine.do({ kind: 'recovered', bills });
      for (const bill of bills) this.#waits.taken(bill.signed.bill.id)?.resolve(bill);
    };
    return await recoverEvidence({ party: this.party, latest, store, api, signal: this.#loops.signal, keep });
  }

  async #takeBills(asking: readonly Asking[], answers: Awaited<ReturnType<VerifierApi['bills']>>): Promise<void> {
    const ids = answers.flatMap((answer) => ('signed' in answer ? [answer.signed.bill.id] : []));
    // A bill with the id of an older one would take its place in the store.
    const known = new Set(await this.#parts.store.knownBills(this.party.channelId, ids));
    const now = await this.#machine.now();
    const taken = new Map<Hash, Asking>();
    const refused: { readonly asked: Asking; readonly error: unknown }[] = [];
    const unwanted: Hash[] = [];
    const change = (before: RequesterMemory): RequesterChange => {
      let memory = before;
      const rows: BillChange[] = [];
      asking.forEach((each, index) => {
        const answer = answers[index] ?? { problem: { code: 'server-answer-invalid', detail: 'no answer' } };
        try {
          if ('problem' in answer) throw problemError(answer.problem);
          const { signed } = answer;
          if (known.has(signed.bill.id))
            throw new NotariumError('bill-mismatch', 'there was a bill with this id before');
          const step = stepRequester(this.party, memory, { kind: 'bill', signed, wanted: each.item, now });
          memory = step.memory;
          rows.push(...step.bills);
          taken.set(signed.bill.id, each);
          this.#waits.await(signed.bill.id, each);
        } catch (error) {
          if ('signed' in answer && !known.has(answer.signed.bill.id)) unwanted.push(answer.signed.bill.id);
          refused.push({ asked: each, error });
        }
      });
      return { memory, saves: false, bills: rows };
    };
    try {
      await this.#machine.change(change);
    } catch (error) {
      for (const billId of taken.keys()) this.#waits.taken(billId);
      throw error;
    }
    for (const { asked, error } of refused) asked.reject(error);
    for (const billId of unwanted) void this.#withdraw(billId);
  }

  /** The verifier need not hold what nobody will pay; where it does not hear of it, the bill expires. */
  async #withdraw(billId: Hash): Promise<void> {
    if (this.memory.bills.has(billId)) return;
    const { channelId } = this.party;
    try {
      await this.#parts.api.withdraw(channelId, billId, this.#loops.signal);
    } catch (error) {
      this.#parts.logger.info({ err: error, channelId, billId }, 'a bill was not withdrawn: it expires');
    }
  }

  /** One update: proposes what there is, and brings what is proposed to an end. */
  async #exchange(): Promise<boolean> {
    if (this.memory.state === 'open') {
      try {
        await this.#machine.do({ kind: 'propose', now: await this.#machine.now() });
      } catch (error) {
        // Nothing can be proposed any more: the channel is to be closed.
        if (isNotariumError(error, 'channel-state')) this.#waits.failAll(error);
        throw error;
      }
    }
    const { memory } = this;
    if (memory.state !== 'proposed') return false;
    this.#loops.wake();
    await this.#send(memory.proposal.update);
    this.#loops.wake();
    return true;
  }

  async #send(update: Update): Promise<void> {
    const { version } = update;
    try {
      const answer = await this.#parts.api.update(update, this.#loops.signal);
      await this.#machine.do({ kind: 'answer', version, answer });
      this.#refusals = 0;
    } catch (error) {
      if (!isRefusal(error) || error.code === 'channel-countersignature-invalid') throw error;
      const billId = error.data.billId as Hash | undefined;
      await this.#machine.do({ kind: 'refused', version, code: error.code, ...(billId ? { billId } : {}) });
      if (error.code === 'channel-base-stale') return this.ask();
      if (++this.#refusals < maxRefusals) return;
      this.#waits.failAll(error);
      throw error;
    }
  }

  #follow(effect: RequesterEffect, before: RequesterMemory, rows: readonly BillChange[]): void {
    const { logger } = this.#parts;
    const { channelId } = this.party;
    switch (effect.kind) {
      case 'update':
      case 'close':
      case 'show':
        return;
      case 'folded': {
        const { billId, leafIndex } = effect;
        const { signed, key, first } = before.bills.get(billId)!;
        const second = rows.find((row) => row.signed.bill.id === billId && row.second)?.second;
        const waiting = this.#waits.taken(billId);
        if (key && first && second) waiting?.resolve({ signed, key, first, second, leafIndex });
        else waiting?.reject(new NotariumError('channel-state', 'the channel has ended before the second statement'));
        return;
      }
      case 'failed': {
        const { billId, code } = effect;
        const failed = this.#waits.taken(billId);
        const isLocked = before.ledger.locks.some((lock) => lock.billId === billId);
        const isLost = !isLocked && (code === 'bill-unknown' || code === 'bill-expired');
        if (failed && isLost && this.#waits.askAgain(failed)) return;
        failed?.reject(new NotariumError(code, 'the bill is not paid', { data: { billId } }));
        return;
      }
      case 'unconfirmed':
        logger.warn({ channelId, billId: effect.billId, code: effect.code }, 'the verifier has not confirmed a bill');
        return;
      case 'stale':
        logger.warn({ channelId, version: effect.version }, 'this requester comes from a backup');
        // What became of a lock that is open no more is not known here: whether it was paid, a recovery tells.
        for (const { signed, state } of rows) {
          const error = new NotariumError('channel-stale', undefined, { data: { billId: signed.bill.id } });
          if (state === 'gone') this.#waits.taken(signed.bill.id)?.reject(error);
        }
        return;
      default:
        this.#parts.touch(channelId);
    }
  }
}

/** Whether the verifier knows more: what it confirms counts until the channel has ended, also while it is closing. */
function isUnconfirmed(memory: RequesterMemory): boolean {
  const { ledger, bills, state } = memory;
  if (state === 'closing' && memory.posted.version > ledger.version) return true;
  const isAsked = state === 'open' || state === 'leaving' || state === 'closing';
  return isAsked && ledger.locks.some(({ billId }) => !bills.get(billId)?.first);
}
