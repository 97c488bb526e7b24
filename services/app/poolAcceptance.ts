import { type Acceptance, signAcceptance } from '../core/acceptance.ts';
import { type Address, type RecordId, toHex } from '../core/bytes.ts';
import type { Network } from '../core/eip712.ts';
import type { Signer } from '../core/signature.ts';
import type { PooledRecord, Store } from '../store/Store.ts';

/** A pool row's promise. */
type Promised = Pick<PooledRecord, 'acceptedAt' | 'includeBySlot' | 'acceptance'>;

/**
 * Stands in a pool row for an acceptance that the client did not want to have signed. It is a promise like any other, so the
 * row must not look like one from another centre, whose acceptance is empty (`Store.overdue`).
 */
export const unsignedPromise = new Uint8Array(1);

/**
 * To be called before a promise for pool rows is signed and given away: what came from another centre is watched from then on
 * like what our own clients brought. On disk when it resolves, as each promise.
 */
export async function watchPooled(
  store: Pick<Store, 'promise'>,
  rows: readonly { readonly id: Uint8Array; readonly acceptance: Uint8Array }[],
): Promise<void> {
  const strange = rows.filter(({ acceptance }) => acceptance.length === 0);
  if (strange.length > 0)
    await store.promise(
      strange.map(({ id }) => id),
      unsignedPromise,
    );
}

/** The promise that was signed when the record was accepted. */
export function keptAcceptance(
  centre: Address,
  recordId: RecordId,
  { acceptedAt, includeBySlot, acceptance }: Promised,
): Acceptance {
  return { recordId, acceptedAt, includeBySlot, centre, signature: toHex(acceptance) };
}

/**
 * Our promise for a record in the pool, which {@link watchPooled} has noted. One that came from another centre, or from a client that wanted none, has no signature
 * of ours until somebody asks for it; signatures are deterministic, so each time it is the same one.
 */
export async function poolAcceptance(
  network: Network,
  signer: Signer,
  recordId: RecordId,
  row: Promised,
): Promise<Acceptance> {
  if (row.acceptance.length > unsignedPromise.length) return keptAcceptance(signer.address, recordId, row);
  const { acceptedAt, includeBySlot } = row;
  return await signAcceptance(network, { recordId, acceptedAt, includeBySlot }, signer);
}
