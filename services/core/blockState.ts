/** Every state of a block, in the order of its life; see {@link nextBlockState}. */
export const blockStates = ['sealed', 'submitted', 'anchored', 'committed', 'void'] as const;

/** State of a block. */
export type BlockState = (typeof blockStates)[number];

/** What can happen to a block of this centre. */
export type BlockEdge = 'submit' | 'find' | 'commit' | 'vanish' | 'void' | 'adopt';

/**
 * The life of a block:
 *
 *     sealed --submit--> submitted --find--> anchored --commit--> committed
 *        |                   |                  |
 *        +------void---------+--> void          +--vanish--> submitted
 *                                  |
 *                                  +--adopt--> anchored   (the chain took it after all)
 *
 * `find` from sealed covers an anchor that another process, or this one before a crash, has sent.
 */
const transitions: Readonly<Record<BlockState, Partial<Record<BlockEdge, BlockState>>>> = {
  sealed: { submit: 'submitted', find: 'anchored', void: 'void' },
  submitted: { submit: 'submitted', find: 'anchored', void: 'void' },
  anchored: { commit: 'committed', vanish: 'submitted' },
  committed: {},
  void: { adopt: 'anchored' },
};

/**
 * State after an edge.
 * @throws RangeError when the edge does not leave that state.
 */
export function nextBlockState(state: BlockState, edge: BlockEdge): BlockState {
  const next = transitions[state][edge];
  if (next === undefined) throw new RangeError(`a block that is ${state} has no edge ${edge}`);
  return next;
}
