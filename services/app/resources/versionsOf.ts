import type { Hash } from '../../core/bytes.ts';
import type { Store } from '../../store/Store.ts';
import { subjectOf } from '../governance/noticeOf.ts';
import type { VersionProjection } from '../governance/projections.ts';

type Projections = Pick<Store, 'projection' | 'projections'>;

/** A version as the confirmed events tell it. */
export async function versionOf(
  store: Projections,
  resourceSet: Hash,
  version: number,
): Promise<VersionProjection | undefined> {
  const found = await store.projection(subjectOf({ resourceSet, version }));
  return found?.body as VersionProjection | undefined;
}

/** Versions of a set, newest first. */
export async function newestVersions(
  store: Projections,
  resourceSet: Hash,
  { beforeSeq, limit }: { readonly beforeSeq?: number; readonly limit: number },
): Promise<{ readonly seq: number; readonly version: VersionProjection }[]> {
  const prefix = `${resourceSet}:`;
  const query = { kind: 'version', prefix, limit, ...(beforeSeq === undefined ? {} : { beforeSeq }) } as const;
  const found = await store.projections(query);
  return found.map(({ seq, body }) => ({ seq, version: body as unknown as VersionProjection }));
}

/**
 * The version that is to be there: the newest, or, where it has failed, the one that it was made from, and so on: what
 * `ResourceRegistry.head` says at the newest confirmed block.
 */
export async function headOf(store: Projections, resourceSet: Hash): Promise<VersionProjection | undefined> {
  let at = (await newestVersions(store, resourceSet, { limit: 1 }))[0]?.version;
  while (at?.state === 'failed') at = await versionOf(store, resourceSet, at.parent);
  return at;
}
