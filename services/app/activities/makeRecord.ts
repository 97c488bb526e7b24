import { randomBytes } from 'node:crypto';
import { activitySubject, blindedGroup } from '../../core/activities/sealed.ts';
import { fromHex, fromUtf8, type Hash } from '../../core/bytes.ts';
import { networkName } from '../../core/eip712.ts';
import { digestText, signRecord } from '../../core/record.ts';
import { localSigner } from '../../lib/localSigner.ts';
import type { PendingRecord } from '../../store/activities/ActivityStore.ts';
import type { ActivityHost } from './ActivityHost.ts';

/**
 * The log's record of something in an activity. It is signed with a key that is used this once, and its subject is another one each time:
 * nobody else can tell whose it is, or which others belong to it.
 */
export async function makeRecord(
  { network, crypto, clock }: Pick<ActivityHost, 'network' | 'crypto' | 'clock'>,
  about: { readonly activity: Hash; readonly message: Hash; readonly secret: Hash; readonly digest: Hash },
): Promise<PendingRecord> {
  const { activity, message, secret, digest } = about;
  const { entry } = await signRecord(
    {
      v: 1,
      network: networkName(network),
      kind: 'activity',
      subject: activitySubject(blindedGroup(secret, message)),
      digest: digestText(fromHex(digest)),
      time: new Date(clock.nowMs()).toISOString(),
    },
    localSigner(randomBytes(32), crypto),
    crypto,
  );
  return { message, activity, entry: fromUtf8(entry) };
}
