declare module 's3rver' {
  /** The part of s3rver that the tests use. */
  export default class S3rver {
    constructor(options: {
      port: number;
      address: string;
      silent: boolean;
      directory: string;
      configureBuckets: readonly { name: string; configs: readonly string[] }[];
    });
    run(): Promise<object>;
    close(): Promise<void>;
  }
}
