import { expect } from 'chai';
import fc from 'fast-check';
import {
  nextProposalState,
  type ProposalEdge,
  type ProposalState,
  proposalStates,
} from '../../../../services/core/governance/proposalState.ts';

const edges: readonly ProposalEdge[] = ['cancel', 'open', 'pass', 'defeat', 'execute', 'expire'];

// Every legal edge; a change of the state machine must change this list too.
const legal: readonly (readonly [ProposalState, ProposalEdge, ProposalState])[] = [
  ['pending', 'cancel', 'canceled'],
  ['pending', 'open', 'active'],
  ['active', 'pass', 'succeeded'],
  ['active', 'defeat', 'defeated'],
  ['succeeded', 'execute', 'executed'],
  ['succeeded', 'expire', 'expired'],
];

describe('proposalState', () => {
  it('follows the table, and throws on every other edge', () => {
    for (const state of proposalStates) {
      for (const edge of edges) {
        const row = legal.find(([from, by]) => from === state && by === edge);
        if (row) expect(nextProposalState(state, edge)).to.equal(row[2]);
        else expect(() => nextProposalState(state, edge), `${state} ${edge}`).to.throw(RangeError);
      }
    }
  });

  it('never executes what has not passed, nor twice', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...edges), { maxLength: 12 }), (walk) => {
        let state: ProposalState = 'pending';
        let passed = 0;
        let executed = 0;
        for (const edge of walk) {
          try {
            state = nextProposalState(state, edge);
          } catch (error) {
            expect(error).to.be.instanceOf(RangeError);
            continue;
          }
          if (edge === 'pass') passed++;
          if (edge === 'execute') executed++;
        }
        expect(executed).to.be.at.most(passed);
        expect(passed).to.be.at.most(1);
      }),
    );
  });
});
