import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { ApiKeyScope, ApiKeyView, Centre } from '../app/Centre.ts';
import type { Hash } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import type { ChannelCallers } from './channels/ChannelCallers.ts';
import type { AccessPolicy } from './HttpOptions.ts';

/** How long a key that was found, or not found, is believed: a revoked key works at most that much longer. */
const believedMs = 1_000;

const bearerPattern = /^Bearer +(ntm_[A-Za-z0-9_-]{16,200}) *$/i;

/**
 * Who a request comes from: nobody, the owner of a key, the requester of a channel that has shown itself before, or somebody with a key
 * that does not count.
 */
export type Caller = { readonly key?: ApiKeyView; readonly channelId?: Hash; readonly invalid?: true };

/** Where keys are looked up: those of a centre, or none. */
export type KeySource = Pick<Centre['keys'], 'find'>;

const nobody: Caller = {};
const invalid: Caller = { invalid: true };

/** Who may call what. */
export class Access {
  readonly #keys: KeySource;
  readonly #channels: ChannelCallers | undefined;
  readonly #policy: AccessPolicy;
  // By the hash: a secret is not kept in memory longer than its request. Unknown ones are kept too, so that a client with an
  // old key does not cost a look-up a request.
  readonly #believed = new LRUCache<string, Caller>({ max: 10_000, ttl: believedMs });

  constructor(keys: KeySource, policy: AccessPolicy, channels?: ChannelCallers) {
    this.#keys = keys;
    this.#policy = policy;
    this.#channels = channels;
  }

  /** The caller behind an `Authorization` header; at once where there is none. */
  caller(header: string | undefined): Caller | Promise<Caller> {
    if (header === undefined) return nobody;
    const channelId = this.#channels?.known(header);
    return channelId === undefined ? this.#find(header) : { channelId };
  }

  /**
   * The channel that the request is for, by the signature of its requester. What was not seen before costs a look at the chain: only after
   * the rate limit.
   * @throws NotariumError `verifier-missing`, `channel-access-invalid`, `channel-unknown`, those of the chain.
   */
  async channelOf(caller: Caller, header: string | undefined): Promise<Hash> {
    if (!this.#channels) throw new NotariumError('verifier-missing');
    return caller.channelId ?? (await this.#channels.check(header));
  }

  async #find(header: string): Promise<Caller> {
    const secret = bearerPattern.exec(header)?.[1];
    if (secret === undefined) return invalid;
    const hash = createHash('sha256').update(secret).digest('base64');
    const believed = this.#believed.get(hash);
    if (believed) return believed;
    const key = await this.#keys.find(secret);
    const caller = key === undefined || key.revokedAt !== undefined ? invalid : { key };
    this.#believed.set(hash, caller);
    return caller;
  }

  /** Forgets what it believed: a key was revoked. */
  forget(): void {
    this.#believed.clear();
  }

  /**
   * Checks that the caller may do what needs this scope.
   * @param isKeyed whether it needs a key even where the policy is open.
   * @throws NotariumError `unauthorized`, `forbidden`.
   */
  check(caller: Caller, need: 'public' | 'channel' | ApiKeyScope, isKeyed = false): void {
    if (need === 'public' || need === 'channel') return;
    if (caller.invalid) throw new NotariumError('unauthorized', 'the API key is not valid');
    if (need !== 'admin' && !isKeyed && this.#policy[need] === 'open') return;
    if (caller.key === undefined) throw new NotariumError('unauthorized');
    if (!allows(caller.key, need)) {
      throw new NotariumError('forbidden', undefined, { data: { have: caller.key.scopes, want: need } });
    }
  }
}

/** Whether a key has a scope; `admin` has them all. */
export function allows(key: ApiKeyView, scope: ApiKeyScope): boolean {
  return key.scopes.includes(scope) || key.scopes.includes('admin');
}
