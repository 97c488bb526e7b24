import { haveMet } from '../../../core/activities/haveMet.ts';
import type { Address, Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import type { Net } from '../../../net/Net.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import type { AttachmentFiles } from '../AttachmentFiles.ts';
import { type AttachmentQuery, activityProtocols, attachmentQuerySchema } from './items.ts';
import { PeerTurns } from './PeerTurns.ts';
import { readQuery } from './readQuery.ts';
import { mayHave } from './serveMessages.ts';

const frameBytes = 1 << 20;
const mostAtOnce = 4;

/** Gives members the encrypted bytes of attachments; they have the keys in their messages. */
export function serveAttachments(parts: ActivityParts, net: Net): void {
  const turns = new PeerTurns(mostAtOnce);
  net.handle(activityProtocols.attachments, async function* (frames, from, signal) {
    const query = await readQuery(parts, from, frames, attachmentQuerySchema);
    const { sealedDigest, fromByte } = query;
    const { files } = parts;
    // The same answer to all others: nobody learns what is here.
    const unknown = new NotariumError('not-found', 'no such attachment');
    if (!(await isGivenTo(parts, query, from))) {
      parts.refusals.count(unknown, from);
      throw unknown;
    }
    if (!files || !(await files.have(sealedDigest)).isWhole) throw unknown;
    yield* turns.give(from, framesFrom(files, { sealedDigest, fromByte }, signal));
  });
}

async function* framesFrom(
  files: AttachmentFiles,
  { sealedDigest, fromByte }: { readonly sealedDigest: Hash; readonly fromByte: number },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of await files.read(sealedDigest, fromByte)) {
    signal.throwIfAborted();
    const bytes = chunk as Uint8Array;
    for (let at = 0; at < bytes.length; at += frameBytes) yield bytes.subarray(at, at + frameBytes);
  }
}

/**
 * Whether the file is here for something that is said in the activity, and the member may have the message that names it there. Whoever has
 * been shown the digest of a file can name it in an activity of its own, and would find out by the answer who has it from another one.
 */
async function isGivenTo(
  { store, activities, signer }: ActivityParts,
  { activity: id, message, sealedDigest }: AttachmentQuery,
  member: Address,
): Promise<boolean> {
  if (!(await store.isFileHere({ activity: id, message, sealedDigest }))) return false;
  const [stored, activity] = await Promise.all([store.message(message), activities.find(id)]);
  if (!stored || !activity || !haveMet(activity, signer.address, member)) return false;
  return mayHave(activity, stored, member);
}
