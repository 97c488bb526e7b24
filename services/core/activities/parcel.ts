import { z } from 'zod';
import { type Address, concat, fromHex, fromUtf8, type Hash, sameBytes, toHex, utf8 } from '../bytes.ts';
import { canonicalBytes, canonicalText } from '../canonicalJson.ts';
import { scanCanonical } from '../canonicalScan.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { hashWord, type Network, networkName, structHasher, uintWord } from '../eip712.ts';
import { isNotariumError, NotariumError } from '../errors.ts';
import { hexSchema } from '../schemas.ts';
import type { Signer } from '../signature.ts';
import { readStrictJson } from '../strictJson.ts';
import { shownOrigin } from './activityId.ts';
import {
  attachmentsDigest,
  attachmentsSchema,
  bodyBytes,
  bodyDigest,
  bodySchema,
  disclosuresDigest,
  keepWrittenBody,
  maxBodyBytes,
  unreadBody,
  writtenBody,
} from './contents.ts';
import { checkCredential, type DevicePlace, deviceStatementDigest, recovered } from './credential.ts';
import { deviceBodyDigest } from './fields.ts';
import { type Head, type HeadOf, headSchema, type ShownHead } from './message.ts';
import { checkOpening } from './opening.ts';
import { refused } from './refused.ts';
import { checkValues, countValues, maxParcelValues } from './valueBounds.ts';

/** Largest parcel, as canonical JSON: what is sealed as one piece. */
export const maxParcelBytes = maxBodyBytes + (1 << 20);

/** A message as it is sealed: signed by its sender, contents beside the head. */
export const parcelSchema = z.strictObject({
  head: headSchema,
  body: bodySchema,
  attachments: attachmentsSchema,
  /** Of the sender: EIP-712 `ActivityMessage`. */
  signature: hexSchema(65, 65),
});

/** See {@link parcelSchema}. */
export type Parcel = z.infer<typeof parcelSchema>;

/** A parcel that was checked, and the id of its message. */
export type Message = Parcel & { readonly id: Hash };

const maxDepth = 40;
const levelsAroundBody = 2;
/** For smaller messages it is not worth it. */
const leastUnreadBytes = 32 << 10;
const mostBytesBeforeBody = 256 << 10;
const bodyPrefix = utf8(',"body":{"body":');

const idPrefix = utf8('notarium-activity-message/1\n');
const hasher = structHasher('ActivityMessage(bytes32 activity,uint64 epoch,bytes32 id)');

/** The three commitments of which a message's id is made: one can be opened without the others. */
export type Commitments = { readonly head: Hash; readonly body: Hash; readonly attachments: Hash };

/** What may be shown of a head: of a secret, and of the signature of an origin, the SHA-256 alone. */
export function shownHead(head: Head, sha256: Crypto['sha256'] = portableCrypto.sha256): ShownHead {
  if (head.type !== 'start' && head.type !== 'members') return head;
  const secret = toHex(sha256(fromHex(head.secret)));
  return { ...head, secret, origin: shownOrigin(head.origin, sha256) };
}

/** Commitment to a head, from what may be shown of it. */
export function headDigest(shown: ShownHead, sha256: Crypto['sha256'] = portableCrypto.sha256): Hash {
  return toHex(sha256(canonicalBytes(shown)));
}

/** Commitments of a parcel. */
export function commitmentsOf(
  { head, body, attachments }: Pick<Parcel, 'head' | 'body' | 'attachments'>,
  sha256: Crypto['sha256'] = portableCrypto.sha256,
): Commitments {
  return {
    head: headDigest(shownHead(head, sha256), sha256),
    body: bodyDigest(body, sha256),
    attachments: attachmentsDigest(attachments, sha256),
  };
}

/** Id of the message: SHA-256 over its commitments. */
export function messageId(
  { head, body, attachments }: Commitments,
  sha256: Crypto['sha256'] = portableCrypto.sha256,
): Hash {
  return toHex(sha256(concat(idPrefix, fromHex(head), fromHex(body), fromHex(attachments))));
}

/** What the sender signs: EIP-712 `ActivityMessage`. */
export function messageDigest(
  network: Network,
  { activity, epoch }: Pick<Head, 'activity' | 'epoch'>,
  id: Hash,
  keccak256: Crypto['keccak256'] = portableCrypto.keccak256,
): Uint8Array {
  return hasher.digest(network, [hashWord(activity), uintWord(epoch), hashWord(id)], keccak256);
}

