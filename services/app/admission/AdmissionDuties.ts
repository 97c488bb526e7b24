import { every, type Loop } from '../../lib/every.ts';
import type { GovernanceWorker } from '../governance/GovernanceParts.ts';
import type { ProposalActions } from '../governance/ProposalActions.ts';
import type { AdmissionParts } from './AdmissionParts.ts';
import { StandingWatch } from './StandingWatch.ts';
import { VoteOpener } from './VoteOpener.ts';

const votesMs = 3_000;
const standingsMs = 30_000;

/** What an authenticator does about admission without being asked to. */
export class AdmissionDuties implements GovernanceWorker {
  readonly #parts: AdmissionParts;
  readonly #opener: VoteOpener;
  readonly #standings: StandingWatch;
  readonly #stop = new AbortController();
  #loops: readonly Loop[] = [];

  constructor(
    parts: AdmissionParts,
    { propose, onChange }: { readonly propose: ProposalActions['propose']; readonly onChange: () => void },
  ) {
    this.#parts = parts;
    this.#opener = new VoteOpener(parts, propose);
    this.#standings = new StandingWatch({ ...parts, onChange });
  }

  start(): void {
    const { clock, logger } = this.#parts;
    const options = { signal: this.#stop.signal, logger, clock };
    this.#loops = [
      every(votesMs, (signal) => this.#ifWorking(() => this.#opener.look(signal)), {
        ...options,
        name: 'votes on candidates',
      }),
      every(standingsMs, () => this.#ifWorking(() => this.#standings.look()), {
        ...options,
        name: 'centres below the minimum',
      }),
    ];
  }

  async close(): Promise<void> {
    this.#stop.abort();
    for (const { done } of this.#loops) await done;
    await this.#opener.ended();
  }

  /** Of several processes of this centre, one does it. */
  async #ifWorking(run: () => Promise<void>): Promise<void> {
    if (await this.#parts.notices.lease()) await run();
  }
}
