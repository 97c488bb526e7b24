import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { aggregateRoot } from '../../../../services/core/aggregate.ts';
import { concat, type Hash, toHex } from '../../../../services/core/bytes.ts';
import { encodePackList } from '../../../../services/core/channels/pack.ts';
import type { UploadDeclaration } from '../../../../services/core/channels/upload.ts';
import { systemClock } from '../../../../services/lib/clock.ts';
import type { EvidenceVault, OpenOptions } from '../../../../services/store/channels/EvidenceVault.ts';
import { Uploads, type UploadsParts } from '../../../../services/store/channels/Uploads.ts';

export const channelA: Hash = toHex(new Uint8Array(32).fill(0xaa));
export const channelB: Hash = toHex(new Uint8Array(32).fill(0xbb));

export function sha256Of(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

/** A pack of contents, and its root. */
export function packOf(contents: readonly Uint8Array[]): { bytes: Uint8Array; digests: Uint8Array; root: Uint8Array } {
  const members = contents.map((content) => ({ digest: sha256Of(content), sizeBytes: content.length }));
  const digests = concat(...members.map(({ digest }) => digest));
  return { bytes: concat(encodePackList(members), ...contents), digests, root: aggregateRoot(digests) };
}

/** So many different contents. */
export function contentsOf(count: number, prefix = 'item'): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => Buffer.from(`${prefix} ${index} ${'x'.repeat(index % 97)}`));
}

export const uploadLimits = {
  uploadBytes: 1 << 30,
  itemCount: 100_000,
  openUploads: 4,
  openBytes: 2 ** 32,
  idleMs: 60_000,
};

export function openUploads(folder: string, more: Partial<UploadsParts> = {}): Promise<Uploads> {
  return Uploads.open({ folder, limits: uploadLimits, clock: systemClock, ...more });
}

export function declare(
  bytes: Uint8Array,
  digest: Uint8Array = sha256Of(bytes),
  kind: UploadDeclaration['kind'] = 'content',
): UploadDeclaration {
  return { kind, digest: toHex(digest), sizeBytes: bytes.length };
}

/** Uploads and takes in; answers the digest. */
export async function put(
  vault: EvidenceVault,
  uploads: Uploads,
  bytes: Uint8Array,
  options: { digest?: Uint8Array; kind?: UploadDeclaration['kind']; key?: Uint8Array } = {},
): Promise<Uint8Array> {
  const declared = declare(bytes, options.digest, options.kind);
  const { id } = await uploads.create(channelA, declared, options.key);
  await uploads.append(channelA, id, 0, [bytes], options.key);
  await uploads.markTaken(id, await vault.take(await uploads.finished(channelA, id)));
  await uploads.forgetTaken(channelA, declared.digest);
  return new Uint8Array(Buffer.from(declared.digest.slice(2), 'hex'));
}

/** A content of the vault, whole; undefined when it is not there. */
export async function read(
  vault: EvidenceVault,
  digest: Uint8Array,
  options?: OpenOptions,
): Promise<Buffer | undefined> {
  const opened = await vault.open(digest, options);
  return opened && buffer(opened.content);
}
