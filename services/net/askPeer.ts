import { setMaxListeners } from 'node:events';
import type { Stream } from '@libp2p/interface';
import type { Address } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { type Frame, FrameFault } from './frames.ts';
import type { RequestOptions } from './Net.ts';
import { remoteError } from './remoteError.ts';
import { blameFault, framesFrom, type RequestContext } from './requests.ts';
import { sendFrames } from './sendFrames.ts';
import { StreamGone } from './streamBytes.ts';

/** A request to one peer. `openStream` connects first where there is no connection. */
export type Ask = {
  readonly context: RequestContext;
  readonly peer: Address;
  readonly name: string;
  readonly frames: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  readonly options: RequestOptions;
  readonly closing: AbortSignal;
  readonly openStream: (signal: AbortSignal) => Promise<Stream>;
};

/** What the frames of the caller themselves threw, kept apart from all that the network throws. */
class SourceFailure extends Error {}

/** Frames of the answer. @throws NotariumError as `Net.request` says, and whatever the caller's frames throw. */
export async function* askPeer(ask: Ask): AsyncGenerator<Uint8Array> {
  const { context, peer, options, closing } = ask;
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = AbortSignal.any([timeout, closing, ...(options.signal ? [options.signal] : [])]);
  // One listener for each wait under way; a warning would mistake them for a leak.
  setMaxListeners(0, signal);
  try {
    signal.throwIfAborted();
    yield* exchange(ask, signal);
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    if (error instanceof SourceFailure) throw error.cause;
    if (error instanceof NotariumError) throw error;
    if (error instanceof FrameFault) blameFault(context, peer, error);
    throw asPeerError(error, { peer, timedOut: timeout.aborted, options });
  }
}

async function* exchange(ask: Ask, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { context, peer, name } = ask;
  const stream = await ask.openStream(signal);
  const abort = (): void => stream.abort(new Error('the request was aborted'));
  signal.addEventListener('abort', abort);
  let sourceFailure: SourceFailure | undefined;
  let isSent = false;
  // Not awaited: a source that never gives its next frame must not hold up an answer that is complete.
  void sendAll(stream, ask).then(
    () => {
      isSent = true;
    },
    (error: unknown) => {
      // A stream that is gone is for the reader to judge: the peer may have answered without reading all.
      if (error instanceof StreamGone) return;
      sourceFailure = new SourceFailure('the frames to send failed', { cause: error });
      abort();
    },
  );
  let isComplete = false;
  try {
    signal.throwIfAborted();
    for await (const { kind, payload } of framesFrom(stream, { context, peer, name, signal })) {
      if (kind === 'data') yield payload;
      else if (kind === 'error') throw remoteError(payload);
      else if (kind === 'end') isComplete = true;
      else throw new FrameFault('frame-malformed', `a peer does not answer with ${kind}`);
    }
    signal.throwIfAborted();
    if (!isComplete) throw new StreamGone('the stream ended before the answer did');
  } catch (error) {
    throw sourceFailure ?? error;
  } finally {
    signal.removeEventListener('abort', abort);
    if (!isComplete || !isSent) abort();
  }
}

async function sendAll(stream: Stream, ask: Ask): Promise<void> {
  await sendFrames(stream, ask, requestFrames(ask));
  await stream.close().catch((cause: unknown) => {
    throw new StreamGone('the stream is gone', { cause });
  });
}

async function* requestFrames({ frames, options }: Ask): AsyncGenerator<Frame> {
  const timeoutBytes = new Uint8Array(4);
  new DataView(timeoutBytes.buffer).setUint32(0, Math.min(options.timeoutMs, 2 ** 32 - 1));
  yield { kind: 'open', payload: timeoutBytes };
  for await (const payload of frames) yield { kind: 'data', payload };
  yield { kind: 'end', payload: new Uint8Array() };
}

function asPeerError(
  error: unknown,
  { peer, timedOut, options }: { peer: Address; timedOut: boolean; options: RequestOptions },
): NotariumError {
  const more = { data: { peer }, cause: error };
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof FrameFault) return new NotariumError('peer-answer-invalid', message, more);
  if (timedOut) return new NotariumError('peer-timeout', `${options.timeoutMs} ms`, more);
  if (error instanceof Error && error.name === 'UnsupportedProtocolError') {
    return new NotariumError('peer-refused', message, more);
  }
  return new NotariumError('peer-unreachable', message, more);
}
