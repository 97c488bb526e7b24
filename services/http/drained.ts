import type { ServerResponse } from 'node:http';
import { ClientGoneError } from './BodySource.ts';

/**
 * Resolves when the client has taken enough of an answer for more to be written. The socket's own timeout sees progress
 * inside one large write, so a slow client may take as long as it likes while one that takes nothing is cut.
 * @throws ClientGoneError when it is gone, or takes nothing for that long.
 */
export function drained(response: ServerResponse, withinMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const { socket } = response;
    const leave = (): void => {
      socket?.setTimeout(0);
      response.off('drain', onDrain).off('close', onClose);
    };
    const onDrain = (): void => {
      leave();
      resolve();
    };
    const onClose = (): void => {
      leave();
      reject(new ClientGoneError('the client is gone or does not read'));
    };
    response.on('drain', onDrain).on('close', onClose);
    // Nobody listens for 'timeout', so Node destroys the socket then, and the response closes.
    socket?.setTimeout(withinMs);
    if (response.destroyed || !socket) onClose();
  });
}
