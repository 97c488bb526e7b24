import type { Readable } from 'node:stream';
import { type Activity, membersOf } from '../../core/activities/activity.ts';
import { type Attachment, attachmentSchema } from '../../core/activities/contents.ts';
import type { Address, Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { messageOf } from './Activities.ts';
import type { ActivityCaller, ActivityDesk } from './ActivityDesk.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { requireActivity } from './requireActivity.ts';

/** See `ActivityDesk.putAttachment`. */
export async function putAttachment(
  { uploads }: ActivityParts,
  by: ActivityCaller,
  { name, mediaType, content, sizeBytes }: Parameters<ActivityDesk['putAttachment']>[1],
): Promise<Attachment> {
  if (!uploads) throw noFiles();
  const named = { name, ...(mediaType === undefined ? {} : { mediaType }) };
  const form = attachmentSchema.pick({ name: true, mediaType: true }).safeParse(named);
  if (!form.success) throw new NotariumError('request-invalid', form.error.issues[0]!.message);
  return { ...named, ...(await uploads.put(by, content, sizeBytes)) };
}

/** See `ActivityDesk.attachment`. */
export async function attachment(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  { message, index }: { readonly message: Hash; readonly index: number },
): Promise<{ readonly attachment: Attachment; readonly content: Readable }> {
  const { activity } = await requireActivity(parts, by, id);
  const { files } = parts;
  if (!files) throw noFiles();
  const stored = await parts.store.message(message);
  const found = stored?.activity === id ? messageOf(stored).attachments.list[index] : undefined;
  if (!stored || !found)
    throw new NotariumError('not-found', `the message has no attachment ${index}`, { data: { message } });
  const { isWhole } = await files.have(found.sealedDigest);
  const { sealedDigest, sealedBytes } = found;
  const file = { sealedDigest, sealedBytes, activity: id, message };
  if (!isWhole) await parts.fetches.fetch(files, parts.net, file, sourcesOf(parts, activity, stored.sender));
  await parts.store.setHere(file);
  return { attachment: found, content: await files.open(found) };
}

function sourcesOf({ signer }: ActivityParts, activity: Activity, sender: Address): Address[] {
  const members = membersOf(activity).members.map(({ address }) => address);
  return [...new Set([sender, ...members])].filter((address) => address !== signer.address);
}

function noFiles(): NotariumError {
  return new NotariumError('not-found', 'this node keeps no attachments');
}
