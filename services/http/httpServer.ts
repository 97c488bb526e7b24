import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Centre } from '../app/Centre.ts';
import type { ChannelDesk } from '../app/channels/ChannelDesk.ts';
import { type ErrorCode, errorTable, NotariumError, toProblem } from '../core/errors.ts';
import type { HttpOptions } from './HttpOptions.ts';
import { createHttpApp, createVerifierApp, type HttpApp } from './httpApp.ts';
import { type Listening, listen } from './listen.ts';

/** A centre or verifier that listens. */
export type HttpServer = HttpApp & {
  readonly server: Server;
  readonly host: string;
  readonly port: number;
  /** `http://host:port` */
  readonly url: string;
  /**
   * Stops: no new connections, event streams and waits end, requests under way are answered. Uploads get half of the time
   * to end by themselves. Resolves with the number of connections that had to be cut; the second call waits for the first.
   */
  stop(): Promise<{ cutConnections: number }>;
};

/**
 * Serves a centre over HTTP.
 * @throws NotariumError `port-taken`, `config-invalid`.
 */
export async function startHttpServer(centre: Centre, options: HttpOptions = {}): Promise<HttpServer> {
  return await serve(createHttpApp(centre, options), options);
}

/**
 * Serves a verifier of evidence that is no module of a centre.
 * @throws NotariumError `port-taken`, `config-invalid`.
 */
export async function startVerifierServer(channels: ChannelDesk, options: HttpOptions = {}): Promise<HttpServer> {
  return await serve(createVerifierApp(channels, options), options);
}

async function serve(http: HttpApp, options: HttpOptions): Promise<HttpServer> {
  const { host = '127.0.0.1', port = 8080, stopMs = 10_000 } = options;
  const { lifetime, limits } = http.context;
  const server = createServer(
    {
      // Bodies have an idle limit of their own: a batch may take as long as bytes keep coming.
      requestTimeout: 0,
      headersTimeout: limits.headersMs,
      connectionsCheckingInterval: Math.min(5_000, limits.headersMs),
      // Longer than the usual 60 s of proxies, which must be the ones to close.
      keepAliveTimeout: 72_000,
    },
    http.app,
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    answerBadRequest(error, socket as Socket, lifetime.underWay);
  });
  const unused = unusedSockets(server);
  let listening: Listening;
  try {
    listening = await listen(server, host, port);
  } catch (error) {
    http.close();
    throw error;
  }
  let stopped: Promise<{ cutConnections: number }> | undefined;
  return {
    ...http,
    server,
    host,
    ...listening,
    stop() {
      stopped ??= stopServer(server, http, unused, stopMs);
      return stopped;
    },
  };
}

/** Connections that have not brought a request yet: Node counts them neither as idle nor as under way. */
function unusedSockets(server: Server): ReadonlySet<Socket> {
  const unused = new Set<Socket>();
  server.on('connection', (socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', ({ socket }) => unused.delete(socket));
  return unused;
}

async function stopServer(
  server: Server,
  http: HttpApp,
  unused: ReadonlySet<Socket>,
  stopMs: number,
): Promise<{ cutConnections: number }> {
  const { lifetime } = http.context;
  let cutConnections = 0;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  lifetime.stop();
  const cutUploads = setTimeout(() => lifetime.cut(), stopMs / 2);
  const cutAll = setTimeout(() => {
    server.getConnections((_error, count) => {
      cutConnections = count;
      server.closeAllConnections();
    });
  }, stopMs);
  // A connection whose answer promised keep-alive before the stop is idle after it, and nobody else would close it.
  const closeIdle = setInterval(() => {
    server.closeIdleConnections();
    for (const socket of unused) socket.destroy();
  }, 50);
  await closed;
  clearTimeout(cutUploads);
  clearTimeout(cutAll);
  clearInterval(closeIdle);
  http.close();
  return { cutConnections };
}

/** Answers what Node could not read as HTTP, unless an answer is on its way on that connection. */
function answerBadRequest(
  error: NodeJS.ErrnoException,
  socket: Socket,
  underWay: ReadonlySet<{ socket: Socket | null; headersSent: boolean }>,
): void {
  const isAnswering = [...underWay].some((response) => response.socket === socket && response.headersSent);
  if (!socket.writable || isAnswering || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const code = codeOf(error);
  const body = JSON.stringify(toProblem(new NotariumError(code)));
  const { status } = errorTable[code];
  socket.end(
    `HTTP/1.1 ${status} ${status === 408 ? 'Request Timeout' : 'Bad Request'}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function codeOf(error: NodeJS.ErrnoException): ErrorCode {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request-timeout';
  return error.code === 'HPE_HEADER_OVERFLOW' ? 'request-too-large' : 'request-invalid';
}
