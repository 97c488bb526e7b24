import type { AdmissionDesk } from '../../../../services/app/admission/AdmissionDesk.ts';
import { makeManifest } from '../../../../services/app/admission/makeManifest.ts';
import { type AdmissionOptions, openAdmission } from '../../../../services/app/admission/openAdmission.ts';
import type { JoinRequest } from '../../../../services/core/admission/joinRequest.ts';
import type { CheckedManifest } from '../../../../services/core/admission/manifest.ts';
import type { Packet } from '../../../../services/core/admission/packet.ts';
import type { SessionAnswer } from '../../../../services/core/admission/sessionAnswer.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import type { AdmissionRules } from '../../../../services/core/governance/proposalContent.ts';
import { actAsGovernor } from '../../../support/actAsGovernor.ts';
import { type Candidate, candidateOf } from '../../../support/candidate.ts';
import { devAddress } from '../../../support/chains.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { crypto } from '../../chain/chainKit.ts';
import { type KitCentre, type ProposalKit, proposalKit } from '../governance/proposalKit.ts';

/** What any machine does in a moment. */
export const easyRules: Omit<AdmissionRules, 'manifestHash'> = {
  attestations: 1,
  reapplySeconds: 3_600,
  minScore: 100,
  renewSeconds: 0,
  minHashesPerSecond: 5_000,
  memoryMiB: 1,
  minMemoryPassesPerMinute: 60,
  minWrittenMiBPerSecond: 1,
  minReadMiBPerSecond: 1,
};

/** The rules of a network whose centres ask for the manifest alone. */
export const noWork: Omit<AdmissionRules, 'manifestHash'> = {
  ...easyRules,
  minHashesPerSecond: 0,
  memoryMiB: 0,
  minMemoryPassesPerMinute: 0,
  minWrittenMiBPerSecond: 0,
  minReadMiBPerSecond: 0,
};

/** A centre with its desk; moving its counter makes all that is measured slower. */
export type KitDesk = KitCentre & {
  readonly desk: AdmissionDesk;
  /** Milliseconds that its counter is ahead. */
  ahead: { ms: number };
  /** Ends what it does by itself. */
  rest(): Promise<void>;
  /** Another process of it, as after a restart. */
  restart(settings?: AdmissionOptions['settings']): Promise<AdmissionDesk>;
};

/** Development accounts 0 to 3 as centres; those opened are authenticators. */
export type AdmissionKit = ProposalKit & {
  readonly desks: readonly KitDesk[];
  readonly manifest: CheckedManifest;
  readonly rules: AdmissionRules;
  /** An act of the registry's governor, by its name. */
  govern(act: string, ...args: readonly unknown[]): Promise<void>;
  candidate(place: number): Promise<KitCandidate>;
};

/** Centres with real stores, intake and chain that challenge candidates. */
export async function admissionKit(
  rpcUrl: string,
  options: Omit<NonNullable<Parameters<typeof proposalKit>[1]>, 'prepare'> & {
    readonly admission?: Partial<AdmissionRules>;
    readonly settings?: AdmissionOptions['settings'];
  } = {},
): Promise<AdmissionKit> {
  let manifest!: CheckedManifest;
  let rules!: AdmissionRules;
  let acting!: Parameters<typeof actAsGovernor>[0];
  const { centres = 1 } = options;
  const kit = await proposalKit(rpcUrl, {
    ...options,
    async prepare(opened) {
      manifest = makeManifest({ chain: opened.chain, governance: opened.governance, crypto }, 'be honest');
      rules = { ...easyRules, manifestHash: manifest.hash, ...options.admission };
      const registry = opened.deployed.registry;
      acting = { rpcUrl, governor: opened.governance.governor.contract, registry };
      await actAsGovernor(acting, 'setAdmissionRules', rules);
      for (let place = 0; place < centres; place++) {
        await actAsGovernor(acting, 'setAuthenticator', devAddress(place), true);
      }
    },
  });
  const opened = new AsyncDisposableStack();
  const openDesk = (centre: KitCentre, ahead: { ms: number }, settings: AdmissionOptions['settings']) => {
    const admission = openAdmission(centre.parts, {
      propose: centre.actions.propose,
      onChange: () => undefined,
      monotonicMs: () => performance.now() + ahead.ms,
      ...(settings ? { settings } : {}),
    });
    admission.worker.start();
    opened.defer(() => admission.worker.close());
    return admission;
  };
  const desks: KitDesk[] = [];
  for (const centre of kit.centres) {
    await centre.parts.contents.put(manifest.bytes);
    const ahead = { ms: 0 };
    let admission = openDesk(centre, ahead, options.settings);
    desks.push({
      ...centre,
      get desk() {
        return admission.desk;
      },
      ahead,
      rest: () => admission.worker.close(),
      async restart(settings = options.settings) {
        await admission.worker.close();
        admission = openDesk(centre, ahead, settings);
        return admission.desk;
      },
    });
  }
  return {
    ...kit,
    desks,
    manifest,
    rules,
    govern: (act, ...args) => actAsGovernor(acting, act, ...args),
    async candidate(place) {
      const folder = opened.use(await temporaryFolder());
      const { info, admission } = kit.chain;
      const { network } = info;
      const { registry } = admission;
      return joining(candidateOf({ network, registry, manifest: manifest.bytes, place, folder: folder.path }));
    },
    async dispose() {
      await opened.disposeAsync();
      await kit.dispose();
    },
  };
}

/** Changes what a candidate answers, of what would be right. */
export type Lie = (packet: Packet, values: readonly Hash[]) => readonly Hash[] | Promise<readonly Hash[]>;

/** How a candidate goes about it. */
export type JoinOptions = {
  readonly caller?: string;
  readonly request?: Partial<JoinRequest>;
  readonly lie?: Lie;
};

export type AskedAnswer = Extract<SessionAnswer, { packet: unknown }>;
export type PassedAnswer = Extract<SessionAnswer, { report: unknown }>;

/** A candidate that talks to desks. */
export type KitCandidate = Candidate & {
  begin(desk: KitDesk, options?: JoinOptions): Promise<AskedAnswer>;
  /** Goes all the way. */
  join(desk: KitDesk, options?: JoinOptions): Promise<PassedAnswer>;
};

function joining(candidate: Candidate): KitCandidate {
  const begin: KitCandidate['begin'] = async (desk, { request = {}, caller = '203.0.113.9' } = {}) => {
    const body = await candidate.signed(candidate.request(desk.parts.signer.address, request));
    return (await desk.desk.begin(body, caller)) as AskedAnswer;
  };
  return {
    ...candidate,
    begin,
    async join(desk, options = {}) {
      let asked: SessionAnswer = await begin(desk, options);
      while ('packet' in asked) {
        const right = candidate.work(asked.packet);
        const values = (await options.lie?.(asked.packet, right.values)) ?? right.values;
        asked = await desk.desk.answer(asked.session, JSON.stringify({ ...right, values }));
      }
      return asked;
    },
  };
}
