import type { Connection, PeerId } from '@libp2p/interface';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import type { Libp2p } from 'libp2p';
import type { Address } from '../core/bytes.ts';
import type { Clock } from '../lib/clock.ts';
import { every } from '../lib/every.ts';
import type { Logger } from '../lib/logger.ts';
import { addressOfMultiaddr, addressOfPeer } from './identity.ts';
import type { Directory } from './Net.ts';
import type { NetMetrics } from './netMetrics.ts';

const firstPauseMs = 250;
const maxPauseMs = 30_000;
const lookMs = 200;
const dialMs = 10_000;
// The one with the greater address lets the other dial first: two dials that cross make two connections.
const courtesyMs = 500;
// A peer that takes the connection but does not speak the protocols of this network belongs to another one.
const introductionMs = 5_000;
// Dials that cross end about the same time; a second connection later than this means that the first is dead.
const crossingMs = 5_000;

type Member = {
  /** As the directory gave them. */
  texts: readonly string[];
  multiaddrs: readonly Multiaddr[];
  /** Each with the timer that waits for its introduction. */
  readonly connections: Map<Connection, NodeJS.Timeout>;
  isConnected: boolean;
  isDialling: boolean;
  pauseMs: number;
  nextDialMs: number;
};

/** Who is admitted, and the connections to them: kept up from this side wherever the directory has a multiaddr. */
export class Connections {
  readonly #members = new Map<Address, Member>();
  /** Addresses by peer id of those that have connected: to compute one takes as long as to check a signature. */
  readonly #addresses = new Map<string, Address>();
  readonly #own: Address;
  readonly #isCutOff: (peer: Address) => boolean;
  readonly #onConnect: (peer: Address) => void;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics: NetMetrics;
  #node: Libp2p | undefined;

  constructor(options: {
    own: Address;
    isCutOff: (peer: Address) => boolean;
    onConnect: (peer: Address) => void;
    clock: Clock;
    logger: Logger;
    metrics: NetMetrics;
  }) {
    this.#own = options.own;
    this.#isCutOff = options.isCutOff;
    this.#onConnect = options.onConnect;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#metrics = options.metrics;
  }

