import { utf8 } from '../../core/bytes.ts';
import type { StoredBallot } from '../../store/BallotStore.ts';

/**
 * Most bytes that the votes of one transaction take: nodes pass on no transaction above 128 KiB, and at 40 gas a byte (the floor
 * of EIP-7623) it stays far below what a transaction may cost (16,777,216 gas, EIP-7825).
 */
export const maxBatchBytes = 65_536;

const wordBytes = 32;

/** Collected ballots in batches that fit a transaction each, in their order. */
export function ballotBatches(ballots: readonly StoredBallot[]): StoredBallot[][] {
  const batches: StoredBallot[][] = [];
  let leftBytes = 0;
  for (const ballot of ballots) {
    const sizeBytes = bytesOf(ballot);
    if (sizeBytes > leftBytes) {
      batches.push([]);
      leftBytes = maxBatchBytes;
    }
    batches.at(-1)!.push(ballot);
    leftBytes -= sizeBytes;
  }
  return batches;
}

/** Most that a vote takes in `castVotesBySig`. */
function bytesOf({ reason, signature }: StoredBallot): number {
  // Its place in the list, its four fields, and two texts with their lengths. Votes of keys without a reason take 66 bytes.
  return 7 * wordBytes + padded(utf8(reason).length) + padded((signature.length - 2) / 2);
}

function padded(sizeBytes: number): number {
  return Math.ceil(sizeBytes / wordBytes) * wordBytes;
}
