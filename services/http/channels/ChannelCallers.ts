import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { ChannelDesk } from '../../app/channels/ChannelDesk.ts';
import type { Hash } from '../../core/bytes.ts';
import { type ChannelAccess, channelAccessSchema, channelAccessSigner } from '../../core/channels/channel.ts';
import { NotariumError } from '../../core/errors.ts';
import { loadCrypto } from '../../lib/nativeCrypto.ts';

const pattern = /^Channel +([A-Za-z0-9_-]{100,1000}) *$/i;

type Believed = { readonly channelId: Hash; readonly expiresAt: number };

/** Requesters of channels, known by what they have signed. What was found valid is believed until it expires: it cannot be revoked. */
export class ChannelCallers {
  readonly #desk: Pick<ChannelDesk, 'accept' | 'known' | 'terms'>;
  // By the hash: what gives access is not kept in memory longer than its request.
  readonly #believed = new LRUCache<string, Believed>({ max: 10_000 });
  readonly #crypto = loadCrypto();

  constructor(desk: Pick<ChannelDesk, 'accept' | 'known' | 'terms'>) {
    this.#desk = desk;
  }

  /** The channel of an `Authorization` header that was found valid before. */
  known(header: string): Hash | undefined {
    const token = pattern.exec(header)?.[1];
    const believed = token === undefined ? undefined : this.#believed.get(hashOf(token));
    return believed && believed.expiresAt > nowSeconds() ? believed.channelId : undefined;
  }

  /**
   * The channel of an `Authorization` header, once its requester is known to have signed it.
   * @throws NotariumError `channel-access-invalid`, those of `ChannelDesk.accept`.
   */
  async check(header: string | undefined): Promise<Hash> {
    const token = header === undefined ? undefined : pattern.exec(header)?.[1];
    if (token === undefined)
      throw new NotariumError('channel-access-invalid', 'give `Authorization: Channel …`, signed by the requester');
    const access = parse(token);
    const crypto = await this.#crypto;
    const { channelId, expiresAt } = access;
    // What nobody has signed costs no look at the database or the chain.
    const signer = channelAccessSigner(this.#desk.terms().network, access, nowSeconds(), crypto);
    const channel = (await this.#desk.known(channelId)) ?? (await this.#desk.accept(channelId));
    if (signer !== channel.requester)
      throw new NotariumError('channel-access-invalid', 'it is not signed by the requester');
    this.#believed.set(hashOf(token), { channelId, expiresAt });
    return channelId;
  }
}

function parse(token: string): ChannelAccess {
  try {
    return channelAccessSchema.parse(JSON.parse(Buffer.from(token, 'base64url').toString('utf8')));
  } catch (cause) {
    throw new NotariumError('channel-access-invalid', 'it has not the form', { cause });
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
