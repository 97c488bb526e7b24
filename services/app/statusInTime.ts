import { isNotariumError, NotariumError } from '../core/errors.ts';
import type { CentreStatus } from './Centre.ts';
import type { Problems } from './Problems.ts';

const statusMs = 3_000;

/**
 * The status, unless the store fails or does not answer in time: then what is known without it. Who decides by it whether
 * this centre gets requests must not hang with the database.
 * @throws NotariumError `not-ready` with `data.problems`.
 */
export async function statusInTime(
  problems: Problems,
  read: () => Promise<CentreStatus>,
  withinMs = statusMs,
): Promise<CentreStatus> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new NotariumError('storage-failed', `the store has not answered for ${withinMs} ms`));
  }, withinMs);
  try {
    return await Promise.race([read(), late]);
  } catch (error) {
    if (!isNotariumError(error)) throw error;
    const { code, message } = error;
    const known = problems.list().filter((problem) => problem.code !== code);
    throw new NotariumError('not-ready', code, {
      data: { problems: [{ code, detail: message }, ...known] },
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}
