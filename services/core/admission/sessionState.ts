/** Every state of a candidate's session with an authenticator; see {@link nextSessionState}. */
export const sessionStates = ['asked', 'checking', 'passed', 'failed', 'replaced'] as const;

/** State of a session. */
export type SessionState = (typeof sessionStates)[number];

/** What can happen to a session. */
export type SessionEdge = 'answer' | 'ask' | 'pass' | 'fail' | 'replace';

/**
 * The life of a session:
 *
 *     asked --answer--> checking --ask--> asked        (the next packet)
 *       |                  |
 *       |                  +--pass--> passed
 *       +------fail--------+--> failed
 *       +-----replace------+--> replaced               (the candidate has begun another one)
 */
const transitions: Readonly<Record<SessionState, Partial<Record<SessionEdge, SessionState>>>> = {
  asked: { answer: 'checking', fail: 'failed', replace: 'replaced' },
  checking: { ask: 'asked', pass: 'passed', fail: 'failed', replace: 'replaced' },
  passed: {},
  failed: {},
  replaced: {},
};

/**
 * State after an edge.
 * @throws RangeError when the edge does not leave that state.
 */
export function nextSessionState(state: SessionState, edge: SessionEdge): SessionState {
  const next = transitions[state][edge];
  if (next === undefined) throw new RangeError(`a session that is ${state} has no edge ${edge}`);
  return next;
}
