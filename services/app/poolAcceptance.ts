import { type Acceptance, signAcceptance } from '../core/acceptance.ts';
import { type Address, type RecordId, toHex } from '../core/bytes.ts';
import type { Network } from '../core/eip712.ts';
import type { Signer } from '../core/signature.ts';
import type { PooledRecord } from '../store/PoolRow.ts';
import type { Store } from '../store/Store.ts';

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
 * @param includeBySlot For what is promised only now: the slot of the row may be over, and such a promise broken already.
 * @returns The rows, as they are promised.
 */
export async function watchPooled<Row extends Pick<Promised, 'includeBySlot' | 'acceptance'>>(
  store: Pick<Store, 'promise'>,
  rows: readonly (Row & { readonly id: Uint8Array })[],
  includeBySlot: number,
): Promise<(Row & { readonly id: Uint8Array })[]> {
  const isStrange = ({ acceptance }: Row): boolean => acceptance.length === 0;
  const terms = { includeBySlot, acceptance: unsignedPromise };
  const strange = rows.filter(isStrange).map(({ id }) => id);
  if (strange.length > 0) await store.promise(strange, terms);
  return rows.map((row) =>
    isStrange(row) ? { ...row, ...terms, includeBySlot: Math.max(row.includeBySlot, includeBySlot) } : row,
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
