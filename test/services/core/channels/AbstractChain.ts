import type { Hash } from '../../../../services/core/bytes.ts';
import { keyHashOf } from '../../../../services/core/channels/bill.ts';
import {
  type ChannelEvent,
  digestOf,
  isSignedBy,
  type Party,
  type Posted,
  paidLocks,
  type Settlement,
} from '../../../../services/core/channels/party.ts';
import { closeDigest, type SignedState } from '../../../../services/core/channels/state.ts';
import type { SignedClosing } from '../../../../services/core/channels/update.ts';

/** What can be asked of the contract. */
export type Order =
  | { readonly kind: 'startClosing'; readonly latest: SignedState | undefined }
  | { readonly kind: 'challenge'; readonly latest: SignedState }
  | { readonly kind: 'reveal'; readonly keys: readonly Hash[] }
  | { readonly kind: 'settle'; readonly settlement: Settlement }
  | { readonly kind: 'closeTogether'; readonly closing: SignedClosing };

/** How the channel has ended. */
export type Ended = {
  readonly version: number | 'together';
  readonly requester: bigint;
  readonly verifier: bigint;
  readonly evidenceCount: number;
  /** Bills of the locks that were paid. */
  readonly paid: readonly Hash[];
};

/** `EvidenceChannels` in a few lines, for one channel: an order that it refuses changes nothing. */
export class AbstractChain {
  readonly #party: Party;
  time = 1000;
  held: bigint;
  posted: Posted | undefined;
  ended: Ended | undefined;
  readonly revealed = new Map<Hash, { key: Hash; at: number }>();

  constructor(party: Party) {
    this.#party = party;
    this.held = party.channel.amount;
  }

  /** Does an order; what it leads to. */
  run(order: Order): ChannelEvent[] {
    if (order.kind === 'reveal') return order.keys.flatMap((key) => this.#reveal(key));
    if (this.ended) return [];
    switch (order.kind) {
      case 'startClosing':
        if (this.posted || !this.#isSigned(order.latest)) return [];
        return this.#post(order.latest?.state.version ?? 0, this.time + this.#party.channel.challengeSeconds);
      case 'challenge':
        if (!this.posted || this.time > this.posted.deadline || !this.#isSigned(order.latest)) return [];
        if (order.latest.state.version <= this.posted.version) return [];
        return this.#post(order.latest.state.version, this.posted.deadline);
      case 'settle':
        return this.#settle(order.settlement);
      case 'closeTogether':
        return this.#closeTogether(order.closing);
    }
  }

  /** Pays more in. */
  deposit(amount: bigint): ChannelEvent[] {
    if (this.ended || this.posted) return [];
    this.held += amount;
    return [{ kind: 'deposited', channelId: this.#party.channelId, held: this.held }];
  }

  /** All that a process must hear when it comes back. */
  history(): ChannelEvent[] {
    const { channelId } = this.#party;
    const keys = [...this.revealed].map(([keyHash, { key, at }]) => ({ kind: 'revealed' as const, keyHash, key, at }));
    return [
      { kind: 'deposited', channelId, held: this.held },
      ...keys,
      ...(this.posted ? [{ kind: 'closing' as const, channelId, ...this.posted }] : []),
      ...this.#settledEvents(),
    ];
  }

  #settledEvents(): ChannelEvent[] {
    if (!this.ended) return [];
    return [{ kind: 'settled', channelId: this.#party.channelId, evidenceCount: this.ended.evidenceCount }];
  }

  #post(version: number, deadline: number): ChannelEvent[] {
    this.posted = { version, deadline };
    return [{ kind: 'closing', channelId: this.#party.channelId, version, deadline }];
  }

  #reveal(key: Hash): ChannelEvent[] {
    const keyHash = keyHashOf(key);
    if (this.revealed.has(keyHash)) return [];
    this.revealed.set(keyHash, { key, at: this.time });
    return [{ kind: 'revealed', keyHash, key, at: this.time }];
  }

  #settle({ state, locks, peaks: _ }: Settlement): ChannelEvent[] {
    if (!this.posted || this.time <= this.posted.deadline || state.version !== this.posted.version) return [];
    const keyHashes = new Map(locks.map(({ billId, keyHash }) => [billId, keyHash]));
    const revealedAt = (billId: Hash) => this.revealed.get(keyHashes.get(billId)!)?.at;
    const paid = paidLocks({ locks }, this.posted.deadline, revealedAt);
    return this.#end(
      paid.reduce((sum, { amount }) => sum + amount, state.verifierBalance),
      {
        version: state.version,
        evidenceCount: state.evidenceCount + paid.length,
        paid: paid.map((lock) => lock.billId),
      },
    );
  }

  #closeTogether({ closing, requesterSignature, verifierSignature }: SignedClosing): ChannelEvent[] {
    const { network, channelId, channel } = this.#party;
    const digest = closeDigest(network, channelId, closing);
    if (!isSignedBy(this.#party, digest, requesterSignature, channel.requester)) return [];
    if (!isSignedBy(this.#party, digest, verifierSignature, channel.verifier)) return [];
    const { verifierBalance, evidenceCount } = closing;
    return this.#end(verifierBalance, { version: 'together', evidenceCount, paid: [] });
  }

  #end(verifier: bigint, how: Pick<Ended, 'version' | 'evidenceCount' | 'paid'>): ChannelEvent[] {
    if (verifier > this.held) throw new Error(`${verifier} to pay, ${this.held} held`);
    this.ended = { ...how, verifier, requester: this.held - verifier };
    return this.#settledEvents();
  }

  #isSigned(latest: SignedState | undefined): boolean {
    if (!latest) return true;
    const { requester, verifier } = this.#party.channel;
    const digest = digestOf(this.#party, latest.state);
    return (
      isSignedBy(this.#party, digest, latest.requesterSignature, requester) &&
      isSignedBy(this.#party, digest, latest.verifierSignature, verifier)
    );
  }
}
