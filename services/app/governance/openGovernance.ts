import type { AdmissionDesk } from '../admission/AdmissionDesk.ts';
import type { AdmissionSettings } from '../admission/AdmissionSettings.ts';
import { openAdmission } from '../admission/openAdmission.ts';
import type { CentreParts } from '../CentreParts.ts';
import { Resources } from '../resources/Resources.ts';
import type { ResourceSettings } from '../resources/resourceSettings.ts';
import type { GovernanceDesk } from './GovernanceDesk.ts';
import type { GovernanceParts, GovernanceWorker } from './GovernanceParts.ts';
import { lookUp } from './lookUp.ts';
import { NoticeWatch } from './NoticeWatch.ts';
import { openContents, serveContents } from './openContents.ts';
import { openProposals } from './openProposals.ts';

/** What the host gives beside the parts of the centre. */
export type GovernanceOptions = Pick<GovernanceParts, 'accept' | 'onJoin'> & {
  /** false: this process serves only, and leaves all work to another one. */
  readonly isWorking: boolean;
  /** How resource sets are kept on this machine; without it none is. */
  readonly resources: ResourceSettings | undefined;
  /** What differs from the defaults. */
  readonly admission: Partial<AdmissionSettings> | undefined;
  /** Data folder, of which this centre shows every so often that it meets the minimum; without it it does not. */
  readonly renewalFolder: string | undefined;
  /** Called when clients may find new events. */
  readonly onChange: () => void;
};

/** Proposals, resource sets and admission of a network with a governor. */
export type OpenGovernance = {
  readonly parts: GovernanceParts;
  readonly desk: GovernanceDesk;
  readonly admission: AdmissionDesk;
  start(): void;
  /** Ends all work; what is under way in the store is finished first. */
  close(): Promise<void>;
};

/** Puts governance together; undefined while the network has no governor. */
export function openGovernance(centre: CentreParts, options: GovernanceOptions): OpenGovernance | undefined {
  const { governance } = centre.chain;
  if (!governance) return undefined;
  const net = () => centre.replication?.net;
  const watch = new NoticeWatch({ ...centre, governance, isReading: options.isWorking });
  const parts: GovernanceParts = {
    ...centre,
    // It may come later.
    get replication() {
      return centre.replication;
    },
    governance,
    contents: openContents({ store: centre.store, crypto: centre.crypto, net }),
    notices: watch,
    accept: options.accept,
    onJoin: options.onJoin,
  };
  options.onJoin((joined) => serveContents({ store: centre.store, net: joined }));
  watch.onNotices(options.onChange);
  const proposals = openProposals(parts);
  const resources = new Resources(parts, { settingOf: options.resources, onChange: options.onChange });
  const admission = openAdmission(parts, {
    ...(options.admission ? { settings: options.admission } : {}),
    ...(options.isWorking && options.renewalFolder !== undefined ? { renewalFolder: options.renewalFolder } : {}),
    propose: proposals.actions.propose,
    onChange: options.onChange,
  });
  // In the order in which they are started.
  const workers: readonly GovernanceWorker[] = [proposals.duties, resources, admission.worker];
  return {
    parts,
    desk: { ...lookUp(parts), ...proposals.actions, ...resources.desk },
    admission: admission.desk,
    start() {
      for (const worker of workers) worker.start();
      watch.start();
    },
    async close() {
      await watch.stop();
      for (const worker of workers.toReversed()) await worker.close();
      // They write under its lease.
      await watch.close();
    },
  };
}
