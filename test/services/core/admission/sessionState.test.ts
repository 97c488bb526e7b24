import { expect } from 'chai';
import fc from 'fast-check';
import {
  nextSessionState,
  type SessionEdge,
  type SessionState,
  sessionStates,
} from '../../../../services/core/admission/sessionState.ts';

const edges: readonly SessionEdge[] = ['answer', 'ask', 'pass', 'fail', 'replace'];

// Every legal edge; a change of the state machine must change this list too.
const legal: readonly (readonly [SessionState, SessionEdge, SessionState])[] = [
  ['asked', 'answer', 'checking'],
  ['asked', 'fail', 'failed'],
  ['asked', 'replace', 'replaced'],
  ['checking', 'ask', 'asked'],
  ['checking', 'pass', 'passed'],
  ['checking', 'fail', 'failed'],
  ['checking', 'replace', 'replaced'],
];

describe('sessionState', () => {
  it('follows the table, and throws on every other edge', () => {
    fc.assert(
      fc.property(fc.constantFrom(...sessionStates), fc.constantFrom(...edges), (state, edge) => {
        const row = legal.find(([from, by]) => from === state && by === edge);
        if (row) expect(nextSessionState(state, edge)).to.equal(row[2]);
        else expect(() => nextSessionState(state, edge)).to.throw(RangeError);
      }),
      { numRuns: 500 },
    );
  });

  it('passes nobody whose answer was not checked, and takes none twice', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...edges), { maxLength: 30 }), (walk) => {
        let state: SessionState = 'asked';
        for (const edge of walk) {
          const from: SessionState = state;
          try {
            state = nextSessionState(from, edge);
          } catch (error) {
            expect(error).to.be.instanceOf(RangeError);
            continue;
          }
          expect(from).to.be.oneOf(['asked', 'checking']);
          if (state === 'passed') expect(from).to.equal('checking');
          if (edge === 'answer') expect(from).to.equal('asked');
        }
      }),
    );
  });
});
