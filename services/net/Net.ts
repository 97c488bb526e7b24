import type { Address } from '../core/bytes.ts';

/** A centre as the network sees it. */
export type PeerView = {
  readonly address: Address;
  readonly isConnected: boolean;
  /** 0 is blameless; at {@link NetLimits.cutOffScore} the peer is cut off for {@link NetLimits.cutOffMs}. */
  readonly score: number;
  /** Why it is cut off now. */
  readonly cutOffReason?: string;
};

/** What a gossip handler says of a message: `reject` blames the peer that passed it on, `ignore` blames nobody. */
export type GossipVerdict = 'accept' | 'ignore' | 'reject';

/** Takes a gossip message. `from` is the peer that passed it on, which need not be its author. */
export type GossipHandler = (payload: Uint8Array, from: Address) => Promise<GossipVerdict>;

/**
 * Answers one request: reads the frames of the caller, yields those of the answer, which may not be changed any more: they are not copied. What it throws ends the stream with an
 * error at the caller's side (a NotariumError keeps its code, detail and data). The signal aborts when the caller is gone or out of time.
 */
export type RequestHandler = (
  frames: AsyncIterable<Uint8Array>,
  from: Address,
  signal: AbortSignal,
) => AsyncIterable<Uint8Array>;

/** Options of one request. */
export type RequestOptions = {
  /** Whole time, from dialling to the last frame. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
};

/** Bounds for every peer; each is enforced before the payload is looked at. */
export type NetLimits = {
  /** Bytes of one frame of a request or answer. */
  readonly frameBytes: number;
  /** Bytes of one gossip message; gossipsub silently loses what is over 4 MiB. */
  readonly gossipBytes: number;
  /** Requests that a peer may have open at a time, all protocols together. */
  readonly openRequests: number;
  /** Requests a second, and how many may come at once. */
  readonly requestsPerSecond: number;
  readonly requestBurst: number;
  /** Bytes a second from a peer, and how many may come at once; more makes it wait (back-pressure). */
  readonly bytesPerSecond: number;
  readonly byteBurst: number;
  /** Gossip messages a second from a peer, those on the way from others included, and how many may come at once; more makes it wait. */
  readonly gossipPerSecond: number;
  readonly gossipBurst: number;
  /** Gossip messages of a peer over one topic that are handled or wait for it; more are dropped. */
  readonly gossipQueue: number;
  readonly cutOffScore: number;
  readonly cutOffMs: number;
};

/**
 * Where centres are found: addresses that the gate admits, with the multiaddrs at which each may be dialled (none: it
 * dials us). A multiaddr has to end in the peer id of its centre (`/p2p/…`); others are not dialled, and logged.
 */
export type Directory = ReadonlyMap<Address, readonly string[]>;

/**
 * The network between centres: libp2p over TCP, noise and yamux. A peer's identity is the node's secp256k1 key, so its
 * address follows from its peer id; the gate refuses every address that is not in the directory, before any
 * application byte is read.
 */
export type Net = {
  readonly address: Address;
  readonly peerId: string;
  /** Where it listens, with its peer id. */
  readonly multiaddrs: readonly string[];
  /**
   * Sets who is admitted. Connections of others are closed at once; connections to the rest are kept up in the background
   * (dialled again with a growing pause). May be called at any time.
   */
  setDirectory(directory: Directory): void;
  /** Everybody in the directory but ourselves. */
  peers(): readonly PeerView[];
  /**
   * Calls when a peer has connected (and again after each reconnection). Gossip reaches it a moment later, when it has
   * told its topics.
   */
  onConnect(handler: (peer: Address) => void): void;
  /**
   * Sends to every connected peer that subscribes to the topic. Resolves with the number of peers that it was sent to; 0
   * too for what went over the topic within the last two minutes already. @throws NotariumError `message-too-large`.
   */
  publish(topic: string, payload: Uint8Array): Promise<number>;
  /**
   * One handler for a topic. It is called in the order in which a peer's messages come, for `atOnce` of them at a time; by
   * default each waits until the one before is done with.
   */
  subscribe(topic: string, handler: GossipHandler, atOnce?: number): void;
  /**
   * Opens a stream, sends the frames, which may not be changed any more, and gives those of the answer as they come; reading slowly slows the peer down.
   * Nothing happens before the first frame of the answer is asked for; leaving the loop ends the request.
   * @throws NotariumError `peer-unreachable`, `peer-timeout`, `peer-answer-invalid`, `peer-refused` (it does not serve the
   * protocol), each with data.peer; `message-too-large`; the peer's own error code, `peer-busy` among them; the reason of
   * `options.signal`; what the frames themselves throw.
   */
  request(
    peer: Address,
    protocol: string,
    frames: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    options: RequestOptions,
  ): AsyncIterable<Uint8Array>;
  /** Answers requests of a protocol, such as `/notarium/entries/1`. */
  handle(protocol: string, handler: RequestHandler): void;
  /** Raises a peer's score, and cuts it off where that is too much; said once in the log, counted by reason in a metric. */
  blame(peer: Address, reason: string, points: number): void;
  /** Ends everything; open requests fail. */
  close(): Promise<void>;
};
