import { defaultSettings } from '../../../../services/app/CentreParts.ts';
import { NoticeWatch, type NoticeWatchParts } from '../../../../services/app/governance/NoticeWatch.ts';
import type { ProposalProjection } from '../../../../services/app/governance/projections.ts';
import { Problems } from '../../../../services/app/Problems.ts';
import { systemClock } from '../../../../services/lib/clock.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import type { Store } from '../../../../services/store/Store.ts';
import { until } from '../../../support/until.ts';
import type { GovernanceKit } from '../../chain/governanceKit.ts';

/** One process that watches notices. */
export type Watching = AsyncDisposable & {
  readonly store: Store;
  readonly watch: NoticeWatch;
  readonly problems: Problems;
  /** Calls of its handler. */
  readonly told: () => number;
};

/** Starts a watch of a kit's chain over a store. */
export function watchNotices(
  kit: Pick<GovernanceKit, 'chain' | 'governance'>,
  store: Store,
  changes: Partial<NoticeWatchParts> & { readonly confirmations?: number } = {},
): Watching {
  const problems = new Problems();
  const { confirmations = 1, ...more } = changes;
  let told = 0;
  const watch = new NoticeWatch({
    chain: kit.chain,
    governance: kit.governance,
    store,
    problems,
    clock: systemClock,
    logger: silentLogger,
    settings: { ...defaultSettings, confirmations, watchMs: 50 },
    isReading: true,
    ...more,
  });
  watch.onNotices(() => {
    told++;
  });
  watch.start();
  return { store, watch, problems, told: () => told, [Symbol.asyncDispose]: () => watch.close() };
}

/** What clients are told: type, and what tells two of a type apart. */
export async function toldEvents(store: Store): Promise<string[]> {
  const events = await store.eventsAfter(0, 10_000);
  return events.map(({ type, data }) =>
    [type, data.voter, data.support, data.decision, data.version, data.state, data.sequence]
      .filter((part) => part !== undefined)
      .join(' '),
  );
}

/** The proposal as the store has it. */
export async function proposalOf(store: Store, proposalId: string): Promise<ProposalProjection | undefined> {
  return (await store.projection(proposalId))?.body as ProposalProjection | undefined;
}

/** Waits until the store has a proposal of which something holds. */
export function untilProposal(
  store: Store,
  proposalId: string,
  holds: (proposal: ProposalProjection) => boolean = () => true,
): Promise<ProposalProjection> {
  return until('the proposal as expected', async () => {
    const proposal = await proposalOf(store, proposalId);
    return proposal !== undefined && holds(proposal) && proposal;
  });
}
