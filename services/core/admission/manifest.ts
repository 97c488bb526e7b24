import { z } from 'zod';
import { type Hash, toHex, utf8 } from '../bytes.ts';
import { canonicalText } from '../canonicalJson.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { NotariumError } from '../errors.ts';
import { networkNameSchema } from '../networkNameSchema.ts';
import { addressSchema, hashSchema, uintSchema } from '../schemas.ts';
import { parseStrictJson } from '../strictJson.ts';
import { textAtMost } from './text.ts';

/** Largest canonical manifest. */
export const maxManifestBytes = 64 * 1024;

/** Names of formats and protocols, each once, in ascending order: the same set is the same bytes. */
const names = z
  .array(z.string().regex(/^[a-z0-9/][a-z0-9./_-]{0,63}$/))
  .min(1)
  .max(64)
  .refine((list) => list.every((name, at) => at === 0 || list[at - 1]! < name), 'not in ascending order, each once');

/**
 * What every centre of a network must agree on. Its canonical bytes (RFC 8785) are hashed with SHA-256, and the hash is
 * among the rules for candidates on chain: who changes it needs a vote.
 */
export const manifestSchema = z.strictObject({
  format: z.literal('notarium-manifest/1'),
  /** `eip155:<chain id>:<BlockAnchor>` */
  network: networkNameSchema,
  /** Hash of the chain's first block. */
  genesisHash: hashSchema,
  contracts: z.strictObject({
    blockAnchor: addressSchema,
    nodeRegistry: addressSchema,
    consortiumGovernor: addressSchema,
    resourceRegistry: addressSchema,
  }),
  rules: z.strictObject({
    periodSeconds: uintSchema.min(1),
    graceSeconds: uintSchema.min(1),
    quorum: z.literal('floor(2m/3)+1'),
    publisher: z.literal('committee[slot mod m]'),
  }),
  /** Formats that a centre writes and reads. */
  formats: names,
  /** What centres speak with one another. */
  protocols: names,
  /** What the operators have agreed on besides, in their own words. */
  agreement: textAtMost(32 * 1024).optional(),
});

/** See {@link manifestSchema}. */
export type Manifest = z.infer<typeof manifestSchema>;

/** A manifest with what follows from it. */
export type CheckedManifest = { readonly manifest: Manifest; readonly bytes: Uint8Array; readonly hash: Hash };

/**
 * Checks a manifest, given as JSON text or as a value.
 * @throws NotariumError the `json-…` codes; `manifest-invalid` with data.field.
 */
export function readManifest(
  input: string | Uint8Array | Manifest,
  crypto: Pick<Crypto, 'sha256'> = portableCrypto,
): CheckedManifest {
  const text = typeof input === 'string' || input instanceof Uint8Array ? input : canonicalText(input);
  const parsed = manifestSchema.safeParse(parseStrictJson(text, { maxSize: 2 * maxManifestBytes, maxDepth: 4 }));
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const field = issue.path.join('.');
    throw new NotariumError('manifest-invalid', `${field || 'manifest'}: ${issue.message.slice(0, 200)}`, {
      data: { field },
    });
  }
  const bytes = utf8(canonicalText(parsed.data));
  if (bytes.length > maxManifestBytes) {
    throw new NotariumError('json-too-large', undefined, { data: { have: bytes.length, want: maxManifestBytes } });
  }
  return { manifest: parsed.data, bytes, hash: toHex(crypto.sha256(bytes)) };
}
