import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger as PinoLogger } from 'pino';
import { pinoHttp } from 'pino-http';
import { requestIdOf } from './answer.ts';

/** Paths that pino must never print, for whoever makes the logger: `pino({ redact: redactedPaths })`. */
export const redactedPaths: string[] = [
  'req.headers.authorization',
  'req.headers.cookie',
  'headers.authorization',
  'authorization',
  'secret',
  'privateKey',
  '*.secret',
  '*.privateKey',
];

type Middleware = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * One line for every request at level debug; undefined when the logger does not print that, so that nothing is allocated.
 * Neither headers nor bodies nor queries are logged.
 */
export function requestLog(logger: PinoLogger): Middleware | undefined {
  if (!logger.isLevelEnabled('debug')) return undefined;
  return pinoHttp({
    logger,
    genReqId: (_request, response) => requestIdOf(response) ?? '',
    customLogLevel: () => 'debug',
    quietReqLogger: true,
    serializers: {
      req: (request: { method: string; url: string; remoteAddress?: string }) => ({
        method: request.method,
        path: request.url.split('?', 1)[0],
        remoteAddress: request.remoteAddress,
      }),
      res: (response: { statusCode: number }) => ({ status: response.statusCode }),
    },
    customSuccessMessage: () => 'request',
    customErrorMessage: () => 'request',
  });
}
