import type { Logger as PinoLogger } from 'pino';
import type { Centre } from '../app/Centre.ts';
import type { HttpMetrics } from './HttpMetrics.ts';
import type { HttpLimits } from './HttpOptions.ts';
import type { Lifetime } from './Lifetime.ts';
import type { UnsentAnswers } from './UnsentAnswers.ts';

/** What every route works with. */
export type HttpContext = {
  readonly centre: Centre;
  readonly limits: HttpLimits;
  readonly logger: PinoLogger;
  readonly metrics: HttpMetrics;
  readonly lifetime: Lifetime;
  readonly unsent: UnsentAnswers;
  /** The OpenAPI document as JSON text. */
  readonly openApiText: () => string;
  /** Event streams that are open. */
  readonly eventClients: { count: number };
  /** A key was revoked: nothing believed of keys counts any more. */
  readonly keysChanged: () => void;
};
