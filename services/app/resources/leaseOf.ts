import { NotariumError } from '../../core/errors.ts';
import type { ResourceParts } from './ResourceParts.ts';

/**
 * The lease that all writes of this folder are done under.
 * @throws NotariumError `storage-failed` when another process has it now.
 */
export async function leaseOf({ notices }: Pick<ResourceParts, 'notices'>) {
  const lease = await notices.lease();
  if (!lease) throw new NotariumError('storage-failed', 'another process of this centre has taken over');
  return lease;
}
