import type { Address } from '../bytes.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { NotariumError } from '../errors.ts';
import { type CheckedConfiguration, readConfiguration } from './configuration.ts';
import type { Json } from './json.ts';
import { applyPatch } from './jsonPatch.ts';
import { type CheckedContent, readProposalContent } from './proposalContent.ts';
import type { DraftedProposal } from './proposalDraft.ts';

/** What a draft is completed with. */
export type DraftBasis = {
  /** Name of the log's network. */
  readonly network: string;
  readonly proposer: Address;
  /** As in a content. */
  readonly time: string;
  /** For a resource proposal, what stands at the head of the set: version 0 with `{}` where there is none yet. */
  readonly head?: { readonly version: number; readonly configuration: Json };
};

/** Where any centre gives a content or configuration by its hash, relative to its endpoint. */
export function contentPath(hash: string): string {
  return `/v1/contents/sha-256:${hash.slice(2)}`;
}

/**
 * The content that a draft stands for; of a resource proposal also the configuration that its patch results in.
 * @throws NotariumError `proposal-outdated` with data { have, want } (versions) unless the draft asks for `rebase`,
 *   `patch-failed`, `proposal-mismatch` with data.field where the draft names another configuration than the patch results in,
 *   `configuration-invalid`, `proposal-invalid`, `json-too-large`.
 */
export function completeDraft(
  draft: DraftedProposal,
  basis: DraftBasis,
  crypto: Pick<Crypto, 'sha256'> = portableCrypto,
): CheckedContent & { readonly configuration?: CheckedConfiguration } {
  const { kind, title, text, effect } = draft;
  const { network, proposer, time } = basis;
  const content = { format: 'notarium-proposal/1', network, kind, title, text, time, proposer };
  if (kind !== 'resource') return readProposalContent({ ...content, effect }, crypto);
  const { head } = basis;
  if (!head) throw new RangeError('a resource proposal needs the head of its set');
  const { base = head.version, configurationHash, uri, ...rest } = effect;
  if (!draft.rebase && base !== head.version) {
    throw new NotariumError('proposal-outdated', `version ${base}; the newest is ${head.version}`, {
      data: { have: base, want: head.version },
    });
  }
  const result = applyPatch(head.configuration, effect.patch);
  const configuration = readConfiguration(result as { readonly [name: string]: Json }, crypto);
  // Rebased, it is another one than the draft was written for.
  if (!draft.rebase && configurationHash !== undefined && configurationHash !== configuration.hash) {
    throw new NotariumError('proposal-mismatch', 'effect.configurationHash', {
      data: { field: 'effect.configurationHash', have: configurationHash, want: configuration.hash },
    });
  }
  const filled = {
    ...rest,
    base: head.version,
    configurationHash: configuration.hash,
    uri: uri ?? contentPath(configuration.hash),
  };
  return { ...readProposalContent({ ...content, effect: filled }, crypto), configuration };
}
