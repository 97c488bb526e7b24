import type { ErrorRequestHandler } from 'express';
import { errorTable, NotariumError } from '../core/errors.ts';
import { requestIdOf, sendProblem } from './answer.ts';
import { ClientGoneError } from './BodySource.ts';
import type { HttpContext } from './HttpContext.ts';

/** Turns what was thrown into a problem document; what nobody foresaw is logged and says nothing of itself. */
export function answerError({ logger }: Pick<HttpContext, 'logger'>): ErrorRequestHandler {
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
