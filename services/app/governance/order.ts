import type { Address } from '../../core/bytes.ts';
import type { ProposalProjection } from './projections.ts';

/**
 * How many centres come before this one in what somebody has to do about a proposal: the proposer's does it, and the
 * others in the order of their places where it does not. Who is not of the electorate comes last.
 */
export function placeInOrder({ electorate, proposer }: ProposalProjection, centre: Address): number {
  const size = electorate.length;
  const placeOf = (address: Address): number => electorate.findIndex(({ account }) => account === address);
  const own = placeOf(centre);
  return own < 0 ? size : (own - placeOf(proposer) + size) % size;
}

/**
 * Unix seconds from which on a centre hands in, before the vote ends, what ballots there are: long enough before the end
 * for all centres to try one after another, but never before the middle of the vote.
 */
export function lastCallAt(
  { voteStart, voteEnd, electorate }: ProposalProjection,
  place: number,
  stepMs: number,
): number {
  const turns = electorate.length + 2;
  const leadSeconds = Math.min((turns * stepMs) / 1000, (voteEnd - voteStart) / 2);
  return voteEnd - leadSeconds + (place * leadSeconds) / turns;
}
