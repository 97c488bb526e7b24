/** Every state of a version of a resource set at one node; see {@link nextApplicationState}. */
export const applicationStates = [
  'waiting',
  'applying',
  'reading',
  'applied',
  'rolling-back',
  'rolled-back',
  'failed',
  'skipped',
  'refused',
] as const;

/** State of a version at one node; not to be mixed up with its state on chain. */
export type ApplicationState = (typeof applicationStates)[number];

/** What can happen to a version at one node. */
export type ApplicationEdge =
  | 'begin'
  | 'write'
  | 'match'
  | 'retry'
  | 'differ'
  | 'restore'
  | 'fail'
  | 'skip'
  | 'refuse'
  | 'again';

/**
 * The life of a version at one node:
 *
 *     waiting --begin--> applying --write--> reading --match--> applied
 *        |                  ^                 |   |
 *        +--refuse-->       +------retry------+   +--differ--> rolling-back --restore--> rolled-back
 *            refused                                                |
 *                                                                   +-------fail-------> failed
 *
 * `match` from waiting, rolled-back and failed: it is there already, whoever put it there. `skip` leaves every state that is not an
 * end, where another version is to be there now. `again` takes every end back to waiting: a repair, or the newer version has failed.
 */
const transitions: Readonly<Record<ApplicationState, Partial<Record<ApplicationEdge, ApplicationState>>>> = {
  waiting: { begin: 'applying', match: 'applied', refuse: 'refused', skip: 'skipped' },
  applying: { write: 'reading', skip: 'skipped' },
  reading: { match: 'applied', retry: 'applying', differ: 'rolling-back', skip: 'skipped' },
  'rolling-back': { restore: 'rolled-back', fail: 'failed', skip: 'skipped' },
  applied: { again: 'waiting' },
  'rolled-back': { match: 'applied', again: 'waiting' },
  failed: { match: 'applied', again: 'waiting' },
  skipped: { again: 'waiting' },
  refused: { again: 'waiting' },
};

/**
 * State after an edge.
 * @throws RangeError when the edge does not leave that state.
 */
export function nextApplicationState(state: ApplicationState, edge: ApplicationEdge): ApplicationState {
  const next = transitions[state][edge];
  if (next === undefined) throw new RangeError(`a version that is ${state} has no edge ${edge}`);
  return next;
}

/** Whether the node has still to do something to it. */
export function isUnderWay(state: ApplicationState): boolean {
  return 'skip' in transitions[state];
}
