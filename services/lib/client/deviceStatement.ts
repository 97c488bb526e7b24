import { deviceSalt } from '../../core/activities/activityId.ts';
import { type Attachment, attachmentsDigest } from '../../core/activities/contents.ts';
import { type DevicePlace, deviceStatementDigest } from '../../core/activities/credential.ts';
import type { DeviceStatement } from '../../core/activities/deviceStatement.ts';
import { deviceBodyDigest } from '../../core/activities/fields.ts';
import { toHex } from '../../core/bytes.ts';
import type { Network } from '../../core/eip712.ts';
import type { Signer } from '../../core/signature.ts';
import { packFields } from '../activities/fieldDigests.ts';
import { randomHash } from '../randomHash.ts';

/**
 * Makes and signs, on a device, what it has to say in an activity. It needs nothing but its key and a clock.
 * @param signer the key that the credential names.
 * @param said.activity of a new one: 32 random bytes, which `start` is given as well (`salt`).
 * @param said.on the versions that an update builds on, as it is given them in `builds`, or the one that a note is on.
 * @param said.fields notarises each field (`true`), or those named (JSON Pointers or dotted paths) and what stands beside them, so that each can
 *   be shown without the others.
 * @param said.time Unix seconds, at which the credential holds; now by default.
 * @throws NotariumError `activity-field-unknown`, `activity-body-invalid` for a body that cannot be in fields.
 */
export async function signDeviceStatement(
  network: Network,
  signer: Signer,
  said: Omit<DevicePlace, 'time'> & {
    readonly time?: number;
    readonly body: unknown;
    readonly fields?: true | readonly string[] | undefined;
    readonly attachments?: readonly Attachment[];
  },
): Promise<DeviceStatement> {
  const { credential, activity, type, on, fields, time = Math.floor(Date.now() / 1000) } = said;
  const body = fields
    ? await packFields(said.body, fields === true ? {} : { fields })
    : // What is no JSON makes no digest: canonical bytes refuse it.
      { salt: randomHash(), body: said.body as never };
  const attachments = { salt: randomHash(), list: [...(said.attachments ?? [])] };
  const digest = deviceStatementDigest(network, {
    ...{ credential, type, on, time, activity: type === 'start' ? deviceSalt(credential, activity) : activity },
    body: deviceBodyDigest(body),
    attachments: attachmentsDigest(attachments),
  });
  return { credential, body, attachments, time, signature: toHex(await signer.sign(digest)) };
}
