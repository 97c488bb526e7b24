import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';

/** The well-known development credentials of s3rver. */
export const s3Credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };

/** A real S3 server for tests, on loopback, with one bucket. */
export type TestS3 = {
  /** Address of a prefix in the bucket, as `StoreOptions.logUrl` takes it. */
  url(prefix: string): string;
  stop(): Promise<void>;
};

/** Starts a server on a free port. */
export async function testS3(): Promise<TestS3> {
  const directory = await mkdtemp(join(tmpdir(), 'notarium-s3-'));
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    configureBuckets: [{ name: 'notarium', configs: [] }],
  });
  const { port } = (await server.run()) as { port: number };
  const endpoint = encodeURIComponent(`http://127.0.0.1:${port}`);
  return {
    url: (prefix) => `s3://notarium/${prefix}?endpoint=${endpoint}&region=us-east-1`,
    async stop() {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
