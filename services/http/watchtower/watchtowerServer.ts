import { createServer } from 'node:http';
import express from 'express';
import type { Logger as PinoLogger } from 'pino';
import { collectDefaultMetrics } from 'prom-client';
import { handedStateSchema } from '../../app/channels/HandedState.ts';
import type { Watchtower } from '../../app/channels/Watchtower.ts';
import type { WatchtowerMetrics } from '../../app/channels/watchtowerMetrics.ts';
import { NotariumError } from '../../core/errors.ts';
import { hashSchema } from '../../core/schemas.ts';
import { parseStrictJson } from '../../core/strictJson.ts';
import { sendJson, sendText } from '../answer.ts';
import { answerError } from '../answerError.ts';
import { defaultLimits, defaultRateLimits, type RateLimit } from '../HttpOptions.ts';
import { invalidRequest } from '../handlerOf.ts';
import { type Listening, listen } from '../listen.ts';
import { RateLimiter } from '../RateLimiter.ts';
import { readJsonText } from '../readBody.ts';
import { securityHeaders } from '../securityHeaders.ts';

/** How the HTTP side of a watchtower behaves. */
export type WatchtowerServerOptions = {
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** 8081 by default; 0 for any free port. */
  readonly port?: number;
  /** Requests of one address; false for no limit. */
  readonly rateLimit?: RateLimit | false;
  /** Express' `trust proxy`. */
  readonly trustProxy?: number | string;
  readonly logger: PinoLogger;
};

/** A watchtower that listens. */
export type WatchtowerServer = {
  /** `http://host:port` */
  readonly url: string;
  /** Answers what is under way, for some seconds, and ends. */
  stop(): Promise<void>;
};

type Parts = { readonly watchtower: Watchtower; readonly metrics: WatchtowerMetrics };

/** 64 locks and as many keys, with room for whitespace. */
const maxBodyBytes = 64 * 1024;
const stopMs = 5_000;

/**
 * Serves a watchtower: `POST /v1/states`, `GET /v1/states/{channelId}`, `/healthz`, `/readyz` and `/metrics`.
 * @throws NotariumError `port-taken`, `config-invalid`.
 */
export async function startWatchtowerServer(parts: Parts, options: WatchtowerServerOptions): Promise<WatchtowerServer> {
  const { host = '127.0.0.1', port = 8081, rateLimit = defaultRateLimits.perIp } = options;
  const limiter = rateLimit === false ? undefined : new RateLimiter({ perIp: rateLimit, perKey: rateLimit });
  const server = createServer(
    { requestTimeout: defaultLimits.bodyIdleMs, headersTimeout: defaultLimits.headersMs },
    appOf(parts, options, limiter),
  );
  let listening: Listening;
  try {
    listening = await listen(server, host, port);
  } catch (error) {
    limiter?.close();
    throw error;
  }
  return {
    url: listening.url,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), stopMs);
      await closed;
      clearTimeout(cut);
      limiter?.close();
    },
  };
}

function appOf(
  { watchtower, metrics }: Parts,
  { logger, trustProxy }: WatchtowerServerOptions,
  limiter: RateLimiter | undefined,
): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', trustProxy ?? false);
  const headers = securityHeaders();
  collectDefaultMetrics({ register: metrics.registry });
  app.use((_request, response, next) => {
    for (const [name, value] of headers) response.setHeader(name, value);
    response.setHeader('cache-control', 'no-store');
    next();
  });
  const limited: express.RequestHandler = async (request, response, next) => {
    await limiter?.check(request, response, {});
    next();
  };
  app.post('/v1/states', limited, async (request, response) => {
    const text = await readJsonText(request, { maxBytes: maxBodyBytes, idleMs: defaultLimits.bodyIdleMs });
    const parsed = handedStateSchema.safeParse(parseStrictJson(text));
    if (!parsed.success) throw invalidRequest(parsed.error, 'body');
    const { version } = await watchtower.keep(parsed.data);
    sendJson(response, 200, { channelId: parsed.data.channelId, version });
  });
  app.get('/v1/states/:channelId', limited, async (request, response) => {
    const parsed = hashSchema.safeParse(request.params.channelId);
    if (!parsed.success) throw invalidRequest(parsed.error, 'path');
    const version = await watchtower.version(parsed.data);
    if (version === undefined) throw new NotariumError('channel-unknown');
    sendJson(response, 200, { channelId: parsed.data, version });
  });
  app.get('/healthz', (_request, response) => sendJson(response, 200, { status: 'ok' }));
  app.get('/readyz', (_request, response) => {
    const problems = watchtower.problems();
    if (problems.length > 0) throw new NotariumError('not-ready', problems[0]!.code, { data: { problems } });
    sendJson(response, 200, { status: 'ready' });
  });
  app.get('/metrics', async (_request, response) => {
    sendText(response, 200, metrics.registry.contentType, await metrics.registry.metrics());
  });
  app.use((request: express.Request) => {
    throw new NotariumError('not-found', undefined, { data: { path: request.path.slice(0, 256) } });
  });
  app.use(answerError({ logger }));
  return app;
}
