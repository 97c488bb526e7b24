import type { Address } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import type { Net } from '../../../net/Net.ts';

const wrongAnswerPoints = 10;

/** What a peer has answered that nobody answers who goes by the protocol: it is blamed for that. */
export function wrongAnswer(net: Net, peer: Address, detail: string): NotariumError {
  net.blame(peer, 'activity-answer', wrongAnswerPoints);
  return new NotariumError('peer-answer-invalid', detail, { data: { peer } });
}
