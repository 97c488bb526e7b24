/** Every state of a proposal, in the order of its life; see {@link nextProposalState}. */
export const proposalStates = [
  'pending',
  'active',
  'succeeded',
  'defeated',
  'canceled',
  'executed',
  'expired',
] as const;

/** State of a proposal, as the contract's `state` answers. */
export type ProposalState = (typeof proposalStates)[number];

/** What can happen to a proposal. */
export type ProposalEdge = 'cancel' | 'open' | 'pass' | 'defeat' | 'execute' | 'expire';

/**
 * The life of a proposal. Nothing is decided before its delay is over, since nobody can vote until then; whoever sees a
 * decision first sees `open` before it.
 *
 *     pending --open--> active --pass--> succeeded --execute--> executed
 *        |                 |                 |
 *     cancel             defeat            expire
 *        v                 v                 v
 *     canceled          defeated          expired
 */
const transitions: Readonly<Record<ProposalState, Partial<Record<ProposalEdge, ProposalState>>>> = {
  pending: { cancel: 'canceled', open: 'active' },
  active: { pass: 'succeeded', defeat: 'defeated' },
  succeeded: { execute: 'executed', expire: 'expired' },
  defeated: {},
  canceled: {},
  executed: {},
  expired: {},
};

/**
 * State after an edge.
 * @throws RangeError when the edge does not leave that state.
 */
export function nextProposalState(state: ProposalState, edge: ProposalEdge): ProposalState {
  const next = transitions[state][edge];
  if (next === undefined) throw new RangeError(`a proposal that is ${state} has no edge ${edge}`);
  return next;
}
