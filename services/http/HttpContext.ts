import type { Logger as PinoLogger } from 'pino';
import type { Centre } from '../app/Centre.ts';
import type { ChannelDesk } from '../app/channels/ChannelDesk.ts';
import type { HttpMetrics } from './HttpMetrics.ts';
import type { HttpLimits } from './HttpOptions.ts';
import type { Lifetime } from './Lifetime.ts';
import type { UnsentAnswers } from './UnsentAnswers.ts';

/** What every route works with, of a centre or of a verifier that stands alone. */
export type EdgeContext = {
  /** The verifier of evidence, where this process is one. */
  readonly channels?: ChannelDesk | undefined;
  readonly limits: HttpLimits;
  readonly logger: PinoLogger;
  readonly metrics: HttpMetrics;
  readonly lifetime: Lifetime;
  readonly unsent: UnsentAnswers;
  /** The OpenAPI document as JSON text. */
  readonly openApiText: () => string;
};

/** What the routes of a centre work with. */
export type HttpContext = EdgeContext & {
  readonly centre: Centre;
  /** Event streams that are open. */
  readonly eventClients: { count: number };
  /** A key was revoked: nothing believed of keys counts any more. */
  readonly keysChanged: () => void;
};
