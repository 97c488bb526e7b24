import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { UploadDesk } from '../../../../services/app/channels/evidence/UploadDesk.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { sendProblem } from '../../../../services/http/answer.ts';
import { mountUploads } from '../../../../services/http/channels/uploads.ts';

/** A server with the routes of uploads and nothing else; the channel is whoever says `Authorization: Channel <its id>`. */
export async function uploadServer(uploads: UploadDesk): Promise<{ url: string; server: Server }> {
  const app = express();
  mountUploads(app, {
    uploads,
    idleMs: 10_000,
    authorize: async ({ headers, params }) => {
      const channelId = headers.authorization?.replace(/^Channel /, '') as Hash | undefined;
      if (channelId === undefined || channelId !== params.id) throw new NotariumError('channel-access-invalid');
      return channelId;
    },
  });
  const answer: express.ErrorRequestHandler = (error: NotariumError, request, response, _next) => {
    if (response.headersSent || response.destroyed) response.destroy();
    else
      sendProblem(
        request,
        response,
        error instanceof NotariumError ? error : new NotariumError('internal', String(error)),
      );
  };
  app.use(answer);
  const server = createServer({ requestTimeout: 0 }, app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}
