import type { Address } from '../../core/bytes.ts';
import type { Session } from './Session.ts';

/** Sessions at once, in all and of one network of callers. */
const mostSessions = 16;
const mostOfNetwork = 8;
/** How long a late answer is still told that it is late. */
const lingerMs = 5_000;

/** The sessions under way, in memory: who was interrupted by a restart begins anew. */
export class Sessions {
  readonly #byName = new Map<string, Session>();
  readonly #byCandidate = new Map<Address, Session>();
  readonly #monotonicMs: () => number;
  readonly #onExpired: (session: Session) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `onExpired` is told of each session whose packet was not answered; it has been taken out then. */
  constructor(monotonicMs: () => number, onExpired: (session: Session) => void) {
    this.#monotonicMs = monotonicMs;
    this.#onExpired = onExpired;
  }

  /**
   * Makes room for a session.
   * @returns 0 where there is room, else how many milliseconds from now there may be.
   */
  waitMs(candidate: Address, network: string): number {
    this.#sweep(0);
    const others = [...this.#byName.values()].filter(({ basis }) => basis.request.candidate !== candidate);
    const nowMs = this.#monotonicMs();
    const wait = (all: readonly Session[], most: number): number =>
      all.length < most ? 0 : Math.max(1_000, Math.min(...all.map(({ endsMs }) => endsMs)) - nowMs);
    const ofNetwork = others.filter(({ basis }) => basis.network === network);
    return Math.max(wait(others, mostSessions), wait(ofNetwork, mostOfNetwork));
  }

  /** Takes a session in; that of the same candidate before it ends, and does not count. */
  add(session: Session): void {
    const { candidate } = session.basis.request;
    const before = this.#byCandidate.get(candidate);
    if (before) {
      before.move('replace');
      this.#byName.delete(before.name);
    }
    this.#byName.set(session.name, session);
    this.#byCandidate.set(candidate, session);
    this.#sweepLater();
  }

  find(name: string): Session | undefined {
    return this.#byName.get(name);
  }

  /** The session of a candidate. */
  of(candidate: Address): Session | undefined {
    return this.#byCandidate.get(candidate);
  }

  /** Takes a session out that has ended. */
  remove(session: Session): void {
    this.#byName.delete(session.name);
    const { candidate } = session.basis.request;
    if (this.#byCandidate.get(candidate) === session) this.#byCandidate.delete(candidate);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#byName.clear();
    this.#byCandidate.clear();
  }

  #sweep(afterMs: number): void {
    const nowMs = this.#monotonicMs();
    for (const session of this.#byName.values()) {
      if (session.state !== 'asked' || nowMs <= session.endsMs + afterMs) continue;
      this.remove(session);
      this.#onExpired(session);
    }
  }

  #sweepLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#sweep(lingerMs);
      if (this.#byName.size > 0) this.#sweepLater();
    }, lingerMs).unref();
  }
}
