import { type Hash, toHex, utf8 } from '../bytes.ts';
import { canonicalText } from '../canonicalJson.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { NotariumError } from '../errors.ts';
import { parseStrictJson } from '../strictJson.ts';
import { isObject, type Json } from './json.ts';
import { pointerTo } from './jsonPatch.ts';

/** Largest canonical configuration of a resource set. */
export const maxConfigurationBytes = 1024 * 1024;
const maxConfigurationDepth = 32;

/** A configuration with what follows from it. */
export type CheckedConfiguration = {
  readonly configuration: Json;
  /** Canonical bytes. */
  readonly bytes: Uint8Array;
  /** SHA-256 of them. */
  readonly hash: Hash;
};

/**
 * Canonical bytes and hash of a configuration: any JSON object, given as text or as a value that came from
 * {@link parseStrictJson}.
 * @throws NotariumError the `json-…` codes; `configuration-invalid` when it is no object.
 */
export function readConfiguration(
  input: string | Uint8Array | { readonly [name: string]: Json },
  crypto: Pick<Crypto, 'sha256'> = portableCrypto,
): CheckedConfiguration {
  const text = typeof input === 'string' || input instanceof Uint8Array ? input : canonicalText(input);
  const limits = { maxSize: 2 * maxConfigurationBytes, maxDepth: maxConfigurationDepth };
  const configuration = parseStrictJson(text, limits) as Json;
  if (!isObject(configuration)) throw new NotariumError('configuration-invalid', 'not a JSON object');
  const bytes = utf8(canonicalText(configuration));
  if (bytes.length > maxConfigurationBytes) {
    const data = { have: bytes.length, want: maxConfigurationBytes };
    throw new NotariumError('json-too-large', undefined, { data });
  }
  return { configuration, bytes, hash: toHex(crypto.sha256(bytes)) };
}

/** The number by which the contracts know a resource set: Keccak-256 of its name's UTF-8. */
export function resourceSetId(name: string, crypto: Pick<Crypto, 'keccak256'> = portableCrypto): Hash {
  return toHex(crypto.keccak256(utf8(name)));
}

/** One field in which two configurations differ; a side that has no such field lacks the member. */
export type Difference = {
  /** JSON Pointer of the field. */
  readonly path: string;
  readonly want?: Json;
  readonly have?: Json;
};

/**
 * Compares what is there with what was passed, field by field, in the order of the fields' names.
 * @param limit Differences at most: the rest need not be listed to know that they are not equal.
 */
export function differencesOf(want: Json, have: Json, limit = 100): Difference[] {
  const found: Difference[] = [];
  compare('', want, have);
  return found;

  function compare(path: string, wanted: Json | undefined, there: Json | undefined): void {
    if (found.length >= limit) return;
    const [members, others] = [membersOf(wanted), membersOf(there)];
    if (members && others && Array.isArray(wanted) === Array.isArray(there)) {
      const names = new Set([...members.keys(), ...others.keys()]);
      const sorted = Array.isArray(wanted) ? [...names] : [...names].sort();
      for (const name of sorted) compare(pointerTo(path, name), members.get(name), others.get(name));
      return;
    }
    if (wanted === there) return;
    found.push({
      path,
      ...(wanted === undefined ? {} : { want: wanted }),
      ...(there === undefined ? {} : { have: there }),
    });
  }
}

function membersOf(value: Json | undefined): Map<string, Json> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return new Map(Object.entries(value));
}
