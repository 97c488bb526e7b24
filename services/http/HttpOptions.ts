import type { Logger as PinoLogger } from 'pino';
import type { Registry } from 'prom-client';
import type { ChannelDesk } from '../app/channels/ChannelDesk.ts';

/** Who may do what without an API key. `admin` routes always need a key. */
export type AccessPolicy = {
  readonly submit: 'open' | 'key';
  readonly read: 'open' | 'key';
};

/** So many requests in a window, counted apart for every address or key. */
export type RateLimit = { readonly limit: number; readonly windowMs: number };

/** What a request may cost. */
export type HttpLimits = {
  /** Largest body of `POST /v1/records`, and longest line of a batch: a record of 16 KiB with room for whitespace. */
  readonly recordBytes: number;
  /** Largest body of any other route that takes JSON. */
  readonly jsonBytes: number;
  /** Largest body of a route that takes the contents of an activity's message. */
  readonly activityBytes: number;
  /** Largest batch after decompression. */
  readonly batchBytes: number;
  /** Largest decompressed size for one compressed byte; checked past the first MiB. */
  readonly gzipRatio: number;
  /** Records, and bytes of records, that go to the centre in one call. */
  readonly chunkLines: number;
  readonly chunkBytes: number;
  /** Results of a batch kept for a client that does not read while it sends. */
  readonly answerBufferBytes: number;
  /** Longest time without a byte of a body that is awaited. */
  readonly bodyIdleMs: number;
  /** Longest time that a client may take nothing of an answer that waits for it. */
  readonly slowClientMs: number;
  /** Bytes of answers, over all connections, that clients have not taken yet. */
  readonly unsentBytes: number;
  /** Requests that may wait on one connection for the answer before them. */
  readonly pipelinedRequests: number;
  /** Longest time for the headers of a request. */
  readonly headersMs: number;
  /** Largest `wait`. */
  readonly waitSeconds: number;
  /** Event streams at a time. */
  readonly eventClients: number;
  readonly heartbeatMs: number;
};

/** How the HTTP side of a centre behaves; everything has a default. */
export type HttpOptions = {
  /** 127.0.0.1 by default: what faces the world is a proxy's task, with TLS. */
  readonly host?: string;
  /** 8080 by default; 0 for any free port. */
  readonly port?: number;
  readonly access?: AccessPolicy;
  /** A verifier of evidence as a module of this centre: its routes are served too. */
  readonly channels?: ChannelDesk;
  /** `false` for none. Requests with a valid key count for the key, all others for their address. */
  readonly rateLimits?: { readonly perIp: RateLimit; readonly perKey: RateLimit } | false;
  readonly limits?: Partial<HttpLimits>;
  readonly logger?: PinoLogger;
  /** Registry that `/metrics` shows, the centre's own for example; those of HTTP and of the process are added to it. */
  readonly registry?: Registry;
  /** Express' `trust proxy`: `false`, hops, or addresses of proxies whose `X-Forwarded-For` counts. */
  readonly trustProxy?: boolean | number | string;
  /** Shown in the OpenAPI document. */
  readonly version?: string;
  /** Longest time for requests under way when the server stops; connections still open then are cut. */
  readonly stopMs?: number;
};

/** Limits where the options name none. */
export const defaultLimits: HttpLimits = {
  recordBytes: 64 * 1024,
  jsonBytes: 512 * 1024,
  activityBytes: 8 * 1024 * 1024,
  batchBytes: 1024 * 1024 * 1024,
  gzipRatio: 100,
  chunkLines: 512,
  chunkBytes: 256 * 1024,
  answerBufferBytes: 4 * 1024 * 1024,
  bodyIdleMs: 30_000,
  slowClientMs: 30_000,
  unsentBytes: 256 * 1024 * 1024,
  pipelinedRequests: 64,
  headersMs: 15_000,
  waitSeconds: 60,
  eventClients: 100,
  heartbeatMs: 15_000,
};

/** A hundred requests a second for an address, a thousand for a key. */
export const defaultRateLimits: { readonly perIp: RateLimit; readonly perKey: RateLimit } = {
  perIp: { limit: 6_000, windowMs: 60_000 },
  perKey: { limit: 60_000, windowMs: 60_000 },
};
