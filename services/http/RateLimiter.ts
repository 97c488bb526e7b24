import type { Request, Response } from 'express';
import { ipKeyGenerator, MemoryStore, rateLimit } from 'express-rate-limit';
import { NotariumError } from '../core/errors.ts';
import type { Caller } from './Access.ts';
import type { HttpOptions, RateLimit } from './HttpOptions.ts';

type Limits = Exclude<HttpOptions['rateLimits'], false | undefined>;
type Check = (request: Request, response: Response) => Promise<void>;

/** Counts requests, those with a valid key for the key, those of a channel's requester for the channel, and all others for their address. */
export class RateLimiter {
  readonly #perIp: Check;
  readonly #perKey: Check;
  readonly #stores: MemoryStore[] = [];
  readonly #keyIds = new WeakMap<Request, string>();

  constructor(limits: Limits) {
    this.#perIp = this.#limiter(limits.perIp, (request) => ipKeyGenerator(request.ip ?? 'unknown'));
    this.#perKey = this.#limiter(limits.perKey, (request) => this.#keyIds.get(request)!);
  }

  /**
   * Counts a request.
   * @throws NotariumError `rate-limited`.
   */
  async check(request: Request, response: Response, caller: Caller): Promise<void> {
    const id = caller.key?.id ?? caller.channelId;
    if (id === undefined) return this.#perIp(request, response);
    this.#keyIds.set(request, id);
    return this.#perKey(request, response);
  }

  close(): void {
    for (const store of this.#stores) store.shutdown();
  }

  #limiter({ limit, windowMs }: RateLimit, keyGenerator: (request: Request) => string): Check {
    const store = new MemoryStore();
    this.#stores.push(store);
    const middleware = rateLimit({
      windowMs,
      limit,
      store,
      keyGenerator,
      standardHeaders: 'draft-8',
      legacyHeaders: false,
      identifier: 'requests',
      // These only print warnings about proxies; `trust proxy` is our own option and documented.
      validate: false,
      // express-rate-limit has set Retry-After by now.
      handler: (_request, response, next) => {
        const afterSeconds = Number(response.getHeader('retry-after') ?? Math.ceil(windowMs / 1000));
        next(
          new NotariumError('rate-limited', undefined, { data: { limit, windowMs, retryAfterSeconds: afterSeconds } }),
        );
      },
    });
    return (request, response) =>
      new Promise((resolve, reject) => {
        const next = (error?: unknown): void => (error === undefined ? resolve() : reject(error as Error));
        Promise.resolve(middleware(request, response, next)).catch(reject);
      });
  }
}
