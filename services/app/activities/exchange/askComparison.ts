import type { Address } from '../../../core/bytes.ts';
import type { NotariumError } from '../../../core/errors.ts';
import { jsonOrUndefined } from '../../../lib/jsonOrUndefined.ts';
import type { Net } from '../../../net/Net.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import {
  activityProtocols,
  type Compared,
  type Comparison,
  comparisonSchema,
  framesOf,
  itemsOf,
  maxCompared,
  maxListed,
} from './items.ts';
import { wrongAnswer } from './wrongAnswer.ts';

/** Whom something is asked of, and for how long. */
export type Asking = { readonly net: Net; readonly member: Address; readonly signal: AbortSignal };

type Parts = Pick<ActivityParts, 'settings' | 'refusals'>;

const answerBytes = 100 * maxListed;

/** Asks a member what it has of some activities: an answer for each. @throws NotariumError as `Net.request`, `peer-answer-invalid`. */
export async function askComparison(
  parts: Parts,
  { net, member, signal }: Asking,
  asked: readonly Compared[],
): Promise<Comparison[]> {
  const texts = asked.map((one) => JSON.stringify(one));
  const frames = net.request(member, activityProtocols.compare, framesOf(texts), {
    timeoutMs: parts.settings.requestMs,
    signal,
  });
  const bounds = { itemBytes: answerBytes, items: maxCompared, bytes: answerBytes * maxCompared };
  const answers: Comparison[] = [];
  for await (const item of itemsOf(frames, bounds)) {
    const parsed = comparisonSchema.safeParse(jsonOrUndefined(item));
    if (!parsed.success) throw wrongComparison(parts, { net, member }, 'not the expected comparison');
    answers.push(parsed.data);
  }
  if (answers.length !== asked.length)
    throw wrongComparison(parts, { net, member }, 'not a comparison for each activity');
  return answers;
}

/** What is said of an answer that is none: counted and blamed. */
export function wrongComparison(
  { refusals }: Pick<Parts, 'refusals'>,
  { net, member }: Pick<Asking, 'net' | 'member'>,
  detail: string,
): NotariumError {
  const error = wrongAnswer(net, member, detail);
  refusals.count(error, member);
  return error;
}