/** Signs a message as its sender. */
export async function signParcel(
  network: Network,
  parcel: Omit<Parcel, 'signature'>,
  signer: Signer,
  crypto: Crypto = portableCrypto,
): Promise<Message> {
  const id = messageId(commitmentsOf(parcel, crypto.sha256), crypto.sha256);
  const signature = toHex(await signer.sign(messageDigest(network, parcel.head, id, crypto.keccak256)));
  return { ...parcel, signature, id };
}

// Of one message they are needed to check it, to seal it, and to store it.
const knownBytes = new WeakMap<Parcel, Uint8Array>();

/** Canonical bytes of a message, to be sealed. Neither they nor the message may be changed. */
export function parcelBytes(message: Parcel): Uint8Array {
  let bytes = knownBytes.get(message);
  if (!bytes) {
    const { before, after } = aroundBody(message);
    bytes = concat(before, writtenBody(message.body), after);
    knownBytes.set(message, bytes);
  }
  return bytes;
}

/** What stands before the body in the canonical bytes of a message, and after it. */
function aroundBody({ attachments, head, signature }: Parcel): Record<'before' | 'after', Uint8Array> {
  const [files, said, by] = [attachments, head, signature].map(canonicalText);
  return { before: utf8(`{"attachments":${files},"body":`), after: utf8(`,"head":${said},"signature":${by}}`) };
}

/** Takes the bytes of a message from the canonical text that it was read from: a large body need not be written once more. */
function keepBytes(message: Parcel, bytes: Uint8Array): void {
  const { before, after } = aroundBody(message);
  const end = bytes.length - after.length;
  const isAround = sameBytes(bytes.subarray(0, before.length), before) && sameBytes(bytes.subarray(end), after);
  if (!isAround) return;
  keepWrittenBody(message.body, bytes.subarray(before.length, end));
  knownBytes.set(message, bytes);
}

/**
 * Reads what was in a seal, and checks all that needs no knowledge of the activity: form, network, signatures, and of what opens an epoch that it
 * is of the activity's initiator.
 * @throws NotariumError `activity-message-invalid`, `device-credential-invalid`; `activity-body-invalid` for one with too many values.
 */
export function readParcel(network: Network, bytes: Uint8Array, crypto: Crypto = portableCrypto): Message {
  let parcel: Parcel;
  try {
    if (bytes.length > maxParcelBytes) throw new NotariumError('json-too-large');
    parcel = withUnreadBody(bytes) ?? readWhole(bytes);
  } catch (cause) {
    if (isNotariumError(cause, 'activity-body-invalid')) throw cause;
    throw refused('it does not have the form of a message', cause);
  }
  const { head, signature } = parcel;
  if (bytes.length > maxBodyBytes && bodyBytes(parcel.body) > maxBodyBytes)
    throw refused(`its body has more than ${maxBodyBytes} bytes`);
  if (head.network !== networkName(network)) throw refused('it is of another network');
  const commitments = commitmentsOf(parcel, crypto.sha256);
  const id = messageId(commitments, crypto.sha256);
  const signer = recovered(crypto, messageDigest(network, head, id, crypto.keccak256), signature);
  if (signer !== head.sender) throw refused('it is not signed by its sender');
  if (head.type === 'start' || head.type === 'members') checkOpening(network, head, crypto);
  if (head.fields !== disclosuresDigest(parcel.body, crypto.sha256))
    throw refused('it does not have all of its fields');
  if (deviceOf(head))
    checkDevice(network, head, { ...commitments, body: deviceBodyDigest(parcel.body, crypto) }, crypto);
  // Another form of the same would have another seal than the one that the log has.
  const written = parcelBytes(parcel);
  if (written !== bytes && !sameBytes(written, bytes)) throw refused('it is not in its canonical form');
  const message = { ...parcel, id };
  knownBytes.set(message, bytes);
  return message;
}

function readWhole(bytes: Uint8Array): Parcel {
  const text = fromUtf8(bytes);
  checkValues(text, maxParcelValues);
  const { value, isCanonical } = readStrictJson(text, { maxSize: maxParcelBytes, maxDepth });
  const parcel = parcelSchema.parse(value);
  if (isCanonical) keepBytes(parcel, bytes);
  return parcel;
}

