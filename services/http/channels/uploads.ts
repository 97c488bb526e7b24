import { AsyncLocalStorage } from 'node:async_hooks';
import type { Readable } from 'node:stream';
import { DataStore, Server, Upload } from '@tus/server';
import type { Request, RequestHandler, Router } from 'express';
import type { UploadDesk } from '../../app/channels/evidence/UploadDesk.ts';
import { fromHex, type Hash, isHex } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { checkTusHeaders } from './tusHeaders.ts';
import { uploadError } from './uploadError.ts';
import { declarationOf, metadataOf } from './uploadMetadata.ts';
import { isWholeUpload, takeWholeUpload, uploadContentType } from './wholeUpload.ts';

/** Who uploads: a channel whose requester was checked, and the key that content is encrypted with. */
type Uploader = {
  readonly channelId: Hash;
  readonly key: Uint8Array | undefined;
  /** The request has content with it. */
  readonly hasContent: boolean;
};

/** What the routes of uploads work with. */
export type UploadRoutes = {
  readonly uploads: UploadDesk;
  /** Checks that the request comes from the requester of the channel in its path. @throws NotariumError `channel-access-invalid`, `channel-unknown`. */
  readonly authorize: (request: Request) => Promise<Hash>;
  /** Longest time without a byte of a small body, which is awaited whole. */
  readonly idleMs: number;
};

/** Header with the content key: 32 bytes in hexadecimal. */
export const contentKeyHeader = 'evidence-key';

/** Path of a channel's uploads, as Express writes it. */
const uploadsPath = '/v1/channels/:id/uploads';

/**
 * Resumable uploads of a channel, tus 1.0 (https://tus.io/protocols/resumable-upload) with creation, creation-with-upload,
 * termination and expiration. Errors go to the app's own handler, with the status that tus asks for.
 */
export function mountUploads(
  app: Pick<Router, 'options' | 'post' | 'head' | 'patch' | 'delete'>,
  routes: UploadRoutes,
): void {
  const uploader = new AsyncLocalStorage<Uploader>();
  const server = tusServer(routes.uploads, () => uploader.getStore()!);
  const open: RequestHandler = (request, response) => server.handle(request, response);
  const checked: RequestHandler = async (request, response) => {
    const channelId = await routes.authorize(request);
    checkTusHeaders(request, response);
    const key = contentKeyOf(request.headers[contentKeyHeader]);
    const hasContent = request.headers['content-type'] === uploadContentType;
    await uploader.run({ channelId, key, hasContent }, () => server.handle(request, response));
  };
  app.options(uploadsPath, open);
  app.options(`${uploadsPath}/:upload`, open);
  app.post(uploadsPath, async (request, response, next) => {
    if (!isWholeUpload(request)) {
      await checked(request, response, next);
      return;
    }
    const channelId = await routes.authorize(request);
    const key = contentKeyOf(request.headers[contentKeyHeader]);
    await takeWholeUpload(routes.uploads, { channelId, key }, request, response, routes);
  });
  app.head(`${uploadsPath}/:upload`, checked);
  app.patch(`${uploadsPath}/:upload`, checked);
  app.delete(`${uploadsPath}/:upload`, checked);
}

/**
 * The content key of a request; undefined where there is none.
 * @throws NotariumError `request-invalid`.
 */
export function contentKeyOf(header: string | string[] | undefined): Uint8Array | undefined {
  if (header === undefined) return undefined;
  if (!isHex(header, 32))
    throw new NotariumError('request-invalid', 'Evidence-Key is not 0x and 64 hexadecimal digits');
  return fromHex(header);
}

function tusServer(uploads: UploadDesk, uploader: () => Uploader): Server {
  return new Server({
    path: '/uploads',
    datastore: new UploadStore(uploads, uploader),
    maxSize: uploads.limits.uploadBytes,
    generateUrl: (_request, { id }) => `/v1/channels/${uploader().channelId}/uploads/${id}`,
    getFileIdFromRequest: (_request, last) => (last !== undefined && /^[0-9a-f]{32}$/.test(last) ? last : undefined),
    // Programs upload, not pages of other sites.
    allowedOrigins: () => false,
    onResponseError: (_request, error) => {
      throw uploadError(error);
    },
  });
}

/** Uploads of channels as tus sees them. */
class UploadStore extends DataStore {
  override extensions = ['creation', 'creation-with-upload', 'termination', 'expiration'];
  readonly #uploads: UploadDesk;
  readonly #uploader: () => Uploader;

  constructor(uploads: UploadDesk, uploader: () => Uploader) {
    super();
    this.#uploads = uploads;
    this.#uploader = uploader;
  }

  override async create(upload: Upload): Promise<Upload> {
    const { channelId, key, hasContent } = this.#uploader();
    const declared = declarationOf(upload.metadata, upload.size);
    const info = await this.#uploads.create(channelId, declared, key, hasContent);
    upload.id = info.id;
    return upload;
  }

  override write(stream: Readable, id: string, offset: number): Promise<number> {
    const { channelId, key } = this.#uploader();
    return this.#uploads.append(channelId, id, offset, stream, key);
  }

  override async getUpload(id: string): Promise<Upload> {
    const { channelId, key } = this.#uploader();
    const { info, lastMs } = this.#uploads.find(channelId, id);
    const { declared } = info;
    return new Upload({
      id,
      size: declared.sizeBytes,
      offset: await this.#uploads.offset(channelId, id, key),
      metadata: metadataOf(declared),
      // tus counts the time from here; ours begins anew with each piece.
      creation_date: new Date(lastMs).toISOString(),
    });
  }

  override remove(id: string): Promise<void> {
    return this.#uploads.remove(this.#uploader().channelId, id);
  }

  override getExpiration(): number {
    return this.#uploads.limits.idleMs;
  }
}
