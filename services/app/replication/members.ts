import type { Address } from '../../core/bytes.ts';
import { every, type Loop } from '../../lib/every.ts';
import { connectedPeers } from '../../net/connectedPeers.ts';
import { lookUpPeer } from '../../net/discover.ts';
import type { ReplicationParts } from './ReplicationParts.ts';

const periodMs = 2_000;
const lookUpMs = 5_000;

/**
 * Keeps the network's directory what the registry says: active centres are admitted, everybody else is cut off. Where a
 * centre listens, it says itself at its endpoint; who it is, its key proves at the connection.
 */
export class Members {
  readonly #parts: ReplicationParts;
  readonly #given: ReadonlyMap<Address, readonly string[]>;
  readonly #found = new Map<Address, readonly string[]>();
  readonly #stop = new AbortController();
  #loop: Loop | undefined;

  /** @param given multiaddrs that the operator has set, which need no look-up. */
  constructor(parts: ReplicationParts, given: ReadonlyMap<Address, readonly string[]>) {
    this.#parts = parts;
    this.#given = given;
  }

  start(): void {
    const { logger, clock, registry } = this.#parts;
    // Who has been suspended is cut off before anybody is looked up.
    this.#setDirectory();
    registry.onRead(() => this.#setDirectory());
    this.#loop = every(periodMs, () => this.#lookUp(), {
      signal: this.#stop.signal,
      logger,
      name: 'members',
      clock,
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop?.done;
  }

  #setDirectory(): void {
    const { registry, net } = this.#parts;
    if (this.#stop.signal.aborted) return;
    net.setDirectory(
      new Map(
        registry
          .others()
          .map(({ address }) => [address, this.#given.get(address) ?? this.#found.get(address) ?? []] as const),
      ),
    );
  }

  async #lookUp(): Promise<void> {
    const { registry, net, logger } = this.#parts;
    const connected = connectedPeers(net);
    const missing = registry.others().filter(({ address }) => !connected.has(address) && !this.#given.has(address));
    await Promise.all(
      missing.map(async ({ address, endpoint }) => {
        const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(lookUpMs)]);
        try {
          this.#found.set(address, await lookUpPeer(endpoint, address, signal));
          // At once: the next one may take all its time to say nothing.
          this.#setDirectory();
        } catch (error) {
          logger.debug({ err: error, peer: address }, 'a centre does not say where it listens');
        }
      }),
    );
  }
}
