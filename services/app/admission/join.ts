import type { AdmissionNode } from '../../chain/Admission.ts';
import type { Chain } from '../../chain/Chain.ts';
import { applicationNameOf, packAttestations } from '../../core/admission/attestation.ts';
import type { Entry } from '../../core/admission/joinRequest.ts';
import type { CheckedManifest } from '../../core/admission/manifest.ts';
import type { Check } from '../../core/admission/packet.ts';
import type { Report } from '../../core/admission/report.ts';
import type { Reported } from '../../core/admission/reported.ts';
import { type Address, fromHex, type Hash, type Hex } from '../../core/bytes.ts';
import { canonicalText } from '../../core/canonicalJson.ts';
import { networkName } from '../../core/eip712.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import type { AdmissionRules } from '../../core/governance/proposalContent.ts';
import type { Signer } from '../../core/signature.ts';
import type { Clock } from '../../lib/clock.ts';
import type { NativeCrypto } from '../../lib/nativeCrypto.ts';
import { joinSession, type SessionProgress } from './joinSession.ts';
import { type KeptAttestation, readAttestation, writeAttestation, writeManifest } from './keptAttestation.ts';
import { measureMachine } from './measureMachine.ts';
import type { SessionParts } from './SessionParts.ts';
import { Work } from './work/Work.ts';

/** What a candidate joins with. */
export type JoinParts = {
  /** Opened with the candidate's key. */
  readonly chain: Chain;
  readonly signer: Signer;
  readonly crypto: NativeCrypto;
  readonly clock: Clock;
  readonly dataDir: string;
};

/** What it asks for. */
export type JoinWish = {
  readonly manifest: CheckedManifest;
  readonly entry: Entry;
  readonly statement: string;
  /** Base URLs; the second and further ones confirm what the first reports. */
  readonly authenticators: readonly string[];
  /** Applies anew although an application is open, as after a vote that has refused it. */
  readonly again?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onStep: (step: JoinStep) => void;
};

/** What has happened, and what is under way. */
export type JoinStep =
  | { readonly step: 'rules'; readonly rules: AdmissionRules }
  | { readonly step: 'measuring'; readonly check: Check; readonly done: number }
  | { readonly step: 'measured'; readonly reported: Reported }
  | ({ readonly step: 'packet'; readonly authenticator: string } & SessionProgress)
  | { readonly step: 'attested'; readonly authenticator: Address; readonly report: Report; readonly expiry: number }
  | { readonly step: 'kept'; readonly expiry: number }
  | { readonly step: 'applied' | 'published'; readonly transactionHash: Hash; readonly gasUsed: number };

/** Where the candidate stands in the end. */
export type Joined = {
  readonly candidate: Address;
  /** What a vote on it names. */
  readonly application: Hex;
  /** The last second in which it can be admitted, Unix. */
  readonly expiry: number;
  readonly report: Report;
};

/** Rounded up from what the two transactions take with the longest texts. */
const gasNeeded = 400_000n;
/** An attestation is handed in, and voted on, only with that much time left. */
const leastSeconds = 60;

/**
 * Makes this node a candidate that can be voted on: challenge, application, publication. What is done already is not done again: what
 * was attested is kept in the data folder for as long as it is good.
 * @throws NotariumError `admission-closed`; `manifest-invalid` with data { have, want } before anybody is asked; `usage-invalid` when
 *   fewer authenticators are given than the rules ask for; `application-refused` with data { status }; `application-early` with data
 *   { have, want }; `chain-funds-missing` with data { account, gas }; as {@link joinSession} and the chain.
 */
export async function join(parts: JoinParts, wish: JoinWish): Promise<Joined> {
  const { chain, signer, dataDir, clock } = parts;
  const { manifest, authenticators } = wish;
  const { admission } = chain;
  const [rules, own] = await Promise.all([admission.rules(), admission.node(signer.address)]);
  requireStatus(own);
  const before = await readAttestation(dataDir);
  const nowSeconds = clock.nowMs() / 1000;
  const name = before && nameOf(parts, before);
  const isOpen = name !== undefined && own.application === name && before!.application.expiry > nowSeconds;
  const isApplied = isOpen && !wish.again;
  if (!isApplied) requireManifest(rules, manifest);
  if (manifest.hash === rules.manifestHash) {
    wish.onStep({ step: 'rules', rules });
    // For the next time, which needs no more than the data folder then.
    await writeManifest(dataDir, manifest);
  }
  const isKept = isApplied || (before !== undefined && (await isGood(chain, before, { rules, own, wish, nowSeconds })));
  const kept = isKept ? before! : undefined;
  if (!kept) requireAuthenticators(rules, authenticators);
  if (!isApplied) await requireTime(chain, rules, own);
  await requireFunds(chain, signer.address, kept === undefined);
  if (kept) wish.onStep({ step: 'kept', expiry: kept.application.expiry });
  const attested = kept ?? (await attest(parts, rules, wish));
  return await apply(parts, attested, own, wish);
}

function requireStatus({ status }: AdmissionNode): void {
  if (status !== 'active' && status !== 'suspended' && status !== 'banned') return;
  throw new NotariumError('application-refused', `this account is ${status}`, { data: { status } });
}

// What is applied for stays good whatever the rules become.
function requireManifest({ attestations, manifestHash: want }: AdmissionRules, { hash: have }: CheckedManifest): void {
  if (attestations === 0) throw new NotariumError('admission-closed');
  if (have === want) return;
  const detail = `its hash is ${have}, and the chain asks for ${want}`;
  throw new NotariumError('manifest-invalid', detail, { data: { have, want } });
}

