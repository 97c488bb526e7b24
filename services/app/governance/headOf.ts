import type { Hash } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { readConfiguration, resourceSetId } from '../../core/governance/configuration.ts';
import type { Json } from '../../core/governance/json.ts';
import { configurationOf } from '../resources/configurationOf.ts';
import { versionOf } from '../resources/versionsOf.ts';
import type { GovernanceParts } from './GovernanceParts.ts';

type Parts = Pick<GovernanceParts, 'governance' | 'contents' | 'crypto' | 'store'>;

/**
 * The configuration that the next version of a resource set builds on: held here, given by another centre, or computed from what
 * was voted on.
 * @throws NotariumError `content-unavailable` with data { resourceSet, version, hash }.
 */
export async function headOf(
  parts: Parts,
  resourceSet: string,
): Promise<{ readonly version: number; readonly configuration: Json }> {
  const { governance, contents, crypto } = parts;
  const id = resourceSetId(resourceSet, crypto);
  const { head: version } = await governance.resourceHeads(id);
  if (version === 0) return { version, configuration: {} };
  const { configurationHash: hash } = await governance.resourceVersion(id, version);
  try {
    return { version, configuration: readConfiguration(await contents.get(hash), crypto).configuration };
  } catch (error) {
    if (!isNotariumError(error, 'content-unavailable')) throw error;
  }
  try {
    return { version, configuration: await computed(parts, { id, version, hash }) };
  } catch (cause) {
    if (!isNotariumError(cause, 'content-unavailable')) throw cause;
    const detail = `the configuration of ${resourceSet}, version ${version}, on which the proposal builds; missing: ${cause.detail}`;
    throw new NotariumError('content-unavailable', detail, { data: { resourceSet, version, hash }, cause });
  }
}

async function computed(
  parts: Parts,
  { id, version, hash }: { readonly id: Hash; readonly version: number; readonly hash: Hash },
): Promise<Json> {
  const known = await versionOf(parts.store, id, version);
  // The chain may be ahead of what is confirmed here.
  const isKnown = known?.configurationHash === hash;
  const result = isKnown ? await configurationOf(parts, known, new AbortController().signal) : undefined;
  if (result?.kind === 'configuration') return result.checked.configuration;
  throw new NotariumError('content-unavailable', result?.reason ?? hash);
}
