import { aggregateRoot } from '../../../core/aggregate.ts';
import { type Hash, toHex } from '../../../core/bytes.ts';
import type { Bill } from '../../../core/channels/bill.ts';
import { NotariumError } from '../../../core/errors.ts';
import { hashBytes } from '../../../core/sha256.ts';
import { contentOf } from '../../../lib/client/channels/contentOf.ts';
import type { HttpVerifier } from '../../../lib/client/channels/HttpVerifier.ts';
import { PackCheck } from '../../../lib/PackCheck.ts';

/**
 * Digests of the members of a pack in their order, by the list that it begins with; nothing else of it is read.
 * @throws NotariumError `evidence-mismatch` for what is not the list of that pack, and those of {@link contentOf}.
 */
export async function fetchPackMembers(
  verifier: Pick<HttpVerifier, 'content'>,
  { digest, count }: Pick<Bill, 'digest' | 'count'>,
  signal?: AbortSignal,
): Promise<Hash[]> {
  const { sizeBytes, content } = await contentOf(verifier, digest, { signal });
  const check = new PackCheck({ sizeBytes, maxCount: count });
  for await (const piece of content) {
    check.update(piece);
    if (check.list) break;
  }
  const digests = check.list?.digests ?? new Uint8Array();
  if (digests.length !== count * hashBytes || toHex(aggregateRoot(digests)) !== digest)
    throw new NotariumError('evidence-mismatch', 'the verifier has another pack than the one that was paid for', {
      data: { digest },
    });
  return Array.from({ length: count }, (_, at) => toHex(digests.subarray(at * hashBytes, (at + 1) * hashBytes)));
}
