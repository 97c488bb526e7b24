import { type BlockHeader, type BlockSignature, blockDigest } from '../core/block.ts';
import { toHex } from '../core/bytes.ts';
import { type Committee, quorumOf } from '../core/committee.ts';
import type { Network } from '../core/eip712.ts';
import { NotariumError } from '../core/errors.ts';
import type { Signer } from '../core/signature.ts';

/**
 * Signatures of a committee whose quorum is one: our own. Asking others is the part of the network module.
 * @throws NotariumError `quorum-unreachable`.
 */
export async function signAlone(
  network: Network,
  signer: Signer,
  header: BlockHeader,
  committee: Committee,
): Promise<BlockSignature[]> {
  requireAlone(committee.members.length);
  return [{ signer: signer.address, signature: toHex(await signer.sign(blockDigest(network, header))) }];
}

/** @throws NotariumError `quorum-unreachable` where one centre of so many members is no quorum. */
export function requireAlone(members: number): void {
  const quorum = quorumOf(members);
  if (quorum > 1) throw new NotariumError('quorum-unreachable', undefined, { data: { have: 1, want: quorum } });
}
