import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

/** An object of a bucket. */
export type ObjectPlace = { readonly client: S3Client; readonly bucket: string; readonly key: string };

/** A bucket takes 5 GiB at once, and 10,000 parts of an object. */
export const partBytes = 64 * 1024 * 1024;

/** Moves a file of any size into a bucket, part by part. Nothing is there before all of it is. */
export async function moveLargeFile(path: string, { client, bucket, key }: ObjectPlace): Promise<void> {
  const { size } = await stat(path);
  const place = { Bucket: bucket, Key: key };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(place));
  try {
    const parts: { ETag: string | undefined; PartNumber: number }[] = [];
    for (let start = 0; start < size; start += partBytes) {
      const end = Math.min(size, start + partBytes);
      const PartNumber = parts.length + 1;
      const { ETag } = await client.send(
        new UploadPartCommand({
          ...place,
          UploadId,
          PartNumber,
          Body: createReadStream(path, { start, end: end - 1 }),
          ContentLength: end - start,
        }),
      );
      parts.push({ ETag, PartNumber });
    }
    await client.send(new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts: parts } }));
  } catch (error) {
    // Parts that nobody completes are paid for.
    await client.send(new AbortMultipartUploadCommand({ ...place, UploadId })).catch(() => {});
    throw error;
  }
  await rm(path);
}

/** So many bytes of an object from a place on. */
export async function readObjectRange(
  { client, bucket, key }: ObjectPlace,
  start: number,
  sizeBytes: number,
): Promise<Readable> {
  const Range = `bytes=${start}-${start + sizeBytes - 1}`;
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range }));
  return Body instanceof Readable ? Body : Readable.from([]);
}
