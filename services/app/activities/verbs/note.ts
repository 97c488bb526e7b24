import type { Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import type { ActivityCaller, Contents, SentMessage } from '../ActivityDesk.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { checkStillHeld, contentsOf } from '../contentsOf.ts';
import { sendIn } from '../sendIn.ts';

/** See `ActivityDesk.note`. */
export async function note(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  request: Contents & { readonly on: Hash },
): Promise<SentMessage> {
  const { on } = request;
  const { body, attachments, device } = await contentsOf(parts, by, request);
  return await sendIn(parts, by, id, async ({ versions }) => {
    await checkStillHeld(parts, by, device);
    if (!versions.has(on)) throw new NotariumError('not-found', 'the activity has no such version', { data: { on } });
    return { head: { type: 'note', on, ...(device ? { device } : {}) }, body, attachments };
  });
}
