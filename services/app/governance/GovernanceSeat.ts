import type { Logger } from '../../lib/logger.ts';
import type { AdmissionDesk } from '../admission/AdmissionDesk.ts';
import type { RegistryWatch } from '../RegistryWatch.ts';
import type { GovernanceDesk } from './GovernanceDesk.ts';
import type { OpenGovernance } from './openGovernance.ts';

/** What {@link GovernanceSeat} works with. */
export type GovernanceSeatParts = {
  readonly registry: Pick<RegistryWatch, 'onRead'>;
  readonly logger: Logger;
  /** undefined while the network has no governor. */
  readonly open: () => OpenGovernance | undefined;
};

/** Governance of the network, from the moment on when its registry has a governor; once there, that stays. */
export class GovernanceSeat {
  readonly #parts: GovernanceSeatParts;
  #opened: OpenGovernance | undefined;

  constructor(parts: GovernanceSeatParts) {
    this.#parts = parts;
  }

  /** undefined while the network has no governor. */
  get desk(): GovernanceDesk | undefined {
    return this.#opened?.desk;
  }

  /** As {@link GovernanceSeat.desk}. */
  get admission(): AdmissionDesk | undefined {
    return this.#opened?.admission;
  }

  /** Opens where there is a governor now, else as soon as there is one. */
  take(): void {
    const { registry, logger } = this.#parts;
    this.#open();
    // What reads the registry finds its governor, too.
    registry.onRead(() => {
      if (!this.#opened && this.#open()) logger.info({}, 'the network has a governor now');
    });
  }

  /** The registry must not be read any more. */
  async close(): Promise<void> {
    await this.#opened?.close();
  }

  #open(): boolean {
    this.#opened = this.#parts.open();
    this.#opened?.start();
    return this.#opened !== undefined;
  }
}
