import type { SignedClosing } from '../../core/channels/update.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import type { RequesterMachine } from './RequesterMachine.ts';
import { isRefusal } from './refusals.ts';
import type { VerifierApi } from './VerifierApi.ts';
import type { WorkLoops } from './WorkLoops.ts';

/**
 * Closes together with the verifier, which is asked until it answers.
 * @param ask Goes on from the newest state that the verifier has.
 * @throws NotariumError `channel-state` while locks are open, and what the verifier refuses it with.
 */
export async function closeTogether(
  machine: RequesterMachine,
  { api, loops, ask }: { readonly api: VerifierApi; readonly loops: WorkLoops; readonly ask: () => Promise<void> },
): Promise<SignedClosing> {
  if (machine.memory.state === 'open') {
    // Whoever comes from a backup learns of the newest state before anything is signed about the end. Who says nothing is asked below.
    await ask().catch(() => undefined);
    await machine.do({ kind: 'end' });
  }
  for (let attempt = 0; machine.memory.state === 'ending'; attempt++) {
    const [again] = await machine.do({ kind: 'tick', now: await machine.now() });
    if (again?.kind !== 'close') break;
    try {
      const answer = await api.close(again.request, loops.signal);
      await machine.do({ kind: 'closeAnswer', answer });
    } catch (error) {
      if (isNotariumError(error, 'channel-base-stale')) await ask();
      else if (isRefusal(error) || loops.signal.aborted) throw error;
      else await loops.pause(attempt);
    }
  }
  const { memory } = machine;
  if (memory.state !== 'agreed') throw new NotariumError('channel-state', `it is ${memory.state}`);
  return memory.agreed;
}
