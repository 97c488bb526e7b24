import type { Crypto } from '../../core/crypto.ts';
import type { Notarium } from '../../lib/client/Notarium.ts';
import type { TrustedNetwork } from '../../lib/client/TrustedNetwork.ts';

/** How a run of `notarize` goes about. */
export type JobOptions = {
  readonly client: Notarium;
  readonly trusted: TrustedNetwork;
  readonly crypto: Crypto;
  /** One record for all files: none has an acceptance of its own. */
  readonly aggregate: boolean;
  /** Keep valid receipts, go on with acceptances. */
  readonly resume: boolean;
  /** Replace what is there. */
  readonly force: boolean;
  readonly waitMs: number | undefined;
  readonly signal: AbortSignal;
};
