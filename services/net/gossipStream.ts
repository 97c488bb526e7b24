import type { Connection, Stream } from '@libp2p/interface';
import type { Address } from '../core/bytes.ts';
import type { GossipContext } from './GossipContext.ts';
import { penalties } from './limits.ts';
import { readBytes } from './streamBytes.ts';

// Topic, field tags and the control messages that ride along with a message.
const overheadBytes = 64 * 1024;

/**
 * The inbound stream of gossipsub as gossipsub needs it: bytes to iterate over, close, abort. They are slowed down to the
 * bytes and messages that the peer may send, and the size of each RPC is seen as soon as its prefix is there.
 */
export function meteredRpc(
  stream: Stream,
  options: { context: GossipContext; peer: Address; connection: Connection },
): Stream {
  const { context, peer, connection } = options;
  async function* metered(): AsyncGenerator<Uint8Array> {
    const prefixes = new RpcPrefixes(context.limits.gossipBytes + overheadBytes);
    try {
      for await (const chunk of readBytes(stream)) {
        const begun = prefixes.pass(chunk);
        if (begun === undefined) {
          context.blame(peer, 'gossip-too-large', penalties.gossipTooLarge);
          return;
        }
        await context.payBytes(peer, chunk.length, context.closing);
        await context.payMessages(peer, begun, context.closing);
        yield chunk;
      }
    } finally {
      // Gossipsub opens its stream once a connection; without it the peer would be deaf until it reconnects.
      if (connection.status === 'open') connection.abort(new Error('the gossip stream has ended'));
    }
  }
  // No event target: of that, gossipsub would read past the measure.
  return {
    protocol: stream.protocol,
    [Symbol.asyncIterator]: metered,
    close: () => stream.close(),
    abort: (error: Error) => stream.abort(error),
  } satisfies Partial<Stream> as Partial<Stream> as Stream;
}

/** Follows the length prefixes (unsigned varints) of a stream of RPCs. */
class RpcPrefixes {
  readonly #most: number;
  #leftBytes = 0;
  #value = 0;
  #factor = 1;

  constructor(most: number) {
    this.#most = most;
  }

  /** How many RPCs begin in the chunk; undefined when one of them is too large. */
  pass(chunk: Uint8Array): number | undefined {
    let offset = 0;
    let begun = 0;
    while (offset < chunk.length) {
      if (this.#leftBytes > 0) {
        const skipped = Math.min(this.#leftBytes, chunk.length - offset);
        this.#leftBytes -= skipped;
        offset += skipped;
        continue;
      }
      const byte = chunk[offset++]!;
      this.#value += (byte & 0x7f) * this.#factor;
      this.#factor *= 128;
      if (this.#value > this.#most || this.#factor > 2 ** 35) return undefined;
      if (byte < 0x80) {
        begun++;
        this.#leftBytes = this.#value;
        this.#value = 0;
        this.#factor = 1;
      }
    }
    return begun;
  }
}