function requireAuthenticators({ attestations: want }: AdmissionRules, { length: have }: readonly string[]): void {
  if (have >= want) return;
  const detail = `the rules ask for attestations of ${want}: give --authenticator URL for each`;
  throw new NotariumError('usage-invalid', detail, { data: { have, want } });
}

/** Whether what was attested can be handed in still, and says what is wished for. */
async function isGood(
  { admission }: Chain,
  kept: KeptAttestation,
  { rules, own, wish, nowSeconds }: { rules: AdmissionRules; own: AdmissionNode; wish: JoinWish; nowSeconds: number },
): Promise<boolean> {
  const { application, attestations, candidate, entry, report } = kept;
  const isSame =
    candidate === own.address &&
    application.nonce === own.appliedAt &&
    application.manifestHash === rules.manifestHash &&
    application.score >= rules.minScore &&
    application.expiry > nowSeconds + leastSeconds &&
    attestations.length >= rules.attestations &&
    canonicalText(entry) === canonicalText(wish.entry) &&
    report.statement === wish.statement;
  if (!isSame) return false;
  // The registry refuses all of them for one whose authenticator is none any more, or is suspended.
  const attesters = await Promise.all(attestations.map(({ authenticator }) => admission.node(authenticator)));
  return attesters.every(({ isAuthenticator }) => isAuthenticator);
}

// The registry would say the same, after all the work.
async function requireTime(
  chain: Chain,
  { reapplySeconds }: AdmissionRules,
  { appliedAt }: AdmissionNode,
): Promise<void> {
  if (appliedAt === 0) return;
  const { latestSeconds, pendingSeconds } = await chain.chainTime();
  const [have, want] = [pendingSeconds ?? latestSeconds, appliedAt + reapplySeconds];
  if (have >= want) return;
  const retryAt = new Date(1000 * want).toISOString();
  throw new NotariumError('application-early', `again from ${retryAt} on`, { data: { have, want, retryAt } });
}

async function requireFunds(chain: Chain, account: Address, isChallenge: boolean): Promise<void> {
  if (!isChallenge || (await chain.balance(account)) > 0n || (await chain.isGasFree())) return;
  throw fundsMissing(account);
}

function fundsMissing(account: Address, cause?: unknown): NotariumError {
  const detail = `${account} pays for its application and its publication, about ${gasNeeded} gas together`;
  return new NotariumError('chain-funds-missing', detail, { cause, data: { account, gas: Number(gasNeeded) } });
}

async function attest(parts: JoinParts, rules: AdmissionRules, wish: JoinWish): Promise<KeptAttestation> {
  const { chain, signer, crypto, clock, dataDir } = parts;
  const { manifest, entry, statement, authenticators, signal, onStep } = wish;
  await using work = new Work({ folder: dataDir });
  const reported = await measureMachine({
    work,
    folder: dataDir,
    rules,
    signal,
    onProgress: (check, done) => onStep({ step: 'measuring', check, done }),
  });
  onStep({ step: 'measured', reported });
  const { registry, node } = chain.admission;
  const network = networkName(chain.info.network);
  const session: SessionParts = { registry, node, network, manifest, rules, signer, crypto, clock, work };
  let kept: KeptAttestation | undefined;
  for (const url of authenticators.slice(0, rules.attestations)) {
    const confirms = kept && { confirms: { report: kept.report, expiry: kept.application.expiry } };
    const passed = await joinSession(
      session,
      url,
      { purpose: 'join', entry, statement, reported: kept?.report.reported ?? reported, ...confirms },
      { signal, onProgress: (progress) => onStep({ step: 'packet', authenticator: url, ...progress }) },
    );
    const { application, signature } = passed.attestation!;
    const { authenticator, report } = passed;
    if (kept?.attestations.some((each) => each.authenticator === authenticator)) {
      throw new NotariumError('usage-invalid', `${url} is ${authenticator}, who has attested already`);
    }
    const attestations = [...(kept?.attestations ?? []), { authenticator, signature }];
    kept = { format: 'notarium-attestation/1', candidate: signer.address, entry, report, application, attestations };
    onStep({ step: 'attested', authenticator, report, expiry: application.expiry });
  }
  await writeAttestation(dataDir, kept!);
  return kept!;
}

async function apply(parts: JoinParts, kept: KeptAttestation, own: AdmissionNode, wish: JoinWish): Promise<Joined> {
  const { chain, signer } = parts;
  const { application, attestations, entry, report } = kept;
  const name = nameOf(parts, kept);
  const { signal, onStep } = wish;
  const options = signal ? { signal } : {};
  try {
    if (own.application !== name) {
      const packed = packAttestations(
        attestations.map(({ authenticator, signature }) => ({ address: authenticator, signature: fromHex(signature) })),
      );
      const { transactionHash, gasUsed } = await chain.admission.applyFor(application, packed, options);
      onStep({ step: 'applied', transactionHash, gasUsed: Number(gasUsed) });
    }
    if (own.published?.name !== name) {
      const sent = await chain.admission.publish({ account: signer.address, ...entry }, application, options);
      onStep({ step: 'published', transactionHash: sent.transactionHash, gasUsed: Number(sent.gasUsed) });
    }
  } catch (error) {
    if (isNotariumError(error, 'chain-funds-missing')) throw fundsMissing(signer.address, error);
    throw error;
  }
  return { candidate: signer.address, application: name, expiry: application.expiry, report };
}

function nameOf({ crypto }: JoinParts, { candidate, entry, application }: KeptAttestation): Hex {
  return applicationNameOf(candidate, entry, application, crypto.keccak256);
}
