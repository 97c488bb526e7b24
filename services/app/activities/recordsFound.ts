import { readProtected } from '../../core/activities/sealed.ts';
import type { RecordId } from '../../core/bytes.ts';
import type { UnrecordedMessage } from '../../store/activities/ActivityStore.ts';
import type { ActivityHost } from './ActivityHost.ts';
import { recordOf } from './recordOf.ts';

/** Looks in the log for the records of messages, and notes those that are there; answers the messages that have none. */
export async function recordsFound(
  { store, search }: Pick<ActivityHost, 'store' | 'search'>,
  messages: readonly UnrecordedMessage[],
): Promise<UnrecordedMessage[]> {
  const taken: { readonly message: UnrecordedMessage['id']; readonly recordId: RecordId }[] = [];
  const left: UnrecordedMessage[] = [];
  for (const message of messages) {
    const { id, seal, sealDigest: digest } = message;
    const found = seal && (await recordOf({ search }, { digest, grp: readProtected(seal.protected).grp }));
    if (found) taken.push({ message: id, recordId: found.id });
    else left.push(message);
  }
  if (taken.length > 0) await store.recordsTaken(taken);
  return left;
}
