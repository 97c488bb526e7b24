import type { Stream } from '@libp2p/interface';
import type { Address } from '../core/bytes.ts';
import { type Frame, type FrameFault, readFrames } from './frames.ts';
import { penalties } from './limits.ts';
import type { NetLimits } from './Net.ts';
import type { NetMetrics } from './netMetrics.ts';
import { readBytes } from './streamBytes.ts';

/** What both ends of a request need of the network. */
export type RequestContext = {
  readonly limits: NetLimits;
  readonly metrics: NetMetrics;
  /** Waits until the peer may send more. */
  readonly payBytes: (peer: Address, count: number, signal: AbortSignal) => Promise<void>;
  readonly blame: (peer: Address, reason: string, points: number) => void;
};

/** Frames from a peer, counted and slowed down to what it may send. @throws FrameFault, for which the caller blames. */
export async function* framesFrom(
  stream: Stream,
  options: { context: RequestContext; peer: Address; name: string; signal: AbortSignal },
): AsyncGenerator<Frame> {
  const { context, peer, name, signal } = options;
  const bytes = context.metrics.bytes.labels(name, 'in');
  const messages = context.metrics.messages.labels(name, 'in');
  async function* metered(): AsyncGenerator<Uint8Array> {
    for await (const chunk of readBytes(stream)) {
      bytes.inc(chunk.length);
      await context.payBytes(peer, chunk.length, signal);
      yield chunk;
    }
  }
  for await (const frame of readFrames(metered(), context.limits.frameBytes)) {
    messages.inc();
    yield frame;
  }
}

/** Blames a peer for a frame that it can only have sent by a fault of its own. */
export function blameFault(context: RequestContext, peer: Address, fault: FrameFault): void {
  const points = fault.reason === 'frame-too-large' ? penalties.frameTooLarge : penalties.frameMalformed;
  context.blame(peer, fault.reason, points);
}