/**
 * A message with a large body in its canonical form, without anything having been made of that body: who takes the message in needs its digest alone.
 * undefined for every other message, and for what is none: {@link readWhole} says what is wrong.
 */
function withUnreadBody(bytes: Uint8Array): Parcel | undefined {
  if (bytes.length < leastUnreadBytes) return undefined;
  // No text within JSON has that in it, and in the canonical form there are but the attachments before it.
  const start = endOfPrefix(bytes);
  const scanned = start === undefined ? undefined : scanCanonical(bytes, start, maxDepth - levelsAroundBody);
  if (start === undefined || scanned === undefined) return undefined;
  const rest = concat(bytes.subarray(0, start), utf8('null'), bytes.subarray(scanned.end));
  let parcel: Parcel;
  try {
    const text = fromUtf8(rest);
    if (scanned.values - 1 + countValues(text, maxParcelValues) > maxParcelValues) return undefined;
    const { value, isCanonical } = readStrictJson(text, { maxSize: maxParcelBytes, maxDepth });
    if (!isCanonical) return undefined;
    parcel = parcelSchema.parse(value);
  } catch {
    return undefined;
  }
  const whole = { ...parcel, body: unreadBody(parcel.body.salt, bytes.subarray(start, scanned.end)) };
  keepBytes(whole, bytes);
  return whole;
}

/** Where what a body says begins: a body that is one piece. */
function endOfPrefix(bytes: Uint8Array): number | undefined {
  const head = bytes.subarray(0, mostBytesBeforeBody);
  for (let at = head.indexOf(bodyPrefix[0]!); at >= 0; at = head.indexOf(bodyPrefix[0]!, at + 1)) {
    if (bodyPrefix.every((byte, index) => head[at + index] === byte)) return at + bodyPrefix.length;
  }
  return undefined;
}

type DeviceWord = { readonly body: Hash; readonly attachments: Hash };

/** The device in whose name a message is sent. */
export function deviceOf(head: Head | ShownHead): NonNullable<HeadOf<'note'>['device']> | undefined {
  return 'device' in head ? head.device : undefined;
}

/**
 * Checks the word of the device in whose name a message is sent; nothing of one that has none.
 * @param said.body See `deviceBodyDigest`.
 * @param said.attachments Their commitment.
 * @throws NotariumError `device-credential-invalid`.
 */
export function checkDevice(
  network: Network,
  head: Head | ShownHead,
  said: DeviceWord,
  crypto: Crypto = portableCrypto,
): void {
  const device = deviceOf(head);
  if (!device) return;
  const { credential, time, signature } = device;
  // It holds when the device speaks, and still when its operator sends that.
  for (const seconds of [time, Math.floor(Date.parse(head.time) / 1000)])
    checkCredential(network, credential, seconds, crypto);
  const fail = (detail: string): NotariumError =>
    new NotariumError('device-credential-invalid', detail, { data: { id: credential.id } });
  const operator: Address = credential.operator;
  if (operator !== head.sender) throw fail('its operator is not the sender');
  const digest = statementDigest(network, head, device, said, crypto);
  if (recovered(crypto, digest, signature) !== credential.device) throw fail('the message is not signed by the device');
}

function statementDigest(
  network: Network,
  head: Head | ShownHead,
  { credential, time }: NonNullable<ReturnType<typeof deviceOf>>,
  { body, attachments }: DeviceWord,
  { keccak256 }: Crypto,
): Uint8Array {
  const on = head.type === 'update' ? head.builds : head.type === 'note' ? [head.on] : [];
  // Of a start it cannot know the id, but what makes it that of no other activity.
  const activity = head.type === 'start' ? head.origin.salt : head.activity;
  const place = { credential: credential.id, activity, type: head.type as DevicePlace['type'], on, time };
  return deviceStatementDigest(network, { ...place, body, attachments }, keccak256);
}

/** Digest of what a device has signed of a message, one in each activity; undefined where none has. */
export function statementOf(
  network: Network,
  { head, body, attachments }: Pick<Parcel, 'head' | 'body' | 'attachments'>,
  crypto: Crypto = portableCrypto,
): Hash | undefined {
  const device = deviceOf(head);
  if (!device) return undefined;
  const said = { body: deviceBodyDigest(body, crypto), attachments: attachmentsDigest(attachments, crypto.sha256) };
  return toHex(statementDigest(network, head, device, said, crypto));
}
