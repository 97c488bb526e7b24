import { bodyBytes, maxBodyBytes } from '../../core/activities/contents.ts';
import { type Credential, checkCredential, credentialSchema } from '../../core/activities/credential.ts';
import type { Hash, Hex } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { packedBytes, packFields } from '../../lib/activities/fieldDigests.ts';
import { randomHash } from '../../lib/randomHash.ts';
import type { ActivityCaller, Contents } from './ActivityDesk.ts';
import type { ActivityHost } from './ActivityHost.ts';
import type { Draft } from './Draft.ts';
import { findCredential } from './findCredential.ts';
import { requireUploads } from './requireUploads.ts';

type Parts = Pick<ActivityHost, 'store' | 'network' | 'crypto' | 'clock' | 'signer'>;

/** What a message says, and the device that says it. */
export type MadeContents = Required<Pick<Draft, 'body' | 'attachments'>> & {
  readonly device: { readonly credential: Credential; readonly time: number; readonly signature: Hex } | undefined;
};

/**
 * Contents as they go into a message.
 * @throws NotariumError `activity-field-unknown`, `activity-body-invalid`, `request-too-large`; `attachment-unknown`: the caller has put no such
 *   file, and none of its activities names it; `attachment-corrupt`: the upload was answered in another way; `device-credential-invalid`: it is unknown here, another client's, taken back, or does not hold now.
 */
export async function contentsOf(parts: Parts, by: ActivityCaller, contents: Contents): Promise<MadeContents> {
  const made = await madeOf(parts, by, contents);
  const have = 'packed' in made.body ? packedBytes(made.body, parts.signer.address) : bodyBytes(made.body);
  if (have > maxBodyBytes) {
    const detail = `a body has at most ${maxBodyBytes} bytes`;
    throw new NotariumError('request-too-large', detail, { data: { have, want: maxBodyBytes } });
  }
  await requireUploads(parts, by, made.attachments.list);
  return made;
}

async function madeOf(parts: Parts, by: ActivityCaller, contents: Contents): Promise<MadeContents> {
  if (!contents.device) {
    const { body, fields, attachments = [] } = contents;
    return {
      body: fields
        ? await packFields(body, { crypto: parts.crypto, ...(fields === true ? {} : { fields }) })
        : { salt: randomHash(), body: (body ?? null) as never },
      attachments: { salt: randomHash(), list: [...attachments] },
      device: undefined,
    };
  }
  const { credential: id, body, attachments, time, signature } = contents.device;
  const credential = await heldCredential(parts, by, id);
  return { body, attachments, device: { credential, time, signature } };
}

/** Checks again that the device may speak: its credential may have been taken back since. @throws NotariumError `device-credential-invalid`. */
export async function checkStillHeld(parts: Parts, by: ActivityCaller, device: MadeContents['device']): Promise<void> {
  if (device) await heldCredential(parts, by, device.credential.id);
}

async function heldCredential(
  { store, network, crypto, clock }: Parts,
  by: ActivityCaller,
  id: Hash,
): Promise<Credential> {
  const fail = (detail: string): NotariumError =>
    new NotariumError('device-credential-invalid', detail, { data: { id } });
  const found = await findCredential(store, by, id);
  if (!found) throw fail('this node has issued none such');
  if (found.revokedMs !== undefined) throw fail('it was taken back');
  if (found.text === undefined)
    throw fail('it is damaged on the disk of this node: have the device be given another one');
  const credential = credentialSchema.parse(JSON.parse(found.text));
  checkCredential(network, credential, Math.floor(clock.nowMs() / 1000), crypto);
  return credential;
}
