import { z } from 'zod';
import { type Address, concat, fromBase64Url, fromUtf8, type Hash, toBase64Url, toHex, utf8 } from '../bytes.ts';
import { canonicalBytes } from '../canonicalJson.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { isNotariumError, NotariumError } from '../errors.ts';
import { addressSchema, hashSchema } from '../schemas.ts';
import { recoverAddress } from '../signature.ts';
import { parseStrictJson } from '../strictJson.ts';
import { type Body, bodyDigest, maxBodyBytes } from './contents.ts';
import { leadsTo, type Path, readPath } from './pointer.ts';
import { countValues, maxParcelValues } from './valueBounds.ts';

/** `typ` of the SD-JWT of a body. */
export const fieldsType = 'notarium-body+sd-jwt';
/** Names that stand for digests in an SD-JWT: no field of a body may have them. */
export const reservedNames: readonly string[] = ['_sd', '_sd_alg', '...'];
/** Deepest nesting of a body in fields. */
const maxDepth = 40;

/** A body in fields (RFC 9901): each can be shown without the others. */
export type FieldBody = Extract<Body, { readonly sdJwt: string }>;

/** A body in fields that is still to be signed, which takes the message that it belongs to: that names its disclosures. */
export type PackedFields = Pick<FieldBody, 'salt' | 'disclosures'> & {
  /** The body, with digests in the place of fields. */
  readonly packed: unknown;
};

/** Commitments of the message that a body in fields was signed for: in no other one does it say anything. */
export type FieldsPlace = { readonly head: Hash; readonly attachments: Hash };

/** What is shown of a body in fields. */
export type Fields = {
  /** Who has signed the body. */
  readonly author: Address;
  readonly place: FieldsPlace;
  /** The body as far as it is shown: hidden properties are left out, and hidden items too. */
  readonly body: unknown;
  /** Fields that are shown because their disclosure is there, in the order of the disclosures. */
  readonly shown: readonly Path[];
  /** How many digests have no disclosure. Fields within hidden ones are not counted. */
  readonly hidden: number;
  /** The objects and lists that have these, each with how many: so nobody takes a part of a list for all of it. */
  readonly hiddenIn: readonly { readonly path: Path; readonly count: number }[];
};

const headerSchema = z.strictObject({
  alg: z.literal('ES256K'),
  typ: z.literal(fieldsType),
  /** Address of the key that has signed. */
  kid: addressSchema,
});
const payloadSchema = z.strictObject({
  _sd_alg: z.literal('sha-256'),
  body: z.unknown(),
  head: hashSchema,
  attachments: hashSchema,
});
const disclosureSchema = z.union([z.tuple([z.string(), z.unknown()]), z.tuple([z.string(), z.string(), z.unknown()])]);

/** What a digest stands for: a salt, the name for a property, the value. */
type Disclosed = { readonly content: z.infer<typeof disclosureSchema>; readonly index: number };

const fail = (detail: string, cause?: unknown): NotariumError =>
  new NotariumError('activity-fields-invalid', detail, { cause });

/**
 * Reads a body in fields, whole or some of it, and checks the signature by the address that it names. All that RFC 9901 section 7.1 asks
 * for is refused: a disclosure that belongs nowhere, a digest or a name that is there twice. Who the author should be is for the caller
 * to compare.
 * @throws NotariumError `activity-fields-invalid`, `activity-body-invalid` for one with too many values.
 */
export function readFields(body: FieldBody, crypto: Crypto = portableCrypto): Fields {
  const [header, payload, signature, ...rest] = body.sdJwt.split('.');
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0)
    throw fail('it is no JWT');
  const left = { values: maxParcelValues };
  const { kid } = parsed(headerSchema, header, 'its header', left);
  const { body: packed, head, attachments } = parsed(payloadSchema, payload, 'its payload', left);
  checkSignature(`${header}.${payload}`, signature, kid, crypto);
  return { author: kid, place: { head, attachments }, ...openFields({ packed, ...body }, crypto, left) };
}

/**
 * What a device signs of a body: its commitment, or where it is in fields the digest of these as the device has made them, for the SD-JWT is
 * signed by its operator, for a message that has the device's signature in its head.
 * @throws NotariumError `activity-fields-invalid` for fields that cannot be read, `activity-body-invalid` for too many values.
 */
