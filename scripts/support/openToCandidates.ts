import type { CheckedManifest } from '../../services/core/admission/manifest.ts';
import type { AdmissionRules } from '../../services/core/governance/proposalContent.ts';
import type { ProposalId } from '../../services/core/governance/signing.ts';
import { type Address, type DraftedProposal, isNotariumError, type Notarium } from '../../services/index.ts';
import { systemClock } from '../../services/lib/clock.ts';

/** A centre, and a client that acts as its operator. */
export type ActingCentre = { readonly address: Address; readonly client: Notarium };

const limitMs = 60_000;

/** Rules that any machine of this century meets with room to spare, so that a challenge takes some seconds. */
export const easyRules: Omit<AdmissionRules, 'manifestHash'> = {
  attestations: 1,
  reapplySeconds: 1,
  minScore: 100,
  renewSeconds: 0,
  minHashesPerSecond: 30_000,
  memoryMiB: 16,
  minMemoryPassesPerMinute: 30,
  minWrittenMiBPerSecond: 1,
  minReadMiBPerSecond: 1,
};

/** Proposes, votes for it as each centre, and waits until it is executed. */
export async function pass(centres: readonly ActingCentre[], draft: DraftedProposal): Promise<ProposalId> {
  const [first] = centres;
  const { proposalId } = await first!.client.proposals.create(draft);
  await voteAll(centres, proposalId);
  return proposalId;
}

/** Votes for a proposal, centre after centre, until it is decided, and waits until it is executed. */
export async function voteAll(centres: readonly ActingCentre[], proposalId: ProposalId): Promise<void> {
  const [first] = centres;
  for (const { client } of centres) {
    await settled(async () => (await client.proposals.get(proposalId)).proposalId === proposalId);
    try {
      await client.proposals.vote(proposalId, 'for', { reason: 'agreed' });
    } catch (error) {
      // What is decided is executed at once, and takes no more votes.
      if (!isNotariumError(error, 'proposal-state')) throw error;
    }
  }
  await settled(async () => (await first!.client.proposals.get(proposalId)).state === 'executed');
}

/**
 * Opens a consortium to candidates by votes of all its centres: authenticators, manifest and rules. Resolves when the authenticators
 * challenge by these rules.
 */
export async function openToCandidates(
  centres: readonly ActingCentre[],
  options: {
    readonly authenticators: readonly ActingCentre[];
    readonly agreement: string;
    readonly rules?: Partial<AdmissionRules>;
  },
): Promise<CheckedManifest> {
  const { authenticators, agreement, rules } = options;
  const [first] = centres;
  const { hash: manifestHash } = await first!.client.admissions.makeManifest(agreement);
  await pass(centres, {
    kind: 'authenticator',
    title: 'Who challenges candidates',
    text: '',
    effect: { changes: authenticators.map(({ address: account }) => ({ account, isAllowed: true })) },
  });
  await pass(centres, {
    kind: 'parameter',
    title: 'What candidates must fulfil',
    text: '',
    effect: { admission: { ...easyRules, ...rules, manifestHash } },
  });
  for (const { client } of authenticators) {
    await settled(async () => (await client.admissions.authenticator()).rules.manifestHash === manifestHash);
  }
  return await first!.client.admissions.manifest();
}

/** Waits for a condition; what fails meanwhile is only not so yet. */
export async function settled(look: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + limitMs;
  for (let cause: unknown; ; ) {
    try {
      if (await look()) return;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > endMs) throw new Error(`waited ${limitMs} ms`, { cause });
    await systemClock.sleep(100);
  }
}
