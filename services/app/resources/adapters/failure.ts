import { NotariumError } from '../../../core/errors.ts';

const maxDetailChars = 500;

/** The failure of an adapter, in few words and one line. */
export function resourceFailed(adapter: string, detail: string, cause?: unknown): NotariumError {
  const short = detail.replace(/\s+/g, ' ').trim().slice(0, maxDetailChars).toWellFormed();
  return new NotariumError('resource-failed', `${adapter}: ${short}`, {
    data: { adapter },
    ...(cause === undefined ? {} : { cause }),
  });
}
