import { setImmediate } from 'node:timers/promises';
import type { Stream } from '@libp2p/interface';
import { concat } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { encodeFrame, encodeHeader, type Frame } from './frames.ts';
import type { RequestContext } from './requests.ts';
import { sendBytes } from './streamBytes.ts';

// With so much nothing is gained by waiting for more, or by copying it to others.
const gatherBytes = 64 * 1024;

type Sending = { readonly context: RequestContext; readonly name: string };

/**
 * Sends frames and waits until the connection has taken them. Those that are at hand one after the other go together: each time that something is sent
 * costs both ends more than a small frame does.
 * @throws NotariumError `message-too-large`; StreamGone; what the frames themselves throw, after those before it are sent.
 */
export async function sendFrames(stream: Stream, sending: Sending, frames: AsyncIterable<Frame>): Promise<void> {
  const bytes = sending.context.metrics.bytes.labels(sending.name, 'out');
  for await (const together of gathered(encoded(sending, frames))) {
    await sendBytes(stream, together);
    bytes.inc(together.length);
  }
}

async function* encoded({ context, name }: Sending, frames: AsyncIterable<Frame>): AsyncGenerator<Uint8Array> {
  const { frameBytes: want } = context.limits;
  const messages = context.metrics.messages.labels(name, 'out');
  for await (const { kind, payload } of frames) {
    const { length: have } = payload;
    if (have > want) throw new NotariumError('message-too-large', undefined, { data: { have, want } });
    if (have < gatherBytes) yield encodeFrame(kind, payload);
    else {
      yield encodeHeader(kind, have);
      yield payload;
    }
    messages.inc();
  }
}

async function* gathered(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = parts[Symbol.asyncIterator]();
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const take = (): Uint8Array => {
    const all = held.length === 1 ? held[0]! : concat(...held);
    held = [];
    heldBytes = 0;
    return all;
  };
  try {
    for (;;) {
      if (heldBytes >= gatherBytes) yield take();
      const next = outcomeOf(source.next());
      if (heldBytes > 0 && !(await isAtHand(next))) yield take();
      const outcome = await next;
      if ('error' in outcome || outcome.value.done) {
        if (heldBytes > 0) yield take();
        if ('error' in outcome) throw outcome.error;
        return;
      }
      if (heldBytes > 0 && outcome.value.value.length >= gatherBytes) yield take();
      held.push(outcome.value.value);
      heldBytes += outcome.value.value.length;
    }
  } finally {
    await source.return?.();
  }
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

// What it fails with is thrown in its turn, or of no interest any more where the sending has failed before.
function outcomeOf<T>(promise: Promise<T>): Promise<Outcome<T>> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}

/** Whether it comes without waiting for anything outside. */
async function isAtHand(next: Promise<unknown>): Promise<boolean> {
  return await Promise.race([next.then(() => true), setImmediate(false)]);
}
