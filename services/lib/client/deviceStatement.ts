import { randomBytes } from 'node:crypto';
import {
  type Attachment,
  type Attachments,
  attachmentsDigest,
  type Body,
  bodyDigest,
} from '../../core/activities/contents.ts';
import { deviceStatementDigest } from '../../core/activities/credential.ts';
import { type Hash, type Hex, toHex } from '../../core/bytes.ts';
import type { Network } from '../../core/eip712.ts';
import type { Signer } from '../../core/signature.ts';

/** What a device has made and signed, for the node that speaks for it to send. */
export type DeviceStatement = {
  /** Id of the device's credential. */
  readonly credential: Hash;
  readonly body: Body;
  readonly attachments: Attachments;
  readonly signature: Hex;
};

/**
 * Makes and signs, on a device, what it has to say in an activity. It needs nothing but its key.
 * @param signer the key that the credential names.
 * @param said.activity of a new one: 32 random bytes, which `start` is given as well.
 */
export async function signDeviceStatement(
  network: Network,
  signer: Signer,
  said: {
    readonly activity: Hash;
    readonly credential: Hash;
    readonly body: unknown;
    readonly attachments?: readonly Attachment[];
  },
): Promise<DeviceStatement> {
  const { activity, credential } = said;
  // What is no JSON makes no digest: canonical bytes refuse it.
  const body = { salt: salt(), body: said.body } as Body;
  const attachments = { salt: salt(), list: [...(said.attachments ?? [])] };
  const digest = deviceStatementDigest(network, {
    activity,
    body: bodyDigest(body),
    attachments: attachmentsDigest(attachments),
  });
  return { credential, body, attachments, signature: toHex(await signer.sign(digest)) };
}

function salt(): Hash {
  return toHex(randomBytes(32));
}
