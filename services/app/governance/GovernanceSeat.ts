import type { Chain } from '../../chain/Chain.ts';
import type { Logger } from '../../lib/logger.ts';
import type { RegistryWatch } from '../RegistryWatch.ts';
import type { GovernanceDesk } from './GovernanceDesk.ts';
import type { OpenGovernance } from './openGovernance.ts';

/** How often a network without a governor is asked for one. */
const lookMs = 10_000;

/** What {@link GovernanceSeat} works with. */
export type GovernanceSeatParts = {
  readonly chain: Pick<Chain, 'committee'>;
  readonly registry: Pick<RegistryWatch, 'onRead'>;
  readonly logger: Logger;
  /** undefined while the network has no governor. */
  readonly open: () => OpenGovernance | undefined;
};

/** Governance of the network, from the moment on when its registry has a governor; once there, that stays. */
export class GovernanceSeat {
  readonly #parts: GovernanceSeatParts;
  #opened: OpenGovernance | undefined;
  #isClosed = false;
  /** On the monotonic counter. */
  #lookedMs = performance.now();

  constructor(parts: GovernanceSeatParts) {
    this.#parts = parts;
  }

  /** undefined while the network has no governor. */
  get desk(): GovernanceDesk | undefined {
    return this.#opened?.desk;
  }

  /** Opens where there is a governor now, else as soon as there is one. */
  take(): void {
    const { registry, chain, logger } = this.#parts;
    this.#open();
    registry.onRead(async () => {
      if (this.#opened || performance.now() - this.#lookedMs < lookMs) return;
      this.#lookedMs = performance.now();
      // Finds it.
      await chain.committee();
      if (this.#open()) logger.info({}, 'the network has a governor now');
    });
  }

  #open(): boolean {
    if (this.#isClosed) return false;
    this.#opened = this.#parts.open();
    this.#opened?.start();
    return this.#opened !== undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#opened?.close();
  }
}
