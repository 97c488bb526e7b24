import pino, { type Logger as PinoLogger } from 'pino';
import { redactedPaths } from '../http/requestLog.ts';

/** A logger that writes JSON lines to stderr; no key, token or content ever goes into it. */
export function nodeLogger(level: string): PinoLogger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact: redactedPaths },
    pino.destination({ fd: 2, sync: true }),
  );
}
