import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { type Hash, toHex } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import { hashContent } from '../../../lib/client/content.ts';
import { hashFile } from '../../../lib/hashFile.ts';
import type { Evidence } from './evidence.ts';
import type { FileToSend } from './sendFiles.ts';

/** A content that is hashed and can be read as often as it takes. */
export type Prepared = { readonly file: FileToSend; release(): Promise<void> };

const keepsNothing = async (): Promise<void> => {};

/**
 * Hashes a content; a stream is written to the disk meanwhile, since a broken upload has to be read again.
 * @param spool Folder for streams; made when there is one.
 * @throws NotariumError `file-unreadable`, `file-changed`, `file-unwritable`, `request-invalid`; what the stream throws; the signal's reason.
 */
export async function prepareEvidence(evidence: Evidence, spool: string, signal?: AbortSignal): Promise<Prepared> {
  const { content, name } = evidence;
  if (typeof content === 'string' || content instanceof URL) {
    const path = typeof content === 'string' ? content : fileURLToPath(content);
    const { digest, sizeBytes } = await hashFile(path, signal ? { signal } : {});
    return { file: { name, path, ...placed(evidence, toHex(digest)), sizeBytes }, release: keepsNothing };
  }
  if (content instanceof Uint8Array) {
    const { digest, sizeBytes } = await hashContent(content);
    const place = placed(evidence, toHex(digest));
    return {
      file: { name: name ?? place.digest, path: '', bytes: content, ...place, sizeBytes },
      release: keepsNothing,
    };
  }
  const path = join(spool, randomUUID());
  const release = (): Promise<void> => rm(path, { force: true });
  try {
    const { digest, sizeBytes } = await spooled(content, path, signal);
    return { file: { name: name ?? digest, path, ...placed(evidence, digest), sizeBytes }, release };
  } catch (error) {
    await release();
    throw error;
  }
}

function placed({ receiptPath }: Evidence, digest: Hash): Pick<FileToSend, 'digest' | 'receiptPath'> {
  return { digest, receiptPath: typeof receiptPath === 'function' ? receiptPath(digest) : receiptPath };
}

async function spooled(
  content: AsyncIterable<Uint8Array>,
  path: string,
  signal: AbortSignal | undefined,
): Promise<Pick<FileToSend, 'digest' | 'sizeBytes'>> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const hashed = async function* (): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of content) {
      if (!(chunk instanceof Uint8Array)) throw new NotariumError('request-invalid', 'the stream gives no bytes');
      hash.update(chunk);
      sizeBytes += chunk.length;
      yield chunk;
    }
  };
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  let broken: Error | undefined;
  file.on('error', (error) => {
    broken = error;
  });
  try {
    await pipeline(hashed, file, signal ? { signal } : {});
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause !== broken || cause instanceof NotariumError) throw cause;
    throw new NotariumError('file-unwritable', path, { data: { path }, cause });
  }
  return { digest: toHex(hash.digest()), sizeBytes };
}
