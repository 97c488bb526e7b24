import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { fromHex, sameBytes } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { DigestsCheck } from '../../lib/DigestsCheck.ts';
import { PackCheck } from '../../lib/PackCheck.ts';
import { readSealed, type SealedFile } from '../../lib/readSealed.ts';
import { contentKeyId, plainBytesOf, sealedTrailerBytes } from '../../lib/sealed.ts';
import type { EvidenceVault, StoredEvidence } from './EvidenceVault.ts';
import { buildMemberIndex } from './memberIndex.ts';

/** What a check of one file has found. */
export type CheckedEvidence = StoredEvidence & {
  /** Of the file. */
  readonly sizeBytes: number;
  /** `stored`: its own checksum is right; what is in it can only be checked with the content key. */
  readonly found: 'intact' | 'stored';
};

/**
 * Reads a file of the vault, hashes it anew and compares that with its name; of a pack also each content and the index.
 * @param key Content key; without the right one an encrypted file is checked by its own checksum.
 * @throws NotariumError `evidence-corrupt` {digest, name}, `storage-failed`.
 */
export async function checkEvidence(
  vault: EvidenceVault,
  evidence: StoredEvidence,
  key?: Uint8Array,
): Promise<CheckedEvidence> {
  const { digest, name, keyId } = evidence;
  const fail = (detail: string, cause?: unknown): NotariumError =>
    new NotariumError('evidence-corrupt', `${name}: ${detail}`, { data: { digest: `0x${digest}`, name }, cause });
  try {
    const file = await vault.openFile(evidence);
    const found = { ...evidence, sizeBytes: file.sizeBytes };
    if (keyId === undefined) {
      await checkPlain(vault, evidence, file.sizeBytes, await file.read(0, file.sizeBytes));
      return { ...found, found: 'intact' };
    }
    await checkTrailer(file);
    if (!key || contentKeyId(key, fromHex(`0x${digest}`)) !== keyId) return { ...found, found: 'stored' };
    await checkPlain(vault, evidence, plainBytesOf(file.sizeBytes), readSealed(file, key));
    return { ...found, found: 'intact' };
  } catch (error) {
    if (isNotariumError(error, 'storage-failed')) throw error;
    throw error instanceof NotariumError ? fail(error.detail, error) : error;
  }
}

async function checkPlain(
  vault: EvidenceVault,
  { digest, kind }: StoredEvidence,
  sizeBytes: number,
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  const check = checkOf(kind, sizeBytes);
  for await (const chunk of content) check.update(chunk);
  if (!sameBytes(check.root(), fromHex(`0x${digest}`))) throw corrupt('it has another digest');
  if (!(check instanceof PackCheck)) return;
  const index = await vault.readMembers(digest);
  if (!index || !sameBytes(index, buildMemberIndex(check.list!))) throw corrupt('its index is not that of the pack');
}

function checkOf(
  kind: StoredEvidence['kind'],
  sizeBytes: number,
): { update(bytes: Uint8Array): void; root(): Uint8Array } {
  if (kind === 'pack') return new PackCheck({ sizeBytes });
  if (kind === 'digests') return new DigestsCheck(sizeBytes);
  const hash = createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), root: () => hash.digest() };
}

/** That a sealed file is as it was written, which needs no key. @throws NotariumError `evidence-corrupt`. */
export async function checkTrailer({ sizeBytes, read }: SealedFile): Promise<void> {
  if (sizeBytes < sealedTrailerBytes) throw corrupt('it is cut short');
  const hash = createHash('sha256');
  for await (const chunk of await read(0, sizeBytes - sealedTrailerBytes)) hash.update(chunk as Uint8Array);
  const trailer = await buffer(await read(sizeBytes - sealedTrailerBytes, sealedTrailerBytes));
  if (!sameBytes(trailer, hash.digest())) throw corrupt('its own checksum is another one');
}

function corrupt(detail: string): NotariumError {
  return new NotariumError('evidence-corrupt', detail);
}
