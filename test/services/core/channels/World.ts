import type { z } from 'zod';
import type { Hash } from '../../../../services/core/bytes.ts';
import { jsonWithAmounts } from '../../../../services/core/channels/amount.ts';
import { keyHashOf, type SignedBill, signedBillSchema } from '../../../../services/core/channels/bill.ts';
import type { Ledger } from '../../../../services/core/channels/ledger.ts';
import { requesterBalanceOf, stateOf } from '../../../../services/core/channels/ledger.ts';
import { type ChannelEvent, digestOf, type Moment, type Step } from '../../../../services/core/channels/party.ts';
import { stepRequester } from '../../../../services/core/channels/requester.ts';
import {
  firstRequesterMemory,
  type Proposal,
  type RequesterEffect,
  type RequesterEvent,
  type RequesterMemory,
} from '../../../../services/core/channels/requesterMemory.ts';
import type { SignedState } from '../../../../services/core/channels/state.ts';
import {
  type ChannelView,
  type CloseAnswer,
  type CloseRequest,
  channelViewSchema,
  closeAnswerSchema,
  closeRequestSchema,
  type Update,
  type UpdateAnswer,
  updateAnswerSchema,
  updateSchema,
} from '../../../../services/core/channels/update.ts';
import { stepVerifier } from '../../../../services/core/channels/verifier.ts';
import {
  firstVerifierMemory,
  type VerifierEffect,
  type VerifierEvent,
  type VerifierMemory,
  viewOfVerifier,
} from '../../../../services/core/channels/verifierMemory.ts';
import { type ErrorCode, isNotariumError, type NotariumError } from '../../../../services/core/errors.ts';
import { AbstractChain, type Order } from './AbstractChain.ts';
import { billOf, billSeconds, parties } from './channelKit.ts';

/** Time goes by in such steps; an order is done on chain one step after it was given. */
export const stepSeconds = 40;

/** What is on its way between the two. */
export type Message =
  | { to: 'verifier'; kind: 'update'; update: Update }
  | { to: 'verifier'; kind: 'close'; request: CloseRequest }
  | { to: 'verifier'; kind: 'show'; view: ChannelView }
  | { to: 'verifier'; kind: 'ask' }
  | { to: 'verifier'; kind: 'askBill'; name: string; amount: bigint }
  | { to: 'requester'; kind: 'answer'; version: number; answer: UpdateAnswer }
  | { to: 'requester'; kind: 'refused'; version: number; code: ErrorCode; billId?: Hash }
  | { to: 'requester'; kind: 'view'; view: ChannelView }
  | { to: 'requester'; kind: 'closeAnswer'; answer: CloseAnswer }
  | { to: 'requester'; kind: 'bill'; signed: SignedBill; amount: bigint };

/** The rules that the two sides follow; tests break one of them to see that it is needed. */
export type Rules = { readonly requester: typeof stepRequester; readonly verifier: typeof stepVerifier };

/** The rules as they are. */
export const goodRules: Rules = { requester: stepRequester, verifier: stepVerifier };

/** When a side breaks down: before the next step is durable, or after it, before anything is done. */
type Crash = 'beforeSave' | 'afterSave';

/** One side: what it remembers, and what it would remember after a crash. */
class Side<Memory> {
  memory: Memory;
  readonly durable: Memory[];
  isOnline = true;
  crash: Crash | undefined;

  constructor(memory: Memory) {
    this.memory = memory;
    this.durable = [memory];
  }
}

/** Through the wire: what arrives is what the schema reads from the text. */
function wired<T>(schema: z.ZodType<T, unknown>, value: T): T {
  return schema.parse(JSON.parse(jsonWithAmounts(value)));
}

/** Both sides, the net between them and the chain, and what a judge must know of all that has happened. */
export class World {
  readonly parties = parties();
  readonly chain = new AbstractChain(this.parties.requester);
  readonly requester = new Side<RequesterMemory>(firstRequesterMemory(1000n));
  readonly verifier = new Side<VerifierMemory>(firstVerifierMemory(1000n));
  readonly net: Message[] = [];
  readonly sent: Message[] = [];
  readonly orders: Order[] = [];
  readonly #rules: Rules;
  /** Unix seconds; the chain's clock is a block behind. */
  time = 1000;

  /** What has left each side signed: the digest of each version. */
  readonly signed = { requester: new Map<number, string>(), verifier: new Map<number, string>() };
  readonly proposals: Proposal[] = [];
  readonly states: { signed: SignedState; ledger: Ledger }[] = [];
  readonly offered: SignedBill[] = [];
  /** Amounts of bills: whose keys have left the verifier; that the requester holds key and first statement of. */
  readonly disclosed = new Map<Hash, bigint>();
  readonly confirmed = new Map<Hash, bigint>();
  /** Bills that the requester takes to be preserved. */
  readonly preserved = new Set<Hash>();
  /** Bills that the verifier has given up, or may have lost by its own absence or backup. */
  readonly forgone = new Set<Hash>();
  readonly doubts: string[] = [];
  /** What becomes of the verifier's next answer. */
  tamper: ((answer: UpdateAnswer) => UpdateAnswer) | undefined;
  /** The side that was restored from a backup. */
  restored: 'requester' | 'verifier' | undefined;

