import type { Clock } from '../lib/clock.ts';
import { every, type Loop } from '../lib/every.ts';
import type { Logger } from '../lib/logger.ts';
import type { Store } from '../store/Store.ts';
import { ProcessLease, renewMs } from './ProcessLease.ts';

/** Whether it is this process of a centre that does a kind of work now. Of several on one database one is on duty. */
export type Duty = { readonly isOn: () => Promise<boolean>; close(): Promise<void> };

/** @param isWilling false: this process leaves the work to others. */
export function dutyLease(
  name: string,
  isWilling: boolean,
  parts: { readonly store: Store; readonly clock: Clock; readonly logger: Logger },
): Duty {
  // The lock of a data folder lets one process in only.
  if (!isWilling || parts.store.engine === 'sqlite') return { isOn: async () => isWilling, close: async () => {} };
  const stop = new AbortController();
  const lease = new ProcessLease(name, parts, () => {});
  const renewing: Loop = every(renewMs, () => lease.renew(), {
    ...{ signal: stop.signal, logger: parts.logger, clock: parts.clock },
    name: `lease ${name}`,
  });
  return {
    isOn: async () => (await lease.hold()) !== undefined,
    async close() {
      stop.abort();
      await renewing.done;
      await lease.release();
    },
  };
}