  /** Keeps the connections up until the signal aborts; resolves after that. */
  async keepUp(node: Libp2p, signal: AbortSignal): Promise<void> {
    this.#node = node;
    node.addEventListener('connection:open', ({ detail }) => this.#onOpen(detail));
    node.addEventListener('connection:close', ({ detail }) => this.#onClose(detail));
    node.addEventListener('peer:identify', ({ detail }) => this.#onIntroduced(detail.connection));
    const { done } = every(lookMs, async () => this.#dialMissing(node, signal), {
      signal,
      logger: this.#logger,
      name: 'net-keep-up',
      clock: this.#clock,
    });
    await done;
  }

  setDirectory(directory: Directory): void {
    for (const [peer, member] of this.#members) {
      if (directory.has(peer)) continue;
      this.disconnect(peer, 'removed');
      for (const timer of member.connections.values()) clearTimeout(timer);
      this.#setDisconnected(peer, member);
      this.#members.delete(peer);
      for (const [id, address] of this.#addresses) if (address === peer) this.#addresses.delete(id);
    }
    for (const [peer, texts] of directory) {
      if (peer === this.#own) continue;
      let member = this.#members.get(peer);
      if (member === undefined) {
        member = newMember();
        this.#members.set(peer, member);
      }
      if (String(member.texts) !== String(texts)) this.#move(peer, member, texts);
    }
  }

  has(peer: Address): boolean {
    return this.#members.has(peer);
  }

  /** Address of a member that has connected. */
  addressOf(peerId: PeerId): Address | undefined {
    return this.#addresses.get(peerId.toString());
  }

  peers(): Address[] {
    return [...this.#members.keys()];
  }

  isConnected(peer: Address): boolean {
    return this.#members.get(peer)?.isConnected ?? false;
  }

  /**
   * An open connection, dialled now where there is none.
   * @throws Error when there is no way to the peer.
   */
  async to(peer: Address, signal: AbortSignal): Promise<Connection> {
    const member = this.#members.get(peer);
    if (member === undefined) throw new Error('it is not in the directory');
    if (this.#isCutOff(peer)) throw new Error('it is cut off');
    for (const connection of member.connections.keys()) if (connection.status === 'open') return connection;
    if (member.multiaddrs.length === 0)
      throw new Error('it has not connected, and the directory says no place to dial');
    return this.#node!.dial([...member.multiaddrs], { signal });
  }

  /** Closes all connections to a peer at once, with whatever goes over them. */
  disconnect(peer: Address, reason: string): void {
    const member = this.#members.get(peer);
    if (member === undefined) return;
    if (member.connections.size > 0) this.#metrics.refused.inc({ reason });
    // No farewell: that would wait for the peer.
    for (const connection of member.connections.keys()) connection.abort(new Error(reason));
  }

  #move(peer: Address, member: Member, texts: readonly string[]): void {
    // Others would be dialled in vain: the gate compares the peer id with the directory.
    const right = texts.filter((text) => addressOfMultiaddr(text) === peer);
    if (right.length < texts.length) {
      this.#logger.warn({ peer, multiaddrs: texts }, 'multiaddrs without the peer id of their centre are not dialled');
    }
    member.texts = texts;
    member.multiaddrs = right.map((text) => multiaddr(text));
    member.pauseMs = firstPauseMs;
    member.nextDialMs = this.#clock.nowMs() + this.#courtesyMs(peer);
  }

  #courtesyMs(peer: Address): number {
    return this.#own < peer ? 0 : courtesyMs;
  }

  #dialMissing(node: Libp2p, signal: AbortSignal): void {
    const nowMs = this.#clock.nowMs();
    for (const [peer, member] of this.#members) {
      if (member.connections.size > 0 || member.isDialling || member.multiaddrs.length === 0) continue;
      if (nowMs < member.nextDialMs || this.#isCutOff(peer)) continue;
      // Grows until the peer has introduced itself: one that takes connections and closes them must not be hammered.
      member.nextDialMs = nowMs + member.pauseMs * (0.5 + Math.random() / 2);
      member.pauseMs = Math.min(2 * member.pauseMs, maxPauseMs);
      member.isDialling = true;
      node
        .dial([...member.multiaddrs], { signal: AbortSignal.any([signal, AbortSignal.timeout(dialMs)]) })
        .catch((error: unknown) => this.#logger.debug({ err: error, peer }, 'a peer cannot be dialled'))
        .finally(() => {
          member.isDialling = false;
        });
    }
  }

  #onOpen(connection: Connection): void {
    const peer = addressOfPeer(connection.remotePeer);
    const member = peer && this.#members.get(peer);
    // Between the gate and here the directory may have changed.
    if (member === undefined || this.#isCutOff(peer!)) {
      connection.abort(new Error('not admitted'));
      return;
    }
    this.#addresses.set(connection.remotePeer.toString(), peer!);
    const oldest = Math.min(...[...member.connections.keys()].map(({ timeline }) => timeline.open));
    const timer = setTimeout(() => {
      this.#metrics.refused.inc({ reason: 'not-introduced' });
      this.#logger.warn({ peer }, 'peer does not speak the protocols of this network');
      connection.abort(new Error('not introduced'));
    }, introductionMs);
    timer.unref();
    member.connections.set(connection, timer);
    if (member.connections.size > 2 || connection.timeline.open - oldest > crossingMs) {
      // The peer has lost what this side believes to be open. Gossip stays on the dead one unless all begins anew.
      this.disconnect(peer!, 'connected-again');
    }
  }

  #onIntroduced(connection: Connection): void {
    const peer = this.addressOf(connection.remotePeer);
    const member = peer && this.#members.get(peer);
    if (!member?.connections.has(connection)) return;
    clearTimeout(member.connections.get(connection));
    if (member.isConnected) return;
    member.isConnected = true;
    member.pauseMs = firstPauseMs;
    this.#metrics.connectedPeers.inc();
    this.#logger.info({ peer }, 'peer connected');
    this.#onConnect(peer!);
  }

  #onClose(connection: Connection): void {
    const peer = this.addressOf(connection.remotePeer);
    const member = peer && this.#members.get(peer);
    if (!member?.connections.has(connection)) return;
    clearTimeout(member.connections.get(connection));
    member.connections.delete(connection);
    // Gossip may have gone over this one; the others do not take it over.
    for (const other of member.connections.keys()) other.abort(new Error('another connection was closed'));
    member.nextDialMs = Math.max(member.nextDialMs, this.#clock.nowMs() + this.#courtesyMs(peer!));
    this.#setDisconnected(peer!, member);
  }

  #setDisconnected(peer: Address, member: Member): void {
    if (!member.isConnected) return;
    member.isConnected = false;
    this.#metrics.connectedPeers.dec();
    this.#logger.info({ peer }, 'peer disconnected');
  }
}

function newMember(): Member {
  return {
    texts: [],
    multiaddrs: [],
    connections: new Map(),
    isConnected: false,
    isDialling: false,
    pauseMs: firstPauseMs,
    nextDialMs: 0,
  };
}
