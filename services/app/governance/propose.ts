import { rejected } from '../../chain/callErrors.ts';
import { codesOf } from '../../chain/governance/codesOf.ts';
import type { Acceptance } from '../../core/acceptance.ts';
import { fromHex, type RecordId } from '../../core/bytes.ts';
import { networkName } from '../../core/eip712.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { readConfiguration } from '../../core/governance/configuration.ts';
import { isObject } from '../../core/governance/json.ts';
import { applyPatch } from '../../core/governance/jsonPatch.ts';
import { type CheckedContent, type ContentOf, readProposalContent } from '../../core/governance/proposalContent.ts';
import { readProposalRequest } from '../../core/governance/proposalRequest.ts';
import { type ProposalId, proposalDigest } from '../../core/governance/signing.ts';
import { digestText, signRecord } from '../../core/record.ts';
import { completedDraft } from './completedDraft.ts';
import { awaitProposal } from './findProposal.ts';
import type { GovernanceParts } from './GovernanceParts.ts';
import { headOf } from './headOf.ts';
import type { Proposed } from './ProposalActions.ts';

/**
 * Proposes what the text of a request says. The order is such that the request can be repeated after a crash at any point
 * and is the same proposal: what is proposed is fixed on disk, then the content is, then the record; the transaction is last.
 * @param signal Ends the waiting, not what is under way.
 * @returns `isNew: false` where the chain had the proposal already.
 * @throws NotariumError the codes of `readProposalRequest` and `completedDraft`; `proposal-mismatch` with data.field,
 *   `signature-mismatch`, `elector-unknown` (the proposer is no active centre), `proposal-outdated` with data { have, want },
 *   those of `accept` and of `Governance.propose` but `proposal-exists`: `chain-call-rejected` with data.error `DraftExpired`
 *   where `validUntil` has passed.
 */
export async function propose(
  parts: GovernanceParts,
  text: string | Uint8Array,
  signal?: AbortSignal,
): Promise<Proposed & { readonly isNew: boolean }> {
  const request = readProposalRequest(text);
  if ('signed' in request) {
    const { signature, validUntil, ...checked } = request.signed;
    return await handIn(parts, checked, { validUntil, given: fromHex(signature), signal });
  }
  const { content, validUntil } = await completedDraft(parts, request.draft);
  return await handIn(parts, readProposalContent(content, parts.crypto), { validUntil, signal });
}

async function handIn(
  parts: GovernanceParts,
  checked: CheckedContent,
  { validUntil, given, signal }: { validUntil: number; given?: Uint8Array; signal: AbortSignal | undefined },
): Promise<Proposed & { readonly isNew: boolean }> {
  const { governance, contents, crypto, signer, notices } = parts;
  const { content, bytes, hash } = checked;
  const draft = { content, contentHash: hash, validUntil };
  const proposalId = await governance.proposalIdOf(draft);
  const signed = { proposalId, kind: content.kind, contentHash: hash, validUntil };
  const digest = proposalDigest(governance.governor, signed, crypto.keccak256);
  const isThere = (await governance.proposal(proposalId)) !== undefined;
  if (!isThere) {
    // Before anything is kept or in the log: what the contract would refuse.
    if (given) checkInTime(parts, validUntil);
    if (given && !(await governance.isSignedBy(content.proposer, digest, given))) {
      throw new NotariumError('signature-mismatch', 'the proposer', { data: { want: content.proposer } });
    }
    await checkProposable(parts, checked);
  }
  await contents.put(bytes);
  const record = await recordProposal(parts, proposalId, checked);
  const answer = { proposalId, contentHash: hash, ...record };
  if (!isThere) {
    try {
      const signature = given ?? (await signer.sign(digest));
      const { transactionHash } = await governance.propose(draft, signature, signal ? { signal } : {});
      notices.lookSoon();
      return { ...answer, transactionHash, isNew: true };
    } catch (error) {
      if (!isNotariumError(error, 'proposal-exists')) throw error;
    }
  }
  const created = await awaitProposal(parts, proposalId, (proposal) => proposal.created, signal);
  return { ...answer, ...(created ? { transactionHash: created.transactionHash } : {}), isNew: false };
}

/** Only what a member signed elsewhere: a draft of this centre's own may have been sent in time, and is kept already. */
function checkInTime({ notices }: GovernanceParts, validUntil: number): void {
  const now = notices.chainSeconds();
  if (now <= validUntil) return;
  throw rejected(codesOf.propose, { error: 'DraftExpired', args: { have: now, want: validUntil } });
}

async function checkProposable(parts: GovernanceParts, { content }: CheckedContent): Promise<void> {
  const want = networkName(parts.network);
  if (content.network !== want) {
    throw new NotariumError('proposal-mismatch', 'network', {
      data: { field: 'network', have: content.network, want },
    });
  }
  if (!parts.registry.active().some(({ address }) => address === content.proposer)) {
    throw new NotariumError('elector-unknown', `${content.proposer} is no active centre`, {
      data: { have: content.proposer },
    });
  }
  if (content.kind === 'resource') await keepConfiguration(parts, content);
}

/** Checks what the patch results in, and keeps it, so that others can fetch it here. */
async function keepConfiguration(parts: GovernanceParts, { effect }: ContentOf<'resource'>): Promise<void> {
  const { base, patch, configurationHash } = effect;
  const head = await headOf(parts, effect.resourceSet);
  if (head.version !== base) {
    throw new NotariumError('proposal-outdated', `version ${base}; the newest is ${head.version}`, {
      data: { have: base, want: head.version },
    });
  }
  const result = applyPatch(head.configuration, patch);
  if (!isObject(result)) throw new NotariumError('configuration-invalid', 'the patch leaves no JSON object');
  const { bytes, hash } = readConfiguration(result, parts.crypto);
  if (hash !== configurationHash) {
    throw new NotariumError('proposal-mismatch', 'effect.configurationHash', {
      data: { field: 'effect.configurationHash', have: configurationHash, want: hash },
    });
  }
  await parts.contents.put(bytes);
}

/** The request as a record of the log. Nothing in it changes when it is made again, so its id is the same. */
async function recordProposal(
  parts: GovernanceParts,
  proposalId: ProposalId,
  { content, hash }: CheckedContent,
): Promise<{ recordId: RecordId; acceptance?: Acceptance }> {
  const { network, signer, crypto, accept } = parts;
  const { entry } = await signRecord(
    {
      v: 1,
      network: networkName(network),
      kind: content.kind === 'resource' ? 'resource' : 'x-notarium.proposal',
      subject: `urn:notarium:proposal:${proposalId}`,
      digest: digestText(fromHex(hash)),
      time: content.time,
      meta: { proposalId, kind: content.kind },
    },
    signer,
    crypto,
  );
  const [result] = await accept([new TextDecoder().decode(entry)]);
  if (result!.status === 'failed') throw result!.error;
  return {
    recordId: result!.id,
    ...(result!.status === 'logged' ? {} : { acceptance: result!.acceptance }),
  };
}
