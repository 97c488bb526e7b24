import { isNotariumError } from '../core/errors.ts';
import { guarded } from './chainError.ts';
import type { Guards } from './Guards.ts';

/** The guards of calls to a chain that can be checked to be the one that was opened. */
export function guardsOf(checkInstance: () => Promise<void>): Guards {
  // A contract that is gone most likely means another instance of the chain, which is the thing to say then.
  const read = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await guarded(run);
    } catch (error) {
      if (isNotariumError(error, 'chain-contract-missing')) await guarded(checkInstance);
      throw error;
    }
  };
  return { read, change: (run) => read(() => checkInstance().then(run)) };
}
