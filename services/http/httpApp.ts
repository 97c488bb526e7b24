import { randomUUID } from 'node:crypto';
import express from 'express';
import { pino } from 'pino';
import type { Centre } from '../app/Centre.ts';
import type { ChannelDesk } from '../app/channels/ChannelDesk.ts';
import { NotariumError } from '../core/errors.ts';
import { Access, type KeySource } from './Access.ts';
import { sendProblem } from './answer.ts';
import { answerError } from './answerError.ts';
import { ChannelCallers } from './channels/ChannelCallers.ts';
import { mountUploads } from './channels/uploads.ts';
import { type Unrouted, unroutedOf } from './failures.ts';
import type { EdgeContext, HttpContext } from './HttpContext.ts';
import { createHttpMetrics } from './HttpMetrics.ts';
import { defaultLimits, defaultRateLimits, type HttpOptions } from './HttpOptions.ts';
import { handlerOf, requireChannel, templateOf } from './handlerOf.ts';
import { inTurn } from './inTurn.ts';
import { Lifetime } from './Lifetime.ts';
import { openApiDocument } from './openApi.ts';
import { RateLimiter } from './RateLimiter.ts';
import { expressPath, type Route } from './Route.ts';
import { requestLog } from './requestLog.ts';
import { routes, verifierRoutes } from './routes.ts';
import { securityHeaders } from './securityHeaders.ts';
import { UnsentAnswers } from './UnsentAnswers.ts';

/** An HTTP side, not yet listening. */
export type HttpApp = {
  readonly app: express.Express;
  readonly context: EdgeContext;
  /** Ends the timers of the rate limits. */
  close(): void;
};

const requestIdPattern = /^[A-Za-z0-9_.-]{1,64}$/;

/** Makes the Express app that serves a centre. */
export function createHttpApp(centre: Centre, options: HttpOptions = {}): HttpApp {
  return createApp<HttpContext>({
    routes,
    options,
    keys: centre.keys,
    isReady: async () => (await centre.status()).ready,
    contextOf: (edge, access) => ({
      ...edge,
      centre,
      eventClients: { count: 0 },
      keysChanged: () => access.forget(),
    }),
  });
}

/** Makes the Express app that serves a verifier which is no module of a centre: it has no API keys. */
export function createVerifierApp(channels: ChannelDesk, options: HttpOptions = {}): HttpApp {
  return createApp<EdgeContext>({
    routes: verifierRoutes,
    options: { ...options, channels },
    keys: { find: async () => undefined },
    isReady: async () => (await channels.problems()).length === 0,
    contextOf: (edge) => edge,
  });
}

function createApp<Context extends EdgeContext>(parts: {
  readonly routes: readonly Route<Context>[];
  readonly options: HttpOptions;
  readonly keys: KeySource;
  readonly isReady: () => Promise<boolean>;
  readonly contextOf: (edge: EdgeContext, access: Access) => Context;
}): HttpApp {
  const { options } = parts;
  const { channels } = options;
  const logger = options.logger ?? pino({ level: 'silent' });
  const lifetime = new Lifetime();
  const metrics = createHttpMetrics(parts.isReady, () => lifetime.underWay.size, options.registry);
  const limits = { ...defaultLimits, ...options.limits };
  const callers = channels && new ChannelCallers(channels);
  const access = new Access(parts.keys, options.access ?? { submit: 'open', read: 'open' }, callers);
  const limiter = options.rateLimits === false ? undefined : new RateLimiter(options.rateLimits ?? defaultRateLimits);
  let openApi: string | undefined;
  const openApiText = (): string => {
    openApi ??= JSON.stringify(openApiDocument({ version: options.version ?? '0.0.0', routes: parts.routes }));
    return openApi;
  };
  const unsent = new UnsentAnswers(limits.unsentBytes);
  const context = parts.contextOf({ channels, limits, logger, metrics, lifetime, unsent, openApiText }, access);
  const unrouted = unroutedOf(parts.routes);

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.set('query parser', 'simple');
  app.set('trust proxy', options.trustProxy ?? false);
  app.use(enter(context, unrouted));
  for (const route of parts.routes) {
    app[route.method](expressPath(route.path), handlerOf(route, { context, access, limiter }));
  }
  if (channels) {
    const authorize = async (request: express.Request) => {
      const caller = await access.caller(request.headers.authorization);
      if (limiter) await limiter.check(request, request.res!, caller);
      const channelId = await access.channelOf(caller, request.headers.authorization);
      requireChannel(channelId, request.params);
      return channelId;
    };
    mountUploads(app, { uploads: channels.uploads, authorize });
  }
  app.use(unrouted.notFound);
  app.use(answerError(context));
  return { app, context, close: () => limiter?.close() };
}

/** What happens to every request before its route: one function, since each layer of Express costs. */
function enter(
  { lifetime, limits, logger, metrics, unsent }: EdgeContext,
  { isWrongMethod, notFound }: Unrouted,
): express.RequestHandler {
  const headers = securityHeaders();
  const log = requestLog(logger);
  const serve: express.RequestHandler = (request, response, next) => {
    const startedMs = performance.now();
    for (const [name, value] of headers) response.setHeader(name, value);
    const given = request.headers['x-request-id'];
    const isGoodId = typeof given === 'string' && requestIdPattern.test(given);
    response.setHeader('x-request-id', isGoodId ? given : randomUUID());
    lifetime.begin(response);
    response.on('prefinish', () => {
      if (response.writableLength === 0) return;
      // Node waits for ever for a client that does not take the end of its answer. It sets a time of its own after that.
      response.socket?.setTimeout(limits.slowClientMs);
      unsent.count(response);
    });
    response.on('close', () => {
      lifetime.end(response);
      metrics.request(request.method, templateOf(request), response.statusCode, (performance.now() - startedMs) / 1000);
    });
    log?.(request, response);
    if (lifetime.stopping.aborted) {
      response.setHeader('connection', 'close');
      if (request.path !== '/healthz') {
        sendProblem(request, response, new NotariumError('shutting-down'));
        return;
      }
    }
    if (isWrongMethod(request.path, request.method)) notFound(request, response, next);
    else next();
  };
  return (request, response, next) => {
    inTurn(request, response, limits.pipelinedRequests, () => serve(request, response, next));
  };
}
