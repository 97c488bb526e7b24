import { randomBytes } from 'node:crypto';
import type { JoinRequest } from '../../core/admission/joinRequest.ts';
import { type Packet, type PacketOf, seedOf } from '../../core/admission/packet.ts';
import type { Location } from '../../core/admission/report.ts';
import type { SessionAnswer } from '../../core/admission/sessionAnswer.ts';
import { nextSessionState, type SessionEdge, type SessionState } from '../../core/admission/sessionState.ts';
import type { AdmissionRules } from '../../core/governance/proposalContent.ts';
import { randomHash } from '../../lib/randomHash.ts';
import type { SentPacket } from './checkAnswer.ts';
import type { Timed } from './measuredOf.ts';
import type { PlannedPacket } from './planPackets.ts';

/** What a session is about, fixed when it begins. */
export type SessionBasis = {
  readonly request: JoinRequest;
  readonly rules: AdmissionRules;
  /** Canonical bytes. */
  readonly manifest: Uint8Array;
  readonly planned: readonly PlannedPacket[];
  /** Key of the range that the candidate's attempts are counted for. */
  readonly network: string;
  readonly location: Location;
};

/** One challenge of a candidate; see `core/admission/sessionState.ts`. */
export class Session {
  /** Nobody can guess it. */
  readonly name = randomBytes(24).toString('base64url');
  readonly basis: SessionBasis;
  /** Packets that were answered rightly and in time. */
  readonly answered: Timed[] = [];
  #state: SessionState = 'asked';
  #sent: SentPacket;
  #sentMs: number;
  readonly #monotonicMs: () => number;

  constructor(basis: SessionBasis, monotonicMs: () => number) {
    this.basis = basis;
    this.#monotonicMs = monotonicMs;
    this.#sent = this.#next();
    this.#sentMs = monotonicMs();
  }

  get state(): SessionState {
    return this.#state;
  }

  /** The packet that waits for its answer, or whose answer is checked. */
  get sent(): SentPacket {
    return this.#sent;
  }

  /** Whether there is a packet after this one. */
  get hasMore(): boolean {
    return this.#sent.packet.index + 1 < this.basis.planned.length;
  }

  /** When the window of the packet ends, by the counter. */
  get endsMs(): number {
    return this.#sentMs + this.#sent.packet.windowMs;
  }

  /** From when the packet was sent to a moment. */
  elapsedMs(atMs: number): number {
    return atMs - this.#sentMs;
  }

  /** @throws RangeError when the edge does not leave the state. */
  move(edge: SessionEdge): void {
    this.#state = nextSessionState(this.#state, edge);
  }

  /** Goes on to the next packet. */
  ask(): void {
    this.move('ask');
    this.#sent = this.#next();
    this.#sentMs = this.#monotonicMs();
  }

  /** What the candidate is told of the packet. */
  view(): SessionAnswer {
    return { session: this.name, packets: this.basis.planned.length, packet: this.#sent.packet };
  }

  #next(): SentPacket {
    const { planned, manifest, request } = this.basis;
    const index = this.answered.length;
    const packet = { ...planned[index]!, index, nonce: randomHash() } as Packet;
    const seed = seedOf(packet, manifest, request.candidate);
    const before = index > 0 ? this.#sent : undefined;
    if (packet.check !== 'disk-read' || before?.packet.check !== 'disk-write') return { packet, seed };
    return { packet, seed, written: before as SentPacket & { packet: PacketOf<'disk-write'> } };
  }
}
