import type { Requester } from '../../app/channels/Requester.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { systemClock } from '../../lib/clock.ts';

/**
 * Has the verifier agree to the end, for so long where it does not answer. While locks are open it returns: the settlement asks again when they are not.
 * @throws NotariumError what the verifier refuses it with; `server-unreachable`; the signal's reason. The channel can be closed alone then.
 */
export async function agreeToClose(
  requester: Requester,
  mostWaitMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const over = new AbortController();
  const ends = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  const tooLate = systemClock.sleep(mostWaitMs, ends).then(() => {
    ends.throwIfAborted();
    throw new NotariumError('server-unreachable', `the verifier has not answered for ${mostWaitMs / 1000} s`);
  });
  try {
    await Promise.race([requester.closeTogether(), tooLate]);
  } catch (error) {
    if (signal?.aborted || !isNotariumError(error)) throw error;
    if (isNotariumError(error, 'channel-state') && requester.memory.ledger.locks.length > 0) return;
    const { code, detail, data } = error;
    const next = 'closing alone (--alone) needs no verifier, only the challenge period';
    throw new NotariumError(code, `${detail ?? 'the verifier does not agree'}; ${next}`, { data, cause: error });
  } finally {
    over.abort();
    tooLate.catch(() => {});
  }
}
