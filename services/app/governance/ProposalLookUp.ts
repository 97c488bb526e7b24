import type { Address, Hash } from '../../core/bytes.ts';
import type { ProposalKind } from '../../core/governance/names.ts';
import type { Rule } from '../../core/governance/proposalContent.ts';
import type { ProposalResult } from '../../core/governance/proposalResult.ts';
import type { ProposalState } from '../../core/governance/proposalState.ts';
import type { ProposalId } from '../../core/governance/signing.ts';
import type { ProposalView } from './proposalView.ts';

/** What to list. */
export type ProposalQuery = {
  readonly state?: ProposalState | undefined;
  readonly kind?: ProposalKind | undefined;
  readonly proposer?: Address | undefined;
  /** `next` of the page before. */
  readonly cursor?: number | undefined;
  readonly limit: number;
};

/** One page; `next` is the cursor of the next one. A page that has a next one may be short. */
export type ProposalPage = { readonly items: readonly ProposalView[]; readonly next?: string };

/** How each kind is voted on now, by the confirmed events. */
export type RulesView = {
  readonly rules: readonly (Rule & { readonly kind: ProposalKind })[];
  /** In ascending order of the accounts; whoever is not named has 1 vote. */
  readonly weights: readonly { readonly account: Address; readonly votes: number }[];
};

/** What can be looked up about proposals. */
export type ProposalLookUp = {
  /** Newest first; reasons of votes are cut short. */
  proposals(query: ProposalQuery): Promise<ProposalPage>;
  /** With the result data; null while a part of it is not there. */
  proposal(proposalId: ProposalId): Promise<(ProposalView & { readonly result: ProposalResult | null }) | undefined>;
  /** @throws NotariumError `not-ready` while the chain's first rules have not been read. */
  rules(): Promise<RulesView>;
  /**
   * Content of a proposal or configuration of a resource set, by its hash.
   * @throws NotariumError `content-unavailable`; undefined where no other centre has it either.
   */
  content(hash: Hash, signal?: AbortSignal): Promise<Uint8Array | undefined>;
};
