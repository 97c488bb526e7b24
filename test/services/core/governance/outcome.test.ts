import { expect } from 'chai';
import fc from 'fast-check';
import { aggregations } from '../../../../services/core/governance/names.ts';
import { outcomeOf, type Tally } from '../../../../services/core/governance/outcome.ts';

const tally = fc
  .record({
    aggregation: fc.constantFrom(...aggregations),
    forVotes: fc.nat(5),
    againstVotes: fc.nat(5),
    abstainVotes: fc.nat(4),
    out: fc.nat(4),
    quorumPart: fc.nat(20),
  })
  .map(({ out, quorumPart, ...votes }): Tally & { out: number } => {
    const totalVotes = votes.forVotes + votes.againstVotes + votes.abstainVotes + out;
    return { ...votes, totalVotes, quorumVotes: Math.ceil((totalVotes * quorumPart) / 20), out };
  })
  .filter(({ totalVotes }) => totalVotes > 0);

/** The definition, without any thought of what is still out. */
function atTheEnd({ aggregation, forVotes, againstVotes, abstainVotes, totalVotes, quorumVotes }: Tally): boolean {
  if (forVotes + againstVotes + abstainVotes < quorumVotes) return false;
  if (aggregation === 'two-thirds') return forVotes > 0 && 3 * forVotes >= 2 * (forVotes + againstVotes);
  if (aggregation === 'unanimity') return forVotes === totalVotes;
  return forVotes > againstVotes;
}

/** Every way in which those who have not voted may still vote, or not. */
function* endings({ out, ...now }: Tally & { out: number }): Generator<Tally> {
  for (let inFavour = 0; inFavour <= out; inFavour++) {
    for (let against = 0; inFavour + against <= out; against++) {
      for (let abstain = 0; inFavour + against + abstain <= out; abstain++) {
        yield {
          ...now,
          forVotes: now.forVotes + inFavour,
          againstVotes: now.againstVotes + against,
          abstainVotes: now.abstainVotes + abstain,
        };
      }
    }
  }
}

// The contract's own cases are compared in test/contracts/ConsortiumGovernor.votes.test.ts.
describe('governance outcome', () => {
  it('is what the definition says when nobody can vote any more', () => {
    fc.assert(
      fc.property(tally, (votes) => {
        expect(outcomeOf(votes, true)).to.equal(atTheEnd(votes) ? 'passed' : 'defeated');
      }),
      { numRuns: 2_000 },
    );
  });

  it('is early only where every ending gives the same', () => {
    fc.assert(
      fc.property(tally, (votes) => {
        const early = outcomeOf(votes, false);
        if (early === undefined) return;
        for (const ending of endings(votes)) expect(atTheEnd(ending), early).to.equal(early === 'passed');
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not wait where every ending gives the same and the quorum is there', () => {
    fc.assert(
      fc.property(tally, (votes) => {
        const cast = votes.totalVotes - votes.out;
        if (cast < votes.quorumVotes) return;
        const all = new Set([...endings(votes)].map(atTheEnd));
        const want = all.size > 1 ? undefined : all.has(true) ? 'passed' : 'defeated';
        expect(outcomeOf(votes, false)).to.equal(want);
      }),
      { numRuns: 2_000 },
    );
  });
});
