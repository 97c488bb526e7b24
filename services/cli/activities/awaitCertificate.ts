import type { TrustCertificate } from '../../core/activities/certificate.ts';
import type { Hash } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { systemClock } from '../../lib/clock.ts';
import { type ActivityClient, namesIn } from './ActivityRun.ts';

/** Once all have signed, a member makes the certificate by itself, and sends it to the others. */
const madeSeconds = 10;
const pauseMs = 500;

/**
 * The certificate of a version: waits for the signatures as long as it may, and for what is made of them when all are there.
 * @throws NotariumError `not-found` with how many have countersigned, and who has not; `activity-trust-unasked`; of the centre.
 */
export async function awaitCertificate(
  { activities, nameOf }: Pick<ActivityClient, 'activities' | 'nameOf'>,
  { activity, version }: { readonly activity: Hash; readonly version: Hash },
  { waitSeconds, signal }: { readonly waitSeconds: number; readonly signal: AbortSignal },
): Promise<TrustCertificate> {
  const startMs = performance.now();
  for (;;) {
    signal.throwIfAborted();
    try {
      return await activities.certificate(activity, version, { signal });
    } catch (error) {
      if (!isNotariumError(error, 'not-found')) throw error;
    }
    const now = await activities.get(activity, { signal });
    if (now.terms.request === 'information') throw new NotariumError('activity-trust-unasked');
    const { countersigned = [], unsigned = [] } = now.versions.find(({ id }) => id === version) ?? {};
    const isComplete = unsigned.length === 0;
    const untilMs = startMs + 1000 * (isComplete ? Math.max(waitSeconds, madeSeconds) : waitSeconds);
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) {
      const [have, want] = [countersigned.length, countersigned.length + unsigned.length];
      const left = isComplete ? 'nobody has made it' : `missing: ${unsigned.map(namesIn(now, nameOf)).join(', ')}`;
      throw new NotariumError('not-found', `not yet: ${have} of ${want} have countersigned, ${left}`, {
        data: { version, have, want, missing: unsigned },
      });
    }
    await systemClock.sleep(Math.min(pauseMs, leftMs), signal);
  }
}
