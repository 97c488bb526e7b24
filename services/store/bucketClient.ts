import { S3Client } from '@aws-sdk/client-s3';
import type { S3Credentials } from './Store.ts';

/** A client for buckets. This file is read only when there is one: its package is the largest of all here. */
export function bucketClient(options: {
  readonly region: string;
  readonly endpoint: string | null;
  readonly credentials: S3Credentials | undefined;
}): S3Client {
  const { region, endpoint, credentials } = options;
  return new S3Client({
    region,
    ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
    ...(credentials ? { credentials: { ...credentials } } : {}),
    // Compatible services lag behind with the newer checksum headers.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}
