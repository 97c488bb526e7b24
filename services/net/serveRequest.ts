import { setMaxListeners } from 'node:events';
import type { Stream, StreamCloseEvent } from '@libp2p/interface';
import type { Address } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { encodeFrame, type Frame, FrameFault } from './frames.ts';
import { penalties } from './limits.ts';
import type { RequestHandler } from './Net.ts';
import { errorPayload } from './remoteError.ts';
import { blameFault, framesFrom, type RequestContext } from './requests.ts';
import { sendFrames } from './sendFrames.ts';
import { readBytes, StreamGone, sendBytes } from './streamBytes.ts';

// Time for the first frame, and for the caller to close its end after the last one: who takes longer is half open.
const handshakeMs = 10_000;
const maxRequestMs = 15 * 60_000;

/** A request as it came in. */
export type Incoming = {
  readonly context: RequestContext;
  readonly stream: Stream;
  readonly peer: Address;
  readonly name: string;
  readonly handler: RequestHandler;
  readonly logger: Logger;
  /** Begins a request if the peer may have one more; what comes back ends it. */
  readonly begin: () => (() => void) | undefined;
};

/** Answers one request; never rejects. */
export async function serveRequest(incoming: Incoming): Promise<void> {
  const { stream, peer, name, logger } = incoming;
  const end = incoming.begin();
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  const abort = (): void => stream.abort(new Error('the request is over'));
  over.signal.addEventListener('abort', abort);
  const onClose = ({ error }: StreamCloseEvent): void => {
    if (error) over.abort(new NotariumError('peer-unreachable', 'the caller is gone', { data: { peer } }));
  };
  stream.addEventListener('close', onClose);
  let timer: NodeJS.Timeout | undefined;
  const giveTime = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => over.abort(new NotariumError('peer-timeout', `${ms} ms`, { data: { peer } })), ms);
  };
  giveTime(handshakeMs);
  try {
    await answer(incoming, { signal: over.signal, giveTime, isBusy: end === undefined }).catch(
      async (error: unknown) => {
        if (over.signal.aborted || error instanceof StreamGone) return;
        if (error instanceof FrameFault) return abort();
        if (!(error instanceof NotariumError)) logger.error({ err: error, peer, protocol: name }, 'a request failed');
        await sendError(stream, error);
      },
    );
    giveTime(handshakeMs);
    await closed(stream);
  } catch (error) {
    logger.debug({ err: error, peer, protocol: name }, 'a request was cut off');
    abort();
  } finally {
    clearTimeout(timer);
    stream.removeEventListener('close', onClose);
    end?.();
  }
}

async function answer(
  incoming: Incoming,
  { signal, giveTime, isBusy }: { signal: AbortSignal; giveTime: (ms: number) => void; isBusy: boolean },
): Promise<void> {
  const { context, stream, peer, name, handler } = incoming;
  const frames = callerFrames(incoming, signal);
  const first = await frames.next();
  if (first.done) throw new StreamGone('the caller ended the stream');
  // Not before the caller's first frame: while its side negotiates the protocol, libp2p loses an answer that has ended.
  if (isBusy) {
    context.blame(peer, 'too-many-requests', penalties.tooManyRequests);
    throw new NotariumError('peer-busy');
  }
  const { payload } = first.value;
  giveTime(Math.min(new DataView(payload.buffer, payload.byteOffset).getUint32(0), maxRequestMs));
  async function* data(): AsyncGenerator<Uint8Array> {
    for await (const frame of frames) {
      if (frame.kind === 'end') return;
      yield frame.payload;
    }
    throw new StreamGone('the caller ended the stream within the request');
  }
  async function* answers(): AsyncGenerator<Frame> {
    for await (const payload of handler(data(), peer, signal)) {
      signal.throwIfAborted();
      yield { kind: 'data', payload };
    }
    signal.throwIfAborted();
    yield { kind: 'end', payload: new Uint8Array() };
  }
  await sendFrames(stream, { context, name }, answers());
}

/** Frames of the caller, in an order that a request can have. */
async function* callerFrames({ context, stream, peer, name }: Incoming, signal: AbortSignal): AsyncGenerator<Frame> {
  let isFirst = true;
  try {
    for await (const frame of framesFrom(stream, { context, peer, name, signal })) {
      const { kind, payload } = frame;
      if (isFirst ? kind !== 'open' || payload.length !== 4 : kind !== 'data' && kind !== 'end') {
        throw new FrameFault('frame-malformed', `${kind} where a request has none`);
      }
      isFirst = false;
      yield frame;
    }
  } catch (error) {
    if (error instanceof FrameFault) blameFault(context, peer, error);
    throw error;
  }
}

async function sendError(stream: Stream, error: unknown): Promise<void> {
  await sendBytes(stream, encodeFrame('error', errorPayload(error)));
}

/** Ends this side, and waits until the caller has ended the other. */
async function closed(stream: Stream): Promise<void> {
  await stream.close();
  if (stream.status !== 'open' && stream.status !== 'closing') return;
  // What the caller still sends is of no interest, but has to be read for its end to be seen.
  for await (const _rest of readBytes(stream));
}
