import type { ProposalAnswer } from '../../lib/client/governanceAnswers.ts';
import { durationText, timeText } from './texts.ts';

type Timed = Pick<ProposalAnswer, 'state' | 'voteStart' | 'voteEnd'>;

/** What a proposal waits for, in few words; the state alone where it waits for nothing. */
export function shortState({ state, voteStart, voteEnd }: Timed, nowSeconds: number): string {
  if (state === 'pending') return `pending, ${durationText(voteStart - nowSeconds)} to wait`;
  return state === 'active' ? `active, ${durationText(voteEnd - nowSeconds)} left` : state;
}

/** The same with the times themselves. */
export function longState(proposal: Timed, nowSeconds: number): string {
  const text = shortState(proposal, nowSeconds);
  if (proposal.state === 'pending') return `${text} (votes from ${timeText(proposal.voteStart)})`;
  return proposal.state === 'active' ? `${text} (until ${timeText(proposal.voteEnd)})` : text;
}
