import type { Aggregation } from './names.ts';

/** Votes on a proposal and what its rule asks for; all of them whole numbers of votes. */
export type Tally = {
  readonly aggregation: Aggregation;
  readonly forVotes: number;
  readonly againstVotes: number;
  readonly abstainVotes: number;
  /** Votes of the whole electorate. */
  readonly totalVotes: number;
  /** How many must take part (for, against or abstain). */
  readonly quorumVotes: number;
};

/**
 * Whether the outcome is certain, whatever those who have not voted do: the same rule as `ProposalCores.outcome` of the
 * contract, so that anyone can judge from the events alone.
 * @param isOver Whether nobody can vote any more; then it is always one of the two.
 */
export function outcomeOf(tally: Tally, isOver: boolean): 'passed' | 'defeated' | undefined {
  const { aggregation, forVotes, againstVotes, abstainVotes, totalVotes, quorumVotes } = tally;
  const cast = forVotes + againstVotes + abstainVotes;
  const out = isOver ? 0 : totalVotes - cast;
  // The worst that can still come is that all others are against, the best that all are for. A quorum that is there stays;
  // one that is not can always still be reached.
  let passed: boolean;
  let defeated: boolean;
  if (aggregation === 'two-thirds') {
    passed = forVotes > 0 && forVotes >= 2 * (againstVotes + out);
    defeated = forVotes + out === 0 || forVotes + out < 2 * againstVotes;
  } else if (aggregation === 'unanimity') {
    passed = forVotes === totalVotes;
    defeated = cast !== forVotes;
  } else {
    passed = forVotes > againstVotes + out;
    defeated = forVotes + out <= againstVotes;
  }
  if (passed && cast >= quorumVotes) return 'passed';
  return defeated || isOver ? 'defeated' : undefined;
}
