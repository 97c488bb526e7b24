import { expect } from 'chai';
import fc from 'fast-check';
import { type BlockEdge, type BlockState, blockStates, nextBlockState } from '../../../services/core/blockState.ts';

const edges: readonly BlockEdge[] = ['submit', 'find', 'commit', 'vanish', 'void'];

// Every legal edge; a change of the state machine must change this list too.
const legal: readonly (readonly [BlockState, BlockEdge, BlockState])[] = [
  ['sealed', 'submit', 'submitted'],
  ['sealed', 'find', 'anchored'],
  ['sealed', 'void', 'void'],
  ['submitted', 'submit', 'submitted'],
  ['submitted', 'find', 'anchored'],
  ['submitted', 'void', 'void'],
  ['anchored', 'commit', 'committed'],
  ['anchored', 'vanish', 'submitted'],
];

describe('blockState', () => {
  it('follows the table, and throws on every other edge', () => {
    fc.assert(
      fc.property(fc.constantFrom(...blockStates), fc.constantFrom(...edges), (state, edge) => {
        const row = legal.find(([from, by]) => from === state && by === edge);
        if (row) expect(nextBlockState(state, edge)).to.equal(row[2]);
        else expect(() => nextBlockState(state, edge)).to.throw(RangeError);
      }),
      { numRuns: 500 },
    );
  });

  it('ends committed or void only, and commits nothing that was not anchored', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...edges), { maxLength: 30 }), (walk) => {
        let state: BlockState = 'sealed';
        for (const edge of walk) {
          const from: BlockState = state;
          try {
            state = nextBlockState(from, edge);
          } catch (error) {
            expect(error).to.be.instanceOf(RangeError);
            continue;
          }
          expect(from).to.not.be.oneOf(['committed', 'void']);
          if (state === 'committed') expect(from).to.equal('anchored');
          if (from === 'anchored') expect(state).to.not.equal('void');
        }
      }),
    );
    for (const state of ['committed', 'void'] as const) {
      for (const edge of edges) expect(() => nextBlockState(state, edge)).to.throw(RangeError);
    }
  });
});
