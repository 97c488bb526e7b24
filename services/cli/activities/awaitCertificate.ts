import type { TrustCertificate } from '../../core/activities/certificate.ts';
import type { Hash } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import type { Activities } from '../../lib/client/Activities.ts';
import { systemClock } from '../../lib/clock.ts';

/** Once all have signed, a member makes the certificate by itself, and sends it to the others. */
const madeSeconds = 10;
const pauseMs = 500;

/**
 * The certificate of a version: waits for the signatures as long as it may, and for what is made of them when all are there.
 * @throws NotariumError `not-found` with how many have countersigned; `activity-trust-unasked`; of the centre.
 */
export async function awaitCertificate(
  activities: Activities,
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
    const { terms, members, versions } = await activities.get(activity, { signal });
    if (terms.request === 'information') throw new NotariumError('activity-trust-unasked');
    const countersigned = versions.find(({ id }) => id === version)?.countersigned ?? [];
    const signed = members.filter(({ address }) => countersigned.includes(address));
    const isComplete = signed.length === members.length;
    const untilMs = startMs + 1000 * (isComplete ? Math.max(waitSeconds, madeSeconds) : waitSeconds);
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) {
      const detail = `not yet: ${signed.length} of ${members.length} have countersigned`;
      throw new NotariumError('not-found', isComplete ? `${detail}, and nobody has made it` : detail, {
        data: { version, have: signed.length, want: members.length },
      });
    }
    await systemClock.sleep(Math.min(pauseMs, leftMs), signal);
  }
}
