import { type Hash, toHex } from '../../core/bytes.ts';
import { canonicalBytes } from '../../core/canonicalJson.ts';
import { networkName } from '../../core/eip712.ts';
import { completeDraft } from '../../core/governance/completeDraft.ts';
import { resourceSetId } from '../../core/governance/configuration.ts';
import { readProposalContent } from '../../core/governance/proposalContent.ts';
import type { DraftedProposal } from '../../core/governance/proposalDraft.ts';
import type { StoredDraft } from '../../store/BallotStore.ts';
import type { GovernanceParts } from './GovernanceParts.ts';
import { headOf } from './headOf.ts';

const defaultValiditySeconds = 86_400;
/** A transaction that was sent in time may be in a block whose time is a little behind. */
const lateSeconds = 900;

type Parts = Pick<
  GovernanceParts,
  'governance' | 'store' | 'contents' | 'crypto' | 'signer' | 'clock' | 'network' | 'notices'
>;

/**
 * The content that a draft stands for, once and for all: the same draft again gives the same content, so that a request which
 * is repeated after a crash proposes nothing new. Only what can no longer come on chain is completed anew.
 * @throws NotariumError as `completeDraft`; of {@link headOf}.
 */
export async function completedDraft(parts: Parts, draft: DraftedProposal): Promise<StoredDraft> {
  const { store, crypto, clock, network, signer, notices } = parts;
  const draftHash: Hash = toHex(crypto.sha256(canonicalBytes(draft)));
  const stored = await store.proposalDraft(draftHash);
  if (stored && !(await isSpent(parts, stored))) return stored;
  const head = draft.kind === 'resource' ? await headOf(parts, draft.effect.resourceSet) : undefined;
  const time = new Date(clock.nowMs()).toISOString();
  const basis = { network: networkName(network), proposer: signer.address, time, ...(head ? { head } : {}) };
  const { bytes, hash } = completeDraft(draft, basis, crypto);
  const validUntil = notices.chainSeconds() + (draft.validForSeconds ?? defaultValiditySeconds);
  const content = new TextDecoder().decode(bytes);
  return await store.keepProposalDraft({ draftHash, contentHash: hash, content, validUntil }, stored?.contentHash);
}

/** Whether a completed draft is not on chain, and cannot come there any more. */
async function isSpent({ governance, notices, crypto }: Parts, stored: StoredDraft): Promise<boolean> {
  const { content, hash } = readProposalContent(stored.content, crypto);
  const { validUntil } = stored;
  const proposalId = await governance.proposalIdOf({ content, contentHash: hash, validUntil });
  if (await governance.proposal(proposalId)) return false;
  if (notices.chainSeconds() > validUntil + lateSeconds) return true;
  if (content.kind !== 'resource') return false;
  const { head } = await governance.resourceHeads(resourceSetId(content.effect.resourceSet, crypto));
  return head !== content.effect.base;
}
