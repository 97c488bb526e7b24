import type { Hash, Hex } from '../../../core/bytes.ts';
import { type ChannelNetwork, channelAccessDigest, maxAccessSeconds } from '../../../core/channels/channel.ts';
import { type Clock, systemClock } from '../../clock.ts';

/** Signs at once: 64 bytes by EIP-2098. */
export type SignNow = (digest: Uint8Array) => Hex;

// The clocks of both sides may differ by hours: a day long is the limit, and both ends keep away from it.
const validSeconds = maxAccessSeconds / 2;
const renewSeconds = maxAccessSeconds / 4;

/** What a requester shows the verifier with each request; signed anew in good time. */
export class AccessToken {
  readonly #network: ChannelNetwork;
  readonly #channelId: Hash;
  readonly #sign: SignNow;
  readonly #clock: Clock;
  #header = '';
  #expiresAt = 0;

  constructor(parts: { network: ChannelNetwork; channelId: Hash; sign: SignNow; clock?: Clock | undefined }) {
    this.#network = parts.network;
    this.#channelId = parts.channelId;
    this.#sign = parts.sign;
    this.#clock = parts.clock ?? systemClock;
  }

  /** The `Authorization` header: `Channel …`. */
  header(): string {
    const now = Math.floor(this.#clock.nowMs() / 1000);
    if (this.#expiresAt - now < renewSeconds) {
      this.#expiresAt = now + validSeconds;
      const access = { channelId: this.#channelId, expiresAt: this.#expiresAt };
      const signature = this.#sign(channelAccessDigest(this.#network, access));
      this.#header = `Channel ${Buffer.from(JSON.stringify({ ...access, signature })).toString('base64url')}`;
    }
    return this.#header;
  }
}