export function deviceBodyDigest(body: Body | PackedFields, { sha256 }: Pick<Crypto, 'sha256'> = portableCrypto): Hash {
  if ('body' in body) return bodyDigest(body, sha256);
  const { salt } = body;
  const packed = 'packed' in body ? body.packed : packedIn(body);
  return toHex(sha256(canonicalBytes({ salt, packed })));
}

function packedIn({ sdJwt }: FieldBody): unknown {
  const payload = sdJwt.split('.', 2)[1];
  if (payload === undefined) throw fail('it is no JWT');
  return parsed(payloadSchema, payload, 'its payload', { values: maxParcelValues }).body;
}

/**
 * Puts disclosures in the place of their digests.
 * @throws NotariumError as {@link readFields}.
 */
export function openFields(
  { packed, disclosures }: { readonly packed: unknown; readonly disclosures: readonly string[] },
  { sha256 }: Pick<Crypto, 'sha256'>,
  left: Left = { values: maxParcelValues },
): Pick<Fields, 'body' | 'shown' | 'hidden' | 'hiddenIn'> {
  const reader = new FieldReader(disclosures, left, sha256);
  const body = reader.value(packed, []);
  return { body, ...reader.summary() };
}

/**
 * Checks that fields were signed for the message with these commitments: else who has them could have them notarised once more, as what
 * their author has said at another time, or beside other files.
 * @throws NotariumError `activity-fields-invalid`.
 */
export function checkPlace({ place }: Pick<Fields, 'place'>, { head, attachments }: FieldsPlace): void {
  if (place.head !== head || place.attachments !== attachments)
    throw fail('its fields were signed for another message');
}

/**
 * The body of a message as its sender has meant it, in whichever form it is. Members see all fields.
 * @param place Commitments of the message, to check that they were signed for that one.
 * @throws NotariumError `activity-fields-invalid` when fields are missing, somebody else has signed them, or they are of another message.
 */
export function wholeBody(
  body: Body,
  sender: Address,
  options: { readonly place?: FieldsPlace; readonly crypto?: Crypto } = {},
): unknown {
  if (!('sdJwt' in body)) return body.body;
  const fields = readFields(body, options.crypto);
  if (options.place) checkPlace(fields, options.place);
  if (fields.author !== sender) throw fail('its fields are not signed by the sender');
  if (fields.hidden > 0) throw fail('some of its fields are missing');
  return fields.body;
}

/**
 * The same body with some of its fields only. A field is shown with all that is in it, and with the names of those that it is in.
 * @param fields JSON Pointers or dotted paths; none hides all that can be hidden.
 * @throws NotariumError `activity-field-unknown` where the body has no such field; `activity-fields-invalid`.
 */
export function showFields(body: FieldBody, fields: readonly string[], crypto: Crypto = portableCrypto): FieldBody {
  const { body: whole, shown } = readFields(body, crypto);
  const wanted = fields.map((text) => {
    const path = readPath(text);
    if (!hasPath(whole, path, shown)) throw new NotariumError('activity-field-unknown', text.slice(0, 256));
    return path;
  });
  const disclosures = body.disclosures.filter((_, index) => {
    const path = shown[index]!;
    return wanted.some((want) => leadsTo(path, want) || leadsTo(want, path));
  });
  return { salt: body.salt, sdJwt: body.sdJwt, disclosures };
}

function hasPath(whole: unknown, path: Path, shown: readonly Path[]): boolean {
  if (shown.some((field) => leadsTo(path, field))) return true;
  let value = whole;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return false;
    const found = Object.entries(value).find(([name]) => name === step);
    if (!found) return false;
    value = found[1];
  }
  return true;
}

function checkSignature(signed: string, signature: string, author: Address, crypto: Crypto): void {
  const rs = decoded(signature, 'its signature');
  const digest = crypto.sha256(utf8(signed));
  // ES256K leaves it open which of two keys it was.
  const isBy = (v: number): boolean => {
    try {
      return recoverAddress(crypto, digest, concat(rs, Uint8Array.of(v))) === author;
    } catch (error) {
      if (error instanceof NotariumError) return false;
      throw error;
    }
  };
  if (rs.length !== 64 || !(isBy(27) || isBy(28))) throw fail('it is not signed by whom it names');
}

class FieldReader {
  readonly #disclosed = new Map<string, Disclosed>();
  readonly #seen = new Set<string>();
  readonly #paths: Path[] = [];
  readonly #hiddenIn: { path: Path; count: number }[] = [];

