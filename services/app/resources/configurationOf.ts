import type { Hash } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { type CheckedConfiguration, readConfiguration, resourceSetId } from '../../core/governance/configuration.ts';
import { isObject, type Json } from '../../core/governance/json.ts';
import { applyPatch } from '../../core/governance/jsonPatch.ts';
import { type ContentOf, maxContentBytes, readProposalContent } from '../../core/governance/proposalContent.ts';
import type { ProposalProjection, VersionProjection } from '../governance/projections.ts';
import type { ResourceParts } from './ResourceParts.ts';
import { versionOf } from './versionsOf.ts';

/** What a passed version comes to, computed here. */
export type Computed = {
  /** Undefined where no content tells it. */
  readonly name?: string;
} & (
  | { readonly kind: 'configuration'; readonly checked: CheckedConfiguration }
  /** What was voted on contradicts itself or what is on chain; for ever, so there is nothing to wait for. */
  | { readonly kind: 'refused'; readonly reason: string }
);

type Parts = Pick<ResourceParts, 'store' | 'contents' | 'crypto'>;
type Effect = ContentOf<'resource'>['effect'];

// Only a node that has nothing computes more than one; the others give configurations by hash.
const maxDepth = 64;

/**
 * Computes the configuration of a version from what was voted on: its patch, applied to the configuration that it is made for.
 * What comes out is kept as a content.
 * @throws NotariumError `content-unavailable`: not now.
 */
export async function configurationOf(
  parts: Parts,
  version: VersionProjection,
  signal: AbortSignal,
): Promise<Computed> {
  let name: string | undefined;
  try {
    const effect = await effectOf(parts, version, signal);
    name = effect.resourceSet;
    const base = await baseOf(parts, version, signal);
    return { kind: 'configuration', name, checked: await patched(parts, version, effect, base) };
  } catch (error) {
    if (!isNotariumError(error) || !isForEver(error)) throw error;
    return { kind: 'refused', reason: error.message, ...(name === undefined ? {} : { name }) };
  }
}

function isForEver({ code }: NotariumError): boolean {
  return (
    code.startsWith('json-') ||
    code.startsWith('text-') ||
    ['proposal-invalid', 'proposal-mismatch', 'patch-failed', 'configuration-invalid'].includes(code)
  );
}

/** What was voted on, compared with what is on chain. */
async function effectOf(
  { store, contents, crypto }: Parts,
  version: VersionProjection,
  signal: AbortSignal,
): Promise<Effect> {
  const proposal = (await store.projection(version.proposalId))?.body as ProposalProjection | undefined;
  if (!proposal) throw new NotariumError('content-unavailable', `of proposal ${version.proposalId}`);
  const bytes = await contents.get(proposal.contentHash, { signal, maxBytes: maxContentBytes });
  const { content, hash } = readProposalContent(bytes, crypto);
  const mismatch = (field: string): NotariumError => new NotariumError('proposal-mismatch', field, { data: { field } });
  if (hash !== proposal.contentHash) throw mismatch('content');
  if (content.kind !== 'resource') throw mismatch('kind');
  const { effect } = content;
  if (resourceSetId(effect.resourceSet, crypto) !== version.resourceSet) throw mismatch('effect.resourceSet');
  if (effect.base !== version.parent) throw mismatch('effect.base');
  if (effect.configurationHash !== version.configurationHash) throw mismatch('effect.configurationHash');
  return effect;
}

/** The configuration that a version is made for: by its hash, or computed where no centre gives it. */
async function baseOf(parts: Parts, version: VersionProjection, signal: AbortSignal): Promise<Json> {
  const missing: VersionProjection[] = [];
  let base: Json = {};
  for (let at = version; at.parent !== 0; at = missing.at(-1)!) {
    const parent = await versionOf(parts.store, version.resourceSet, at.parent);
    if (!parent || missing.length >= maxDepth) throw unavailable(at.configurationHash);
    try {
      base = readConfiguration(
        await parts.contents.get(parent.configurationHash, { signal }),
        parts.crypto,
      ).configuration;
      break;
    } catch (error) {
      if (!isNotariumError(error, 'content-unavailable')) throw error;
      missing.push(parent);
    }
  }
  for (const each of missing.reverse()) {
    try {
      base = (await patched(parts, each, await effectOf(parts, each, signal), base)).configuration;
    } catch (error) {
      // One that contradicts itself has no configuration; whoever passed a version on top of it knows another.
      if (isNotariumError(error) && isForEver(error)) throw unavailable(each.configurationHash, error);
      throw error;
    }
  }
  return base;
}

function unavailable(hash: Hash, cause?: unknown): NotariumError {
  return new NotariumError('content-unavailable', hash, { data: { hash }, cause });
}

async function patched(
  { contents, crypto }: Parts,
  version: VersionProjection,
  { patch }: Effect,
  base: Json,
): Promise<CheckedConfiguration> {
  const result = applyPatch(base, patch);
  if (!isObject(result)) throw new NotariumError('configuration-invalid');
  const checked = readConfiguration(result, crypto);
  if (checked.hash !== version.configurationHash) {
    const data = { field: 'effect.patch', have: checked.hash, want: version.configurationHash };
    throw new NotariumError('proposal-mismatch', 'the patch results in another configuration', { data });
  }
  await contents.put(checked.bytes);
  return checked;
}
