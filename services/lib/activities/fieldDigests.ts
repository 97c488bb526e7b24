import { createHash, randomBytes } from 'node:crypto';
import { SDJwtInstance } from '@sd-jwt/core';
import { maxBodyBytes } from '../../core/activities/contents.ts';
import {
  type FieldBody,
  type FieldsPlace,
  fieldsType,
  openFields,
  type PackedFields,
  reservedNames,
} from '../../core/activities/fields.ts';
import { noHash } from '../../core/activities/members.ts';
import { readPath } from '../../core/activities/pointer.ts';
import { attempt } from '../../core/attempt.ts';
import type { Address } from '../../core/bytes.ts';
import { canonicalBytes, canonicalText } from '../../core/canonicalJson.ts';
import { type Crypto, portableCrypto } from '../../core/crypto.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Signer } from '../../core/signature.ts';
import { randomHash } from '../randomHash.ts';

/** Most fields that one body can have digests of. */
const maxFields = 4096;
/** Of 64 bytes in base64url. */
const signatureCharacters = 86;

/** Names of which the library makes something else than fields. */
const notFields: readonly string[] = [...reservedNames, '_sd_decoy', '__proto__'];

/** Which values are hidden under digests: `_sd` names properties or items of an object or array, the rest leads further in. */
type Frame = { _sd: (string | number)[]; [step: string]: unknown };

/** Salt of a field: the size is the library's, 128 bits; 256 cost nothing. */
const randomSalt = (): string => randomBytes(32).toString('base64url');

/** The library with our hash function and salts. */
export function sdJwtOf(newSalt = randomSalt): SDJwtInstance<Record<string, unknown>> {
  return new SDJwtInstance({
    hasher: (data) =>
      createHash('sha256')
        .update(typeof data === 'string' ? data : new Uint8Array(data))
        .digest(),
    hashAlg: 'sha-256',
    saltGenerator: newSalt,
    signAlg: 'ES256K',
    // Of what it makes, the digests and disclosures are taken: the signature is made when the message is known.
    signer: async () => 'unsigned',
  });
}

/**
 * Makes a body of which single fields can be shown later: an SD-JWT (RFC 9901), with a salted digest in the place of each field, for
 * {@link signFields}.
 * @param options.fields JSON Pointers or dotted paths of what can be shown alone, each as one: what stands beside them is hidden as well, each
 *   property and item as one. By default every property and item, however deep.
 * @throws NotariumError `activity-body-invalid` for a body that is no object or list, has over 4096 fields, or names that an SD-JWT has
 *   another use for; `activity-field-unknown`.
 */
export async function packFields(
  body: unknown,
  options: { readonly fields?: readonly string[]; readonly crypto?: Crypto; readonly newSalt?: () => string } = {},
): Promise<PackedFields> {
  const fail = (detail: string): NotariumError => new NotariumError('activity-body-invalid', detail);
  if (typeof body !== 'object' || body === null) throw fail('fields are those of an object or a list');
  if (canonicalBytes(body).length > maxBodyBytes) throw fail('it is too large');
  const wanted = options.fields && wantedOf(options.fields);
  let count = 0;
  const frameOf = (value: object, at: Wanted | undefined): Frame => {
    const frame: Frame = { _sd: [] };
    // What stands beside a field that is named is hidden too: else it would be shown with that.
    const isHidden = !wanted || (at !== undefined && at.inside.size > 0);
    for (const [name, inner] of Object.entries(value)) {
      if (notFields.includes(name)) throw fail(`a field cannot have the name ${name}`);
      const here = at?.inside.get(name);
      if (isHidden) {
        frame._sd.push(Array.isArray(value) ? Number(name) : name);
        if (++count > maxFields) throw fail(`it has more than ${maxFields} fields: name those that matter`);
      }
      if (here) here.text = undefined;
      // The library looks names up that it was not told of, and finds those that every object inherits.
      frame[name] = typeof inner === 'object' && inner !== null ? frameOf(inner, here) : undefined;
    }
    return frame;
  };
  const frame = frameOf(body, wanted);
  const missing = wanted && missingOf(wanted);
  if (missing !== undefined) throw new NotariumError('activity-field-unknown', missing.slice(0, 256));
  const compact = await sdJwtOf(options.newSalt).issue({ body }, { _sd: [], body: frame } as never);
  const [sdJwt = '', ...disclosures] = compact.split('~').slice(0, -1);
  const claims = JSON.parse(Buffer.from(sdJwt.split('.')[1]!, 'base64url').toString()) as { body: unknown };
  const made: PackedFields = { salt: randomHash(), packed: claims.body, disclosures };
  checkMade(made, body, options.crypto ?? portableCrypto);
  return made;
}

/** Signs a body in fields (ES256K by the key of the node) as that of the message with these commitments, and of no other one. */
export async function signFields(
  { salt, packed, disclosures }: PackedFields,
  place: FieldsPlace,
  signer: Signer,
): Promise<FieldBody> {
  const signed = unsignedText(packed, place, signer.address);
  const signature = await signer.sign(createHash('sha256').update(signed).digest());
  const rs = Buffer.from(signature.subarray(0, 64)).toString('base64url');
  return { salt, sdJwt: `${signed}.${rs}`, disclosures };
}

/** Size of the body that {@link signFields} makes, as `bodyBytes` has it. */
export function packedBytes({ packed, disclosures }: PackedFields, author: Address): number {
  const signed = unsignedText(packed, { head: noHash, attachments: noHash }, author);
  return disclosures.reduce((sum, { length }) => sum + length, signed.length + 1 + signatureCharacters);
}

function unsignedText(packed: unknown, { head, attachments }: FieldsPlace, author: Address): string {
  const header = { typ: fieldsType, kid: author, alg: 'ES256K' };
  const payload = { body: packed, head, attachments, _sd_alg: 'sha-256' };
  return [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
}

/** The fields that are asked for, by the steps of their paths: one look a value, however many they are. */
type Wanted = {
  /** As it was asked for; undefined where the way goes on only, and once it was found. */
  text?: string | undefined;
  readonly inside: Map<string, Wanted>;
};

function wantedOf(fields: readonly string[]): Wanted {
  const root: Wanted = { inside: new Map() };
  for (const text of fields) {
    let at = root;
    for (const step of readPath(text)) {
      const next = at.inside.get(step) ?? { inside: new Map() };
      at.inside.set(step, next);
      at = next;
    }
    at.text = text;
  }
  return root;
}

function missingOf({ text, inside }: Wanted): string | undefined {
  if (text !== undefined) return text;
  for (const next of inside.values()) {
    const missing = missingOf(next);
    if (missing !== undefined) return missing;
  }
  return undefined;
}

/** What cannot be read back as it was must not be signed for: the library loses an empty name, for one. */
function checkMade(made: PackedFields, body: object, crypto: Crypto): void {
  const read = attempt(() => openFields(made, crypto));
  if ('value' in read && read.value.hidden === 0 && canonicalText(read.value.body) === canonicalText(body)) return;
  throw new NotariumError('activity-body-invalid', 'it has names that fields cannot have, or is nested too deep', {
    ...('error' in read ? { cause: read.error } : {}),
  });
}
