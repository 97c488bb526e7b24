import { randomUUID } from 'node:crypto';
import express from 'express';
import { pino } from 'pino';
import type { Centre } from '../app/Centre.ts';
import { NotariumError } from '../core/errors.ts';
import { Access } from './Access.ts';
import { sendProblem } from './answer.ts';
import { answerError } from './answerError.ts';
import { isWrongMethod, notFound } from './failures.ts';
import type { HttpContext } from './HttpContext.ts';
import { createHttpMetrics } from './HttpMetrics.ts';
import { defaultLimits, defaultRateLimits, type HttpOptions } from './HttpOptions.ts';
import { handlerOf, templateOf } from './handlerOf.ts';
import { inTurn } from './inTurn.ts';
import { Lifetime } from './Lifetime.ts';
import { openApiDocument } from './openApi.ts';
import { RateLimiter } from './RateLimiter.ts';
import { expressPath } from './Route.ts';
import { requestLog } from './requestLog.ts';
import { routes } from './routes.ts';
import { securityHeaders } from './securityHeaders.ts';
import { UnsentAnswers } from './UnsentAnswers.ts';

/** The HTTP side of a centre, not yet listening. */
export type HttpApp = {
  readonly app: express.Express;
  readonly context: HttpContext;
  /** Ends the timers of the rate limits. */
  close(): void;
};

const requestIdPattern = /^[A-Za-z0-9_.-]{1,64}$/;

/** Makes the Express app that serves a centre. */
export function createHttpApp(centre: Centre, options: HttpOptions = {}): HttpApp {
  const logger = options.logger ?? pino({ level: 'silent' });
  const lifetime = new Lifetime();
  const metrics = createHttpMetrics(centre, () => lifetime.underWay.size, options.registry);
  const limits = { ...defaultLimits, ...options.limits };
  const access = new Access(centre, options.access ?? { submit: 'open', read: 'open' });
  const limiter = options.rateLimits === false ? undefined : new RateLimiter(options.rateLimits ?? defaultRateLimits);
  let openApi: string | undefined;
  const openApiText = (): string => {
    openApi ??= JSON.stringify(openApiDocument({ version: options.version ?? '0.0.0' }));
    return openApi;
  };
  const context: HttpContext = {
    centre,
    limits,
    logger,
    metrics,
    lifetime,
    unsent: new UnsentAnswers(limits.unsentBytes),
    openApiText,
    eventClients: { count: 0 },
    keysChanged: () => access.forget(),
  };

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.set('query parser', 'simple');
  app.set('trust proxy', options.trustProxy ?? false);
  app.use(enter(context));
  for (const route of routes) {
    app[route.method](expressPath(route.path), handlerOf(route, { context, access, limiter }));
  }
  app.use(notFound);
  app.use(answerError(context));
  return { app, context, close: () => limiter?.close() };
}

/** What happens to every request before its route: one function, since each layer of Express costs. */
function enter({ lifetime, limits, logger, metrics, unsent }: HttpContext): express.RequestHandler {
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
