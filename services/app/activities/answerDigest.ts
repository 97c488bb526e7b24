import type { Attachment } from '../../core/activities/contents.ts';
import { type Hash, toHex } from '../../core/bytes.ts';
import { canonicalBytes } from '../../core/canonicalJson.ts';
import type { Crypto } from '../../core/crypto.ts';

/**
 * Digest of all that was answered to an upload but its name, by which it is known whether a message says the same of the file. The key is
 * in it, so nobody can guess anything by it.
 */
export function answerDigest(
  { sizeBytes, digest, sealedDigest, sealedBytes, key }: Omit<Attachment, 'name' | 'mediaType'>,
  { sha256 }: Pick<Crypto, 'sha256'>,
): Hash {
  return toHex(sha256(canonicalBytes({ sizeBytes, digest, sealedDigest, sealedBytes, key })));
}
