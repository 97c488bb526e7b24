import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface';

// Above this the sender has to wait; yamux lets one window (at most maxStreamWindowSize) more through.
const highWaterBytes = 256 * 1024;

/**
 * Bytes of a stream as they are read, with back-pressure. (Iterating over the stream itself, libp2p 3 queues without
 * bound whatever comes while the reader is busy.) Throws when the stream is reset or aborted.
 */
export async function* readBytes(stream: Stream): AsyncGenerator<Uint8Array> {
  const queue: Uint8Array[] = [];
  let queuedBytes = 0;
  let isClosed = stream.status !== 'open' && stream.status !== 'closing';
  let failure: Error | undefined =
    stream.status === 'reset' || stream.status === 'aborted' ? new Error(`the stream was ${stream.status}`) : undefined;
  let isResuming = false;
  let wake = (): void => {};
  const holdBack = (): void => {
    if (queuedBytes >= highWaterBytes && stream.readStatus === 'readable') stream.pause();
  };
  const onMessage = ({ data }: StreamMessageEvent): void => {
    // A list as it is: as one piece all of it would be copied.
    for (const bytes of data instanceof Uint8Array ? [data] : data) queue.push(bytes);
    queuedBytes += data.byteLength;
    // A pause within resume() would be undone by its last step, and the peer told to send on.
    if (!isResuming) holdBack();
    wake();
  };
  const onClose = ({ error }: StreamCloseEvent): void => {
    isClosed = true;
    failure = error;
    wake();
  };
  const onEnd = (): void => wake();
  stream.addEventListener('message', onMessage);
  stream.addEventListener('close', onClose);
  stream.addEventListener('end', onEnd);
  try {
    for (;;) {
      const chunk = queue.shift();
      if (chunk !== undefined) {
        queuedBytes -= chunk.length;
        yield chunk;
        continue;
      }
      if (stream.readStatus === 'paused') {
        isResuming = true;
        stream.resume();
        isResuming = false;
        holdBack();
        if (queue.length > 0) continue;
      }
      if (failure !== undefined) throw failure;
      if (stream.readableEnded || (isClosed && stream.readBufferLength === 0)) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    stream.removeEventListener('message', onMessage);
    stream.removeEventListener('close', onClose);
    stream.removeEventListener('end', onEnd);
  }
}

/** The stream takes no more bytes: the peer, the connection or this side has ended it. */
export class StreamGone extends Error {}

/**
 * Sends bytes, and waits until the connection has taken them all.
 * @throws StreamGone
 */
export async function sendBytes(stream: Stream, bytes: Uint8Array): Promise<void> {
  const gone = (cause?: unknown): StreamGone => new StreamGone(`the stream is ${stream.status}`, { cause });
  if (stream.writeStatus !== 'writable') throw gone();
  try {
    if (stream.send(bytes)) return;
  } catch (error) {
    throw gone(error);
  }
  // Not onDrain(): it remembers the first time that the stream drained, and never waits again.
  await new Promise<void>((resolve, reject) => {
    const finish = (error?: Error): void => {
      stream.removeEventListener('drain', look);
      stream.removeEventListener('idle', look);
      stream.removeEventListener('close', onClose);
      error === undefined ? resolve() : reject(error);
    };
    // The stream sends on in a microtask of its own, which is asked for just before this one.
    const look = (): void =>
      queueMicrotask(() => {
        if (stream.writeBufferLength === 0 && !stream.writableNeedsDrain) finish();
      });
    const onClose = ({ error }: StreamCloseEvent): void => finish(gone(error));
    stream.addEventListener('drain', look);
    stream.addEventListener('idle', look);
    stream.addEventListener('close', onClose);
    if (stream.writeStatus !== 'writable') finish(gone());
    else look();
  });
}