  constructor(rules: Rules = goodRules) {
    this.#rules = rules;
  }

  get now(): Moment {
    return { time: this.time, chainTime: this.chain.time };
  }

  send(message: Message): void {
    this.net.push(message);
    this.sent.push(message);
  }

  /** Lets the requester see an event. A refusal by its own machine is returned. */
  tellRequester(event: RequesterEvent): NotariumError | undefined {
    const { requester } = this.parties;
    return this.#tell(
      this.requester,
      () => this.#rules.requester(requester, this.requester.memory, event),
      (effect) => this.#requesterDoes(effect),
      () => this.restart('requester'),
    );
  }

  /** Lets the verifier see an event. */
  tellVerifier(event: VerifierEvent): NotariumError | undefined {
    const { verifier } = this.parties;
    return this.#tell(
      this.verifier,
      () => this.#rules.verifier(verifier, this.verifier.memory, event),
      (effect) => this.#verifierDoes(effect, event),
      () => this.restart('verifier'),
    );
  }

  /** Starts a side anew from what is durable, `back` savings ago. */
  restart(who: 'requester' | 'verifier', back = 0): void {
    const side = this[who] as Side<unknown>;
    // Nobody restores a backup twice in a second.
    if (back > 0) this.time++;
    const kept = side.durable.length - Math.min(back, side.durable.length - 1);
    side.durable.length = kept;
    side.memory = side.durable.at(-1);
    side.crash = undefined;
    if (who === 'requester') this.tellRequester({ kind: 'resume', now: this.now });
    for (const event of this.chain.history()) this.#hear(who, event);
  }

  /** Time goes by: transactions are mined, whoever is there does its duties. */
  advance(seconds: number): void {
    this.time += seconds;
    this.chain.time = this.time - (this.time % 12);
    for (const order of this.orders.splice(0)) this.#broadcast(this.chain.run(order));
    this.tick();
  }

  tick(): void {
    if (this.requester.isOnline) this.tellRequester({ kind: 'tick', now: this.now });
    if (this.verifier.isOnline) this.tellVerifier({ kind: 'tick', now: this.now });
  }

  deposit(amount: bigint): void {
    this.#broadcast(this.chain.deposit(amount));
  }

  /** A side is away for a while. */
  absent(who: 'requester' | 'verifier', seconds: number): void {
    this[who].isOnline = false;
    for (let rest = seconds; rest > 0; rest -= stepSeconds) this.advance(stepSeconds);
    this[who].isOnline = true;
    if (who === 'verifier') this.forgoLate();
    this.restart(who);
    this.tick();
  }

  /** The verifier was away when it should have made keys public. */
  forgoLate(): void {
    const { ledger } = this.verifier.memory;
    for (const { billId, expiry, keyHash } of ledger.locks)
      if (expiry < this.time + 2 * stepSeconds && !this.chain.revealed.has(keyHash)) this.forgone.add(billId);
  }

  deliver(message: Message): void {
    if (!this[message.to].isOnline) return;
    if (message.to === 'verifier') this.#reachVerifier(message);
    else this.#reachRequester(message);
  }

  #reachVerifier(message: Extract<Message, { to: 'verifier' }>): void {
    const refuse = (version: number, error: NotariumError | undefined): void => {
      if (!error) return;
      const billId = error.data.billId as Hash | undefined;
      this.send({ to: 'requester', kind: 'refused', version, code: error.code, ...(billId ? { billId } : {}) });
    };
    switch (message.kind) {
      case 'update':
        refuse(
          message.update.version,
          this.tellVerifier({ kind: 'update', update: wired(updateSchema, message.update), now: this.now }),
        );
        return;
      case 'close': {
        const request = wired(closeRequestSchema, message.request);
        if (this.tellVerifier({ kind: 'close', request, now: this.now })) this.#showVerifier();
        return;
      }
      case 'show':
        this.tellVerifier({ kind: 'view', view: wired(channelViewSchema, message.view) });
        return;
      case 'ask':
        this.#showVerifier();
        return;
      case 'askBill': {
        const { name, amount } = message;
        const expiry = this.time + billSeconds;
        const signed = billOf(this.parties.verifier, name, { amount, expiry });
        if (this.verifier.memory.locked.has(signed.bill.id) || this.disclosed.has(signed.bill.id)) return;
        if (this.tellVerifier({ kind: 'offer', offer: { signed } })) return;
        this.offered.push(signed);
        this.send({ to: 'requester', kind: 'bill', signed, amount });
      }
    }
  }

  #reachRequester(message: Extract<Message, { to: 'requester' }>): void {
    switch (message.kind) {
      case 'answer':
        this.tellRequester({ ...message, answer: wired(updateAnswerSchema, message.answer) });
        return;
      case 'refused':
        this.tellRequester(message);
        if (message.code === 'channel-base-stale') this.send({ to: 'verifier', kind: 'ask' });
        return;
      case 'view':
        this.tellRequester({ kind: 'view', view: wired(channelViewSchema, message.view) });
        return;
      case 'closeAnswer':
        this.tellRequester({ ...message, answer: wired(closeAnswerSchema, message.answer) });
        return;
      case 'bill': {
        const { signed, amount } = message;
        const { digest, count } = signed.bill;
        // A bill that was taken before is told by the store.
        if (this.confirmed.has(signed.bill.id)) return;
        const wanted = { digest, count, maxAmount: amount };
        this.tellRequester({ kind: 'bill', signed: wired(signedBillSchema, signed), wanted, now: this.now });
      }
    }
  }

  #showVerifier(): void {
    const view = viewOfVerifier(this.parties.verifier, this.verifier.memory);
    for (const { bill } of view.locks) this.disclosed.set(bill.id, bill.amount);
    this.send({ to: 'requester', kind: 'view', view });
  }

  #tell<M, E>(side: Side<M>, step: () => Step<M, E>, act: (effect: E) => void, restart: () => void) {
    let done: Step<M, E>;
    try {
      done = step();
    } catch (error) {
      if (isNotariumError(error)) return error;
      throw error;
    }
    const { crash } = side;
    if (crash === 'beforeSave') return this.#crashed(restart);
    side.memory = done.memory;
    if (done.saves || done.bills.length > 0) side.durable.push(done.memory);
    if (crash === 'afterSave') return this.#crashed(restart);
    for (const effect of done.effects) act(effect);
    this.#look();
    return undefined;
  }

  #crashed(restart: () => void): undefined {
    restart();
    return undefined;
  }

  /** What both remember must always add up, and what the requester has confirmed stays so. */
  #look(): void {
    const { requester, verifier } = this;
    for (const { memory } of [requester, verifier]) {
      const { ledger } = memory;
      const open = ledger.locks.reduce((sum, { amount }) => sum + amount, 0n);
      const rest = requesterBalanceOf(ledger);
      if (rest < 0n || rest + ledger.verifierBalance + open !== ledger.held) this.doubts.push('balances do not add up');
      if (ledger.held > this.chain.held) this.doubts.push('more is given out than is held');
    }
    for (const [billId, { first, key, signed }] of requester.memory.bills)
      if (first && key && keyHashOf(key) === signed.bill.keyHash) this.confirmed.set(billId, signed.bill.amount);
  }

  #requesterDoes(effect: RequesterEffect): void {
    switch (effect.kind) {
      case 'update': {
        const { memory } = this.requester;
        if (memory.state === 'proposed') this.#proposed(memory.proposal);
        this.send({ to: 'verifier', ...effect });
        return;
      }
      case 'close':
      case 'show':
        this.send({ to: 'verifier', ...effect });
        return;
      case 'folded':
        this.preserved.add(effect.billId);
        return;
      case 'failed':
      case 'unconfirmed':
        return;
      case 'stale':
        this.send({ to: 'verifier', kind: 'ask' });
        return;
      default:
        this.orders.push(effect);
    }
  }

  #proposed(proposal: Proposal): void {
    const { requester } = this.parties;
    this.proposals.push(proposal);
    this.#signedBy('requester', proposal.next.version, digestOf(requester, stateOf(proposal.next)));
  }

  #verifierDoes(effect: VerifierEffect, event: VerifierEvent): void {
    switch (effect.kind) {
      case 'answer': {
        const { latest, ledger } = this.verifier.memory;
        if (event.kind !== 'update' || !latest) throw new Error('an answer to nothing');
        this.#signedBy('verifier', ledger.version, digestOf(this.parties.verifier, latest.state));
        this.states.push({ signed: latest, ledger });
        for (const { billId } of effect.answer.disclosures)
          this.disclosed.set(billId, ledger.locks.find((lock) => lock.billId === billId)!.amount);
        const { tamper = (answer) => answer } = this;
        this.tamper = undefined;
        const answer = tamper(effect.answer);
        this.send({ to: 'requester', kind: 'answer', version: event.update.version, answer });
        return;
      }
      case 'closeAnswer':
        this.send({ to: 'requester', ...effect });
        return;
      case 'stale':
        return;
      default:
        this.orders.push(effect);
    }
  }

  #signedBy(who: 'requester' | 'verifier', version: number, digest: Uint8Array): void {
    const text = digest.join();
    const before = this.signed[who].get(version);
    if (before !== undefined && before !== text) this.doubts.push(`the ${who} has signed two states ${version}`);
    this.signed[who].set(version, text);
  }

  #hear(who: 'requester' | 'verifier', event: ChannelEvent): void {
    if (who === 'requester') this.tellRequester(event);
    else this.tellVerifier(event);
  }

  #broadcast(events: readonly ChannelEvent[]): void {
    for (const event of events)
      for (const who of ['requester', 'verifier'] as const) if (this[who].isOnline) this.#hear(who, event);
  }
}
