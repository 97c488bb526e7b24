import type { ErrorRequestHandler, RequestHandler } from 'express';
import { errorTable, NotariumError } from '../core/errors.ts';
import { requestIdOf, sendProblem } from './answer.ts';
import { ClientGoneError } from './BodySource.ts';
import type { EdgeContext } from './HttpContext.ts';
import { pathPattern, type Route } from './Route.ts';

/** What becomes of requests that none of the routes takes. */
export type Unrouted = {
  /** Whether the path is one of a route's very own, but the method is not: another route's template may fit it as well. */
  readonly isWrongMethod: (path: string, method: string) => boolean;
  /** An unknown path, or a known one with another method. */
  readonly notFound: RequestHandler;
};

/** See {@link Unrouted}. */
export function unroutedOf(routes: readonly Pick<Route, 'path' | 'method'>[]): Unrouted {
  const methodsByPath = new Map<string, Set<string>>();
  for (const { path, method } of routes) {
    const methods = methodsByPath.get(path) ?? new Set<string>();
    methods.add(method.toUpperCase());
    if (method === 'get') methods.add('HEAD');
    methodsByPath.set(path, methods.add('OPTIONS'));
  }
  const known = [...methodsByPath].map(([path, methods]) => ({
    path,
    pattern: pathPattern(path),
    allow: [...methods].join(', '),
  }));
  const fixed = new Map([...methodsByPath].filter(([path]) => !path.includes('{')));
  return {
    isWrongMethod: (path, method) => fixed.get(path)?.has(method) === false,
    notFound(request, response) {
      const found =
        known.find(({ path }) => path === request.path) ?? known.find(({ pattern }) => pattern.test(request.path));
      if (!found) throw new NotariumError('not-found', undefined, { data: { path: request.path.slice(0, 256) } });
      response.setHeader('allow', found.allow);
      if (request.method === 'OPTIONS') {
        response.statusCode = 204;
        response.end();
        return;
      }
      throw new NotariumError('method-not-allowed', request.method, { data: { want: found.allow } });
    },
  };
}

/** Turns what was thrown into a problem document; what nobody foresaw is logged and says nothing of itself. */
export function answerError({ logger }: Pick<EdgeContext, 'logger'>): ErrorRequestHandler {
  return (thrown: unknown, request, response, _next) => {
    if (thrown instanceof ClientGoneError || response.destroyed || response.writableEnded) {
      response.destroy();
      return;
    }
    const error = known4xx(thrown);
    if (errorTable[error.code].status === 500) {
      logger.error({ err: thrown, requestId: requestIdOf(response), path: request.path }, 'a request failed');
    }
    // Half an answer is out: only a broken connection tells the client that it is not whole.
    if (response.headersSent) response.destroy();
    else sendProblem(request, response, error);
  };
}

function known4xx(thrown: unknown): NotariumError {
  if (thrown instanceof NotariumError) return thrown;
  // Express and Node throw these for requests that they cannot read, such as a broken percent escape.
  const status = (thrown as { status?: unknown } | undefined)?.status;
  if (typeof status === 'number' && status >= 400 && status < 500) return new NotariumError('request-invalid');
  return new NotariumError('internal', undefined, { cause: thrown });
}
