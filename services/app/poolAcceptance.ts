import { type Acceptance, signAcceptance } from '../core/acceptance.ts';
import { type Address, type RecordId, toHex } from '../core/bytes.ts';
import type { Network } from '../core/eip712.ts';
import type { Signer } from '../core/signature.ts';
import type { PooledRecord } from '../store/Store.ts';

/** A pool row's promise. */
type Promised = Pick<PooledRecord, 'acceptedAt' | 'includeBySlot' | 'acceptance'>;

/** The promise that was signed when the record was accepted. */
export function keptAcceptance(
  centre: Address,
  recordId: RecordId,
  { acceptedAt, includeBySlot, acceptance }: Promised,
): Acceptance {
  return { recordId, acceptedAt, includeBySlot, centre, signature: toHex(acceptance) };
}

/**
 * Our promise for a record in the pool. One that came from another centre has no signature of ours until somebody asks for
 * it; signatures are deterministic, so each time it is the same one.
 */
export async function poolAcceptance(
  network: Network,
  signer: Signer,
  recordId: RecordId,
  row: Promised,
): Promise<Acceptance> {
  if (row.acceptance.length > 0) return keptAcceptance(signer.address, recordId, row);
  const { acceptedAt, includeBySlot } = row;
  return await signAcceptance(network, { recordId, acceptedAt, includeBySlot }, signer);
}
