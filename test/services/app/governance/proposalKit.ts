import { defaultSettings } from '../../../../services/app/CentreParts.ts';
import type { GovernanceParts } from '../../../../services/app/governance/GovernanceParts.ts';
import { NoticeWatch } from '../../../../services/app/governance/NoticeWatch.ts';
import { openContents, serveContents } from '../../../../services/app/governance/openContents.ts';
import { openProposals } from '../../../../services/app/governance/openProposals.ts';
import type { ProposalActions } from '../../../../services/app/governance/ProposalActions.ts';
import type { ProposalProjection } from '../../../../services/app/governance/projections.ts';
import { Intake } from '../../../../services/app/Intake.ts';
import { IntakeWorkers } from '../../../../services/app/IntakeWorkers.ts';
import { createMetrics } from '../../../../services/app/metrics.ts';
import { Problems } from '../../../../services/app/Problems.ts';
import { RegistryWatch } from '../../../../services/app/RegistryWatch.ts';
import type { Governance } from '../../../../services/chain/Governance.ts';
import type { Address } from '../../../../services/core/bytes.ts';
import { networkName } from '../../../../services/core/eip712.ts';
import type { ProposalKind } from '../../../../services/core/governance/names.ts';
import type { Rule } from '../../../../services/core/governance/proposalContent.ts';
import type { ProposalId } from '../../../../services/core/governance/signing.ts';
import { type Clock, systemClock } from '../../../../services/lib/clock.ts';
import { localSigner } from '../../../../services/lib/localSigner.ts';
import type { NetLimits } from '../../../../services/net/Net.ts';
import type { Store } from '../../../../services/store/Store.ts';
import { devAddress, devKey } from '../../../support/chains.ts';
import { crypto } from '../../chain/chainKit.ts';
import { type GovernanceKit, governanceKit } from '../../chain/governanceKit.ts';
import { closeNets, connect, type LogLine, type TestNet, testNet } from '../../net/netKit.ts';
import { storePlace } from '../../store/storePlace.ts';
import { untilProposal } from './noticeKit.ts';

/** One centre of {@link ProposalKit}: development account `place` with a store and, where asked for, a net of its own. */
export type KitCentre = {
  readonly parts: GovernanceParts;
  readonly actions: ProposalActions;
  readonly store: Store;
  readonly governance: Governance;
  readonly log: readonly LogLine[];
  /** Waits until the proposal is there, and something holds of it. */
  confirmed(id: ProposalId, holds?: (proposal: ProposalProjection) => boolean): Promise<ProposalProjection>;
  /** What it does by itself, as it would after a restart. */
  startDuties(): void;
};

/** Development accounts 0 to 3 as centres on a fresh deployment. */
export type ProposalKit = GovernanceKit & {
  readonly centres: readonly KitCentre[];
  dispose(): Promise<void>;
};

/** Sleeps a tenth as long: duties come ten times as often. */
export const quickClock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 10, signal) };

/** Centres with real stores, real intake, a real chain and real sockets: all but what has to do with blocks. */
export async function proposalKit(
  rpcUrl: string,
  options: {
    rules?: Partial<Record<ProposalKind, Partial<Rule>>>;
    /** Members beside the four. */
    more?: readonly Address[];
    centres?: number;
    nets?: boolean;
    limits?: Partial<NetLimits>;
    dutyStepMs?: number;
    autoExecute?: boolean;
    /** {@link quickClock} by default. */
    clock?: Clock;
    /** What is to be on chain before the first centre reads it. */
    prepare?: (kit: GovernanceKit) => Promise<void>;
  } = {},
): Promise<ProposalKit> {
  const kit = await governanceKit(rpcUrl, options.rules, options.more);
  await options.prepare?.(kit);
  const opened = new AsyncDisposableStack();
  opened.defer(() => kit.close());
  const { centres: count = 1, limits = {} } = options;
  const nets = options.nets
    ? await Promise.all(Array.from({ length: count }, (_, place) => testNet({ key: devKey(place), limits })))
    : [];
  const centres: KitCentre[] = [];
  for (let place = 0; place < count; place++) centres.push(await openCentre(kit, place, nets[place], options, opened));
  if (nets.length > 0) await connect(...nets);
  return {
    ...kit,
    centres,
    async dispose() {
      await opened.disposeAsync();
      await closeNets();
    },
  };
}

async function openCentre(
  kit: GovernanceKit,
  place: number,
  net: TestNet | undefined,
  { clock = quickClock, ...options }: { dutyStepMs?: number; autoExecute?: boolean; clock?: Clock },
  opened: AsyncDisposableStack,
): Promise<KitCentre> {
  const signer = localSigner(devKey(place), crypto);
  const chain = await kit.open({ signer });
  opened.defer(() => chain.close());
  const governance = chain.governance!;
  const { network, periodSeconds, graceSeconds } = chain.info;
  const store = await opened.use(await storePlace('sqlite')).open({ network: networkName(network) });
  const log: LogLine[] = [];
  const say = (level: string) => (data: object, message: string) => {
    log.push({ level, message, data: data as Record<string, unknown> });
  };
  const logger = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  const problems = new Problems();
  const settings = { ...defaultSettings, dutyStepMs: 300, ...options };
  const registry = new RegistryWatch({ chain, signer, problems, logger, clock: systemClock });
  await registry.start();
  opened.defer(() => registry.close());
  // Most centres of a test only look on: a thread costs more than all else that they do.
  let intake: Intake | undefined;
  const openIntake = (): Intake => {
    const workers = new IntakeWorkers({ network, privateKey: devKey(place) }, 1);
    opened.defer(() => workers.close());
    const made = new Intake({ ...settings, store, workers, network, signer, clock, logger, periodSeconds });
    opened.defer(() => made.close());
    return made;
  };

  const watch = new NoticeWatch({
    chain,
    governance,
    store,
    problems,
    clock,
    logger,
    settings: { ...settings, watchMs: 100 },
    isReading: true,
  });
  watch.start();
  opened.defer(() => watch.close());
  const parts = {
    network,
    periodSeconds,
    graceSeconds,
    store,
    chain,
    signer,
    crypto,
    clock,
    logger,
    settings,
    problems,
    registry,
    metrics: createMetrics(),
    replication: net && { net },
    governance,
    contents: openContents({ store, crypto, net: () => net }),
    notices: watch,
    accept(lines: readonly string[]) {
      intake ??= openIntake();
      return intake.accept(lines);
    },
    onJoin: (handler: (joined: TestNet) => void) => net && handler(net),
  } satisfies Partial<Record<keyof GovernanceParts, unknown>> as unknown as GovernanceParts;
  if (net) serveContents({ store, net });
  const { actions, duties } = openProposals(parts);
  return {
    parts,
    actions,
    store,
    governance,
    log,
    confirmed: (id, holds) => untilProposal(store, id, holds),
    startDuties() {
      duties.start();
      opened.defer(() => duties.close());
    },
  };
}

/** Text of a draft of kind general. */
export function generalDraft(title: string): string {
  return JSON.stringify({ kind: 'general', title, text: '', effect: {} });
}

/** Text of a draft that suspends development accounts. */
export function suspensionDraft(title: string, ...places: number[]): string {
  return JSON.stringify({ kind: 'suspension', title, text: '', effect: { accounts: places.map(devAddress) } });
}
