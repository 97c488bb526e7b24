import { expect } from 'chai';
import fc from 'fast-check';
import {
  type ApplicationEdge,
  type ApplicationState,
  applicationStates,
  isUnderWay,
  nextApplicationState,
} from '../../../../services/core/governance/applicationState.ts';

// Every legal edge; a change of the state machine must change this list too.
const legal: readonly (readonly [ApplicationState, ApplicationEdge, ApplicationState])[] = [
  ['waiting', 'begin', 'applying'],
  ['waiting', 'match', 'applied'],
  ['waiting', 'refuse', 'refused'],
  ['waiting', 'skip', 'skipped'],
  ['applying', 'write', 'reading'],
  ['applying', 'skip', 'skipped'],
  ['reading', 'match', 'applied'],
  ['reading', 'retry', 'applying'],
  ['reading', 'differ', 'rolling-back'],
  ['reading', 'skip', 'skipped'],
  ['rolling-back', 'restore', 'rolled-back'],
  ['rolling-back', 'fail', 'failed'],
  ['rolling-back', 'skip', 'skipped'],
  ['applied', 'again', 'waiting'],
  ['rolled-back', 'match', 'applied'],
  ['rolled-back', 'again', 'waiting'],
  ['failed', 'match', 'applied'],
  ['failed', 'again', 'waiting'],
  ['skipped', 'again', 'waiting'],
  ['refused', 'again', 'waiting'],
];
const edges = [...new Set(legal.map(([, edge]) => edge))];

describe('applicationState', () => {
  it('has these edges, and throws on every other one', () => {
    for (const state of applicationStates) {
      for (const edge of edges) {
        const row = legal.find(([from, by]) => from === state && by === edge);
        if (row) expect(nextApplicationState(state, edge), `${state} ${edge}`).to.equal(row[2]);
        else expect(() => nextApplicationState(state, edge), `${state} ${edge}`).to.throw(RangeError);
      }
    }
  });

  it('is applied only where it was read, and given back only after it was written', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...edges), { maxLength: 40 }), (walk) => {
        let state: ApplicationState = 'waiting';
        let wasWritten = false;
        for (const edge of walk) {
          const row = legal.find(([from, by]) => from === state && by === edge);
          if (!row) continue;
          state = nextApplicationState(state, edge);
          if (edge === 'again') wasWritten = false;
          if (edge === 'write') wasWritten = true;
          if (state === 'applied') expect(edge).to.equal('match');
          if (state === 'rolling-back') expect(wasWritten).to.equal(true);
        }
      }),
    );
  });

  it('is under way until it is one of the five ends', () => {
    expect(applicationStates.filter(isUnderWay)).to.deep.equal(['waiting', 'applying', 'reading', 'rolling-back']);
  });
});
