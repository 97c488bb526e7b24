import type { Address } from '../../core/bytes.ts';
import { every, type Loop } from '../../lib/every.ts';
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
    const { logger, clock } = this.#parts;
    this.#loop = every(periodMs, () => this.#refresh(), {
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

  async #refresh(): Promise<void> {
    const { chain, net, signer } = this.#parts;
    const active = (await chain.nodes()).filter(
      ({ status, address }) => status === 'active' && address !== signer.address,
    );
    const connected = new Set(net.peers().flatMap(({ address, isConnected }) => (isConnected ? [address] : [])));
    const directory = (): Map<Address, readonly string[]> =>
      new Map(active.map(({ address }) => [address, this.#given.get(address) ?? this.#found.get(address) ?? []]));
    // Who has been suspended is cut off before anybody is looked up.
    net.setDirectory(directory());
    const missing = active.filter(({ address }) => !connected.has(address) && !this.#given.has(address));
    await Promise.all(
      missing.map(async ({ address, endpoint }) => {
        const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(lookUpMs)]);
        try {
          this.#found.set(address, await lookUpPeer(endpoint, address, signal));
          // At once: the next one may take all its time to say nothing.
          if (!this.#stop.signal.aborted) net.setDirectory(directory());
        } catch (error) {
          this.#parts.logger.debug({ err: error, peer: address }, 'a centre does not say where it listens');
        }
      }),
    );
  }
}