  constructor(disclosures: readonly string[], left: Left, sha256: Crypto['sha256']) {
    for (const [index, text] of disclosures.entries()) {
      const digest = toBase64Url(sha256(utf8(text)));
      if (this.#disclosed.has(digest)) throw fail(`disclosure ${index} is there twice`);
      this.#disclosed.set(digest, { content: parsed(disclosureSchema, text, `disclosure ${index}`, left), index });
    }
  }

  summary(): Pick<Fields, 'shown' | 'hidden' | 'hiddenIn'> {
    for (const { index } of this.#disclosed.values())
      if (!this.#paths[index]) throw fail(`disclosure ${index} belongs nowhere`);
    const hidden = this.#hiddenIn.reduce((sum, { count }) => sum + count, 0);
    return { shown: this.#paths, hidden, hiddenIn: this.#hiddenIn };
  }

  value(packed: unknown, path: Path): unknown {
    if (path.length > maxDepth) throw fail('it is nested too deep');
    if (Array.isArray(packed)) {
      const items = packed.map((item, index) => this.#item(item, [...path, `${index}`]));
      this.#note(path, items.filter((item) => item === undefined).length);
      return items.flatMap((item) => item ?? []);
    }
    return typeof packed === 'object' && packed !== null
      ? this.#object(packed as Record<string, unknown>, path)
      : packed;
  }

  #object(packed: Readonly<Record<string, unknown>>, path: Path): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    for (const [name, value] of Object.entries(packed)) {
      if (name === '_sd') continue;
      if (reservedNames.includes(name)) throw fail(`a field has the name ${name}`);
      entries.push([name, this.value(value, [...path, name])]);
    }
    const digests = Object.hasOwn(packed, '_sd') ? packed._sd : [];
    if (!Array.isArray(digests)) throw fail('its digests are no list');
    let hidden = 0;
    for (const digest of digests) {
      const disclosed = this.#take(digest);
      if (!disclosed) {
        hidden++;
        continue;
      }
      const { content, index } = disclosed;
      if (content.length !== 3 || reservedNames.includes(content[1])) throw fail(`disclosure ${index} is no property`);
      entries.push([content[1], this.#opened(disclosed, content[2], [...path, content[1]])]);
    }
    this.#note(path, hidden);
    if (new Set(entries.map(([name]) => name)).size !== entries.length) throw fail('it has a property twice');
    return Object.fromEntries(entries);
  }

  /** The item as a list of one, for it may be a list itself; undefined for a hidden one. */
  #item(item: unknown, path: Path): [unknown] | undefined {
    if (typeof item !== 'object' || item === null || !Object.hasOwn(item, '...')) return [this.value(item, path)];
    if (Object.keys(item).length !== 1) throw fail('a hidden item has more than its digest');
    const disclosed = this.#take((item as { '...': unknown })['...']);
    if (!disclosed) return undefined;
    const { content, index } = disclosed;
    if (content.length !== 2) throw fail(`disclosure ${index} is no item`);
    return [this.#opened(disclosed, content[1], path)];
  }

  #opened({ index }: Disclosed, value: unknown, path: Path): unknown {
    this.#paths[index] = path;
    return this.value(value, path);
  }

  #take(digest: unknown): Disclosed | undefined {
    if (typeof digest !== 'string') throw fail('a digest is no text');
    if (this.#seen.has(digest)) throw fail('a digest is there twice');
    this.#seen.add(digest);
    return this.#disclosed.get(digest);
  }

  #note(path: Path, count: number): void {
    if (count > 0) this.#hiddenIn.push({ path, count });
  }
}

function decoded(text: string, what: string): Uint8Array {
  try {
    return fromBase64Url(text);
  } catch (cause) {
    throw fail(`${what} is not base64url`, cause);
  }
}

/** How many values all texts of a body may still have. */
type Left = { values: number };

function parsed<T>(schema: z.ZodType<T>, text: string, what: string, left: Left): T {
  const bytes = decoded(text, what);
  try {
    const json = fromUtf8(bytes);
    left.values -= countValues(json, left.values);
    return schema.parse(parseStrictJson(json, { maxSize: maxBodyBytes, maxDepth: maxDepth + 2 }));
  } catch (cause) {
    if (isNotariumError(cause, 'activity-body-invalid')) throw cause;
    throw fail(`${what} does not have the expected form`, cause);
  }
}
