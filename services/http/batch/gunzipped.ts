import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { NotariumError } from '../../core/errors.ts';

/** Below this size a high ratio is no threat, and a body of blank lines may have it honestly. */
const freeBytes = 1024 * 1024;

/**
 * Decompressed chunks of a gzip body.
 * @throws NotariumError `request-too-large` when it swells beyond the ratio, `request-invalid` when it is damaged; what the
 *   source throws.
 */
export async function* gunzipped(source: AsyncIterable<Buffer>, maxRatio: number): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 64 * 1024 });
  let encodedBytes = 0;
  let sourceError: unknown;
  const counted = async function* (): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of source) {
        encodedBytes += chunk.length;
        yield chunk;
      }
    } catch (error) {
      sourceError = error;
      throw error;
    }
  };
  // Errors come out of the loop below.
  pipeline(counted, gunzip, () => {});
  let decodedBytes = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      decodedBytes += chunk.length;
      if (decodedBytes > freeBytes && decodedBytes > maxRatio * encodedBytes) {
        throw new NotariumError('request-too-large', `compressed more than ${maxRatio} times`, {
          data: { want: maxRatio },
        });
      }
      yield chunk;
    }
  } catch (error) {
    if (sourceError !== undefined) throw sourceError;
    if (error instanceof NotariumError) throw error;
    throw new NotariumError('request-invalid', 'the gzip data is damaged', { cause: error });
  } finally {
    gunzip.destroy();
  }
}
