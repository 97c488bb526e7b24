import { type Acceptance, signAcceptance } from '../core/acceptance.ts';
import { type RecordId, toHex } from '../core/bytes.ts';
import type { Network } from '../core/eip712.ts';
import type { Signer } from '../core/signature.ts';
import type { PooledRecord } from '../store/Store.ts';

/**
 * Our promise for a record in the pool. One that came from another centre has no signature of ours until somebody asks for
 * it; signatures are deterministic, so each time it is the same one.
 */
export async function poolAcceptance(
  network: Network,
  signer: Signer,
  recordId: RecordId,
  { acceptedAt, includeBySlot, acceptance }: Pick<PooledRecord, 'acceptedAt' | 'includeBySlot' | 'acceptance'>,
): Promise<Acceptance> {
  if (acceptance.length === 0) return await signAcceptance(network, { recordId, acceptedAt, includeBySlot }, signer);
  return { recordId, acceptedAt, includeBySlot, centre: signer.address, signature: toHex(acceptance) };
}
