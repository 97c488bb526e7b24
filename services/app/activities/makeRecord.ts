import { randomBytes, randomInt } from 'node:crypto';
import { activitySubject, blindedGroup } from '../../core/activities/sealed.ts';
import { fromHex, fromUtf8, type Hash } from '../../core/bytes.ts';
import { networkName } from '../../core/eip712.ts';
import { digestText, signRecord } from '../../core/record.ts';
import { localSigner } from '../../lib/localSigner.ts';
import type { PendingRecord } from '../../store/activities/ActivityStore.ts';
import type { ActivityHost } from './ActivityHost.ts';

/** What a record says of the time: when it was made is nobody else's business. */
const timeMs = 60_000;

/**
 * The log's record of something in an activity. It is signed with a key that is used this once, its subject is another one each time, and it
 * goes to the log at a random moment within `recordSpreadMs`, with the minute as its time: so nothing that it says tells whose it is, or
 * which others were made in the same step.
 */
export async function makeRecord(
  { network, crypto, clock, settings }: Pick<ActivityHost, 'network' | 'crypto' | 'clock' | 'settings'>,
  about: { readonly activity: Hash; readonly message: Hash; readonly secret: Hash; readonly digest: Hash },
): Promise<PendingRecord> {
  const { activity, message, secret, digest } = about;
  const nowMs = clock.nowMs();
  const dueMs = settings.recordSpreadMs === 0 ? nowMs : nowMs + randomInt(settings.recordSpreadMs + 1);
  const { entry } = await signRecord(
    {
      v: 1,
      network: networkName(network),
      kind: 'activity',
      subject: activitySubject(blindedGroup(secret, message)),
      digest: digestText(fromHex(digest)),
      time: new Date(dueMs - (dueMs % timeMs)).toISOString(),
    },
    localSigner(randomBytes(32), crypto),
    crypto,
  );
  return { message, activity, entry: fromUtf8(entry), dueMs };
}
