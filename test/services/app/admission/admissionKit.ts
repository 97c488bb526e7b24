import type { AdmissionDesk } from '../../../../services/app/admission/AdmissionDesk.ts';
import { makeManifest } from '../../../../services/app/admission/makeManifest.ts';
import { type AdmissionOptions, openAdmission } from '../../../../services/app/admission/openAdmission.ts';
import { DiskCheck } from '../../../../services/app/admission/work/disk.ts';
import { workOn } from '../../../../services/app/admission/work/workOn.ts';
import { registryInterface } from '../../../../services/chain/interfaces.ts';
import {
  type Entry,
  type JoinRequest,
  joinRequestDigest,
  type SignedJoinRequest,
} from '../../../../services/core/admission/joinRequest.ts';
import type { CheckedManifest } from '../../../../services/core/admission/manifest.ts';
import { type Answer, answerTo, type Packet, seedOf } from '../../../../services/core/admission/packet.ts';
import type { SessionAnswer } from '../../../../services/core/admission/sessionAnswer.ts';
import { type Address, type Hash, type Hex, toHex } from '../../../../services/core/bytes.ts';
import { networkName } from '../../../../services/core/eip712.ts';
import type { AdmissionRules } from '../../../../services/core/governance/proposalContent.ts';
import { localSigner } from '../../../../services/lib/localSigner.ts';
import { devAddress, devKey } from '../../../support/chains.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { until } from '../../../support/until.ts';
import { crypto } from '../../chain/chainKit.ts';
import type { GovernanceKit } from '../../chain/governanceKit.ts';
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
  candidate(place: number, changes?: Partial<Entry>): Promise<Candidate>;
};

/** Does what the governor of a registry would after a vote. */
export async function actAsGovernor(
  { rpc, governance, deployed }: Pick<GovernanceKit, 'rpc' | 'governance' | 'deployed'>,
  act: string,
  args: readonly unknown[],
): Promise<void> {
  const from = governance.governor.contract;
  await rpc('anvil_impersonateAccount', [from]);
  await rpc('anvil_setBalance', [from, '0xde0b6b3a7640000']);
  const data = registryInterface.encodeFunctionData(act as 'admit', args as [Address, Hex]);
  const hash = await rpc('eth_sendTransaction', [{ from, to: deployed.registry, data, gas: '0x7a1200' }]);
  const receipt = await until(
    `${act} is mined`,
    async () => ((await rpc('eth_getTransactionReceipt', [hash])) as { status: string } | null) ?? undefined,
  );
  if (receipt.status !== '0x1') throw new Error(`${act}: the contract refused it`);
}

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
  const { centres = 1 } = options;
  const kit = await proposalKit(rpcUrl, {
    ...options,
    async prepare(opened) {
      manifest = makeManifest({ chain: opened.chain, governance: opened.governance, crypto }, 'be honest');
      rules = { ...easyRules, manifestHash: manifest.hash, ...options.admission };
      await actAsGovernor(opened, 'setAdmissionRules', [rules]);
      for (let place = 0; place < centres; place++) {
        await actAsGovernor(opened, 'setAuthenticator', [devAddress(place), true]);
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
    govern: (act, ...args) => actAsGovernor(kit, act, args),
    async candidate(place, changes = {}) {
      const folder = opened.use(await temporaryFolder());
      return candidateOf({ kit, manifest, place, folder: folder.path, changes });
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

/** Somebody who wants to become a centre: development account `place`. */
export type Candidate = {
  readonly address: Address;
  readonly entry: Entry;
  request(authenticator: Address, changes?: Partial<JoinRequest>): JoinRequest;
  /** Text of a signed request. */
  signed(request: JoinRequest, key?: Uint8Array): Promise<string>;
  begin(desk: KitDesk, options?: JoinOptions): Promise<AskedAnswer>;
  /** The right answer to a packet. */
  work(packet: Packet): Answer;
  /** Goes all the way. */
  join(desk: KitDesk, options?: JoinOptions): Promise<PassedAnswer>;
};

export type AskedAnswer = Extract<SessionAnswer, { packet: unknown }>;
export type PassedAnswer = Extract<SessionAnswer, { report: unknown }>;

function candidateOf({
  kit,
  manifest,
  place,
  folder,
  changes,
}: {
  kit: ProposalKit;
  manifest: CheckedManifest;
  place: number;
  folder: string;
  changes: Partial<Entry>;
}): Candidate {
  const { chain } = kit;
  const address = devAddress(place);
  const disk = new DiskCheck(folder);
  let sentMs = 0;
  const entry: Entry = {
    name: `Candidate ${place}`,
    endpoint: `https://candidate-${place}.example`,
    encryptionKey: toHex(new Uint8Array(32).fill(place + 1)),
    noteKey: toHex(new Uint8Array(32).fill(place + 101)),
    ...changes,
  };
  const candidate: Candidate = {
    address,
    entry,
    request: (authenticator, more = {}) => {
      // Of two requests in one millisecond, one would have been used.
      sentMs = Math.max(sentMs + 1, Date.now());
      return {
        format: 'notarium-join/1',
        network: networkName(chain.info.network),
        authenticator,
        candidate: address,
        purpose: 'join',
        entry,
        statement: 'We would like to take part.',
        reported: { software: 'notarium 0.1.0', cores: 2 },
        time: new Date(sentMs).toISOString(),
        ...more,
      };
    },
    async signed(request, key = devKey(place)) {
      const signature = await localSigner(key, crypto).sign(joinRequestDigest(chain.admission.registry, request));
      return JSON.stringify({ request, signature: toHex(signature) } satisfies SignedJoinRequest);
    },
    async begin(desk, { request = {}, caller = '203.0.113.9' } = {}) {
      const body = await candidate.signed(candidate.request(desk.parts.signer.address, request));
      return (await desk.desk.begin(body, caller)) as AskedAnswer;
    },
    work: (packet) => {
      const seed = seedOf(packet, manifest.bytes, address);
      return answerTo(packet, workOn(packet, seed, { disk, onProgress: () => undefined }));
    },
    async join(desk, options = {}) {
      let asked: SessionAnswer = await candidate.begin(desk, options);
      while ('packet' in asked) {
        const right = candidate.work(asked.packet);
        const values = (await options.lie?.(asked.packet, right.values)) ?? right.values;
        asked = await desk.desk.answer(asked.session, JSON.stringify({ ...right, values }));
      }
      return asked;
    },
  };
  return candidate;
}
