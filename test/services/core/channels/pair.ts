import type { Hash } from '../../../../services/core/bytes.ts';
import { stepRequester } from '../../../../services/core/channels/requester.ts';
import {
  firstRequesterMemory,
  type RequesterEffect,
  type RequesterEvent,
  type RequesterMemory,
} from '../../../../services/core/channels/requesterMemory.ts';
import type { Update } from '../../../../services/core/channels/update.ts';
import { stepVerifier } from '../../../../services/core/channels/verifier.ts';
import {
  firstVerifierMemory,
  type VerifierEffect,
  type VerifierEvent,
  type VerifierMemory,
} from '../../../../services/core/channels/verifierMemory.ts';
import { at, billOf, parties } from './channelKit.ts';

/** Both machines side by side, and the steps that tests take with them. */
export class Pair {
  readonly parties;
  requester: RequesterMemory;
  verifier: VerifierMemory;
  time = 1000;

  constructor(salt = 1n) {
    this.parties = parties(salt);
    this.requester = firstRequesterMemory(1000n);
    this.verifier = firstVerifierMemory(1000n);
  }

  get channelId(): Hash {
    return this.parties.requester.channelId;
  }

  /** The effects of an event at the requester. */
  r(event: RequesterEvent): readonly RequesterEffect[] {
    const step = stepRequester(this.parties.requester, this.requester, event);
    this.requester = step.memory;
    return step.effects;
  }

  /** The effects of an event at the verifier. */
  v(event: VerifierEvent): readonly VerifierEffect[] {
    const step = stepVerifier(this.parties.verifier, this.verifier, event);
    this.verifier = step.memory;
    return step.effects;
  }

  /** A bill that both know. */
  bill(name: string, amount = 10n): Hash {
    const signed = billOf(this.parties.verifier, name, { amount, expiry: this.time + 1000 });
    this.v({ kind: 'offer', offer: { signed } });
    const { digest, count } = signed.bill;
    this.r({ kind: 'bill', signed, wanted: { digest, count, maxAmount: amount }, now: at(this.time) });
    return signed.bill.id;
  }

  /** What the requester proposes. */
  propose(): Update {
    const effect = this.r({ kind: 'propose', now: at(this.time) }).find(({ kind }) => kind === 'update');
    if (effect?.kind !== 'update') throw new Error('nothing to propose');
    return effect.update;
  }

  /** The verifier takes an update; its answer. */
  take(update: Update) {
    const [effect] = this.v({ kind: 'update', update, now: at(this.time) });
    if (effect?.kind !== 'answer') throw new Error('no answer');
    return effect.answer;
  }

  /** One update, proposed and answered. */
  exchange(): readonly RequesterEffect[] {
    const update = this.propose();
    return this.r({ kind: 'answer', version: update.version, answer: this.take(update) });
  }
}
