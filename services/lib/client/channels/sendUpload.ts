import { Readable } from 'node:stream';
import { DetailedError, type FileSource, Upload } from 'tus-js-client';
import { NotariumError } from '../../../core/errors.ts';
import { jsonOrUndefined } from '../../jsonOrUndefined.ts';
import { parseProblem } from '../problem.ts';
import { sendWhole } from './sendWhole.ts';
import type { UploadSource } from './uploadSource.ts';

/** How an upload goes about. */
export type SendUploadOptions = {
  /** Where uploads are created. */
  readonly endpoint: string;
  readonly authorization: () => string;
  /** What is declared of it: kind, digest, name. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Where an earlier process has begun it. */
  readonly uploadUrl?: string | undefined;
  /** It has begun, and goes on there: to be kept, so that another process can resume. */
  readonly onUrl?: ((url: string) => Promise<void> | void) | undefined;
  /** Bytes that were sent beyond those before. */
  readonly onBytes?: ((count: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** What is no larger goes with the request that creates the upload: to send it again costs less than a second request each time. */
const atOnceBytes = 1 << 20;

/** Pauses before the next tries after a broken connection, or while the verifier has no room. */
const retryDelays = [0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000];

/**
 * Uploads by tus (tus.io, version 1.0.0), in constant memory; what breaks off goes on where it stopped.
 * @returns Id of the upload: the last part of its URL.
 * @throws NotariumError the code of the verifier's problem, `server-unreachable`; those of the source; the signal's reason.
 */
export async function sendUpload(source: UploadSource, options: SendUploadOptions): Promise<string> {
  const { signal, uploadUrl, onUrl, onBytes } = options;
  if (uploadUrl === undefined && isWhole(source)) {
    const url = await sendWhole(source, options);
    if (url !== undefined) {
      onBytes?.(source.sizeBytes);
      await onUrl?.(url);
      return idOf(url);
    }
  }
  try {
    return await run(source, options);
  } catch (error) {
    // The verifier has forgotten it: from the beginning.
    if (uploadUrl === undefined || !(error instanceof NotariumError) || error.code !== 'upload-unknown') throw error;
    signal?.throwIfAborted();
    return await run(source, { ...options, uploadUrl: undefined });
  }
}

async function run(source: UploadSource, options: SendUploadOptions): Promise<string> {
  const { endpoint, authorization, metadata, uploadUrl, onUrl, onBytes, signal } = options;
  let kept: Promise<void> | undefined;
  const url = await new Promise<string>((resolve, reject) => {
    signal?.throwIfAborted();
    let sentBytes = 0;
    const stop = (): void => void upload.abort().then(() => reject(signal!.reason), reject);
    // What the source throws: tus would take it for a broken connection, and try again.
    const fail = (error: unknown): void => {
      signal?.removeEventListener('abort', stop);
      reject(error);
      void upload.abort();
    };
    const upload = new Upload(source as never, {
      endpoint,
      metadata,
      ...(uploadUrl === undefined ? {} : { uploadUrl }),
      uploadSize: source.sizeBytes,
      // One request for all that is left: pieces would only add round trips.
      chunkSize: Number.POSITIVE_INFINITY,
      uploadDataDuringCreation: isWhole(source),
      retryDelays,
      storeFingerprintForResuming: false,
      fileReader: {
        openFile: async () => sourceOf(source, fail),
      },
      onBeforeRequest: (request) => request.setHeader('Authorization', authorization()),
      onShouldRetry: isWorthRetry,
      onUploadUrlAvailable: () => {
        kept = Promise.resolve(onUrl?.(upload.url!));
        kept.catch(reject);
      },
      onProgress(bytes) {
        // After a break it counts from what the verifier has.
        if (bytes > sentBytes) onBytes?.(bytes - sentBytes);
        sentBytes = Math.max(sentBytes, bytes);
      },
      onSuccess: () => {
        signal?.removeEventListener('abort', stop);
        resolve(upload.url!);
      },
      onError(error) {
        signal?.removeEventListener('abort', stop);
        reject(errorOf(error, endpoint));
      },
    });
    signal?.addEventListener('abort', stop, { once: true });
    upload.start();
  });
  await kept;
  return idOf(new URL(url, endpoint).href);
}

/** Whether all of it goes with the request that creates the upload. */
function isWhole({ sizeBytes }: UploadSource): boolean {
  return sizeBytes > 0 && sizeBytes <= atOnceBytes;
}

/** The last part of its URL. */
function idOf(url: string): string {
  return new URL(url).pathname.split('/').at(-1)!;
}

function sourceOf(source: UploadSource, onError: (error: unknown) => void): FileSource {
  return {
    size: source.sizeBytes,
    async slice(start) {
      const value = Readable.from(source.read(start), { objectMode: false }).on('error', onError);
      // tus wants to know it beforehand, and declares it to the verifier.
      return { value: Object.assign(value, { size: source.sizeBytes - start }), done: true };
    },
    close() {},
  };
}

function isWorthRetry(error: Error): boolean {
  const { originalResponse: response } = error as DetailedError;
  if (!response) return true;
  const status = response.getStatus();
  // 409 and 423: another request is at the upload still, the one that broke off.
  if (status === 409 || status === 423) return true;
  // Of a proxy's page the status alone tells what happened.
  return parseProblem(jsonOrUndefined(response.getBody()), status).retry;
}

function errorOf(error: Error, url: string): Error {
  const response = error instanceof DetailedError ? error.originalResponse : undefined;
  if (response) return parseProblem(jsonOrUndefined(response.getBody()), response.getStatus()).error;
  return new NotariumError('server-unreachable', url, { cause: error, data: { url } });
}
