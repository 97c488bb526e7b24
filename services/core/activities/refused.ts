import type { Hash } from '../bytes.ts';
import { NotariumError } from '../errors.ts';

/** What a message needs that has not come yet: other messages, or the one that opened an epoch. */
export type Missing = { readonly messages?: readonly Hash[]; readonly group?: Hash };

/** A message that can never be taken. */
export function refused(detail: string, cause?: unknown): NotariumError {
  return new NotariumError('activity-message-invalid', detail, { cause });
}

/** A message that came before others on which it depends. */
export function early(missing: Missing): NotariumError {
  return new NotariumError('activity-message-early', undefined, { data: { missing } });
}
