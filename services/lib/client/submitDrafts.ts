import { NotariumError } from '../../core/errors.ts';
import { submitAnswerSchema } from './answers.ts';
import type { BackOff } from './backOff.ts';
import type { CentreHttp } from './CentreHttp.ts';
import { mapInOrder } from './jobs.ts';
import { type SubmitResult, takenResult } from './submitBatch.ts';

/** Drafts under way at a time. */
const draftsAtOnce = 8;

/**
 * Posts drafts, each one JSON text, that the centre signs for a client with an API key: one by one, since a batch takes
 * signed records only. A draft that fails does not touch the others; once the centre cannot be used at all, the rest fails
 * with the same error.
 * @throws the signal's reason.
 */
export async function submitDrafts(
  http: CentreHttp,
  drafts: readonly string[],
  options: { signal?: AbortSignal | undefined; backOff?: BackOff | undefined },
): Promise<SubmitResult[]> {
  const { signal, backOff } = options;
  let broken: NotariumError | undefined;
  const post = async (body: string): Promise<SubmitResult> => {
    if (broken) return { status: 'failed', error: broken };
    try {
      const request = { method: 'POST' as const, path: '/v1/records', body, signal, ...(backOff ? { backOff } : {}) };
      return takenResult(await http.json(request, submitAnswerSchema), 'submit');
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof NotariumError)) throw error;
      if (!/^(record|json|signature)-/.test(error.code)) broken = error;
      return { status: 'failed', error };
    }
  };
  const results: SubmitResult[] = [];
  for await (const result of mapInOrder(drafts, draftsAtOnce, post)) results.push(result);
  return results;
}
