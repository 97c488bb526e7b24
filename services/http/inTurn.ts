import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What waits for the answer before it on its connection; a connection without an answer under way has none. */
const queues = new WeakMap<Socket, (() => void)[]>();

/**
 * Serves one request of a connection at a time: the next pipelined one when the last answer has left. Node would begin all
 * of them at once and keep their answers for a client that does not read. A client with more than `limit` waiting is cut.
 */
export function inTurn(request: IncomingMessage, response: ServerResponse, limit: number, serve: () => void): void {
  const { socket } = request;
  const begin = (): void => {
    response.on('close', () => next(socket));
    serve();
  };
  const waiting = queues.get(socket);
  if (waiting === undefined) {
    queues.set(socket, []);
    begin();
  } else if (waiting.length < limit) {
    waiting.push(begin);
  } else {
    socket.destroy();
  }
}

function next(socket: Socket): void {
  const begin = socket.destroyed ? undefined : queues.get(socket)?.shift();
  if (begin === undefined) {
    queues.delete(socket);
    return;
  }
  // The answer before may have left the limit of a slow client behind.
  socket.setTimeout(0);
  begin();
}
