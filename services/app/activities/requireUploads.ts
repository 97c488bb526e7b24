import type { Attachment } from '../../core/activities/contents.ts';
import type { Hash } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import { NotariumError } from '../../core/errors.ts';
import type { AttachmentName } from '../../store/activities/ActivityStore.ts';
import { messageOf } from './Activities.ts';
import type { ActivityCaller } from './ActivityDesk.ts';
import type { ActivityHost } from './ActivityHost.ts';
import { answerDigest } from './answerDigest.ts';

/**
 * Files that a message is to name must be the caller's: put by it and not collected, or named by an activity that it sees; and what it says of them
 * must be what was answered to the upload, or is said there: nobody could open them else. They stay from now on for as long as an upload does.
 * @throws NotariumError `attachment-unknown`, `attachment-corrupt`.
 */
export async function requireUploads(
  { store, clock, crypto }: Pick<ActivityHost, 'store' | 'clock' | 'crypto'>,
  { client }: ActivityCaller,
  files: readonly Attachment[],
): Promise<void> {
  if (files.length === 0) return;
  const digests = files.map(({ sealedDigest }) => sealedDigest);
  const touched = await store.touchUploads(digests, clock.nowMs());
  const own = new Map(
    touched.flatMap((each) => (client === undefined || each.owner === client ? [[each.sealedDigest, each]] : [])),
  );
  for (const file of files) {
    const { sealedDigest } = file;
    const said = answerDigest(file, crypto);
    const upload = own.get(sealedDigest);
    // Of an upload that an earlier version took nobody knows what was answered.
    const known = upload ? [upload.answerDigest ?? said] : namedIn(store, crypto, sealedDigest, client);
    let isKnown = false;
    let isSame = false;
    for await (const answer of known) {
      isKnown = true;
      isSame = answer === said;
      if (isSame) break;
    }
    if (!isKnown) throw new NotariumError('attachment-unknown', 'put the file first', { data: { sealedDigest } });
    if (!isSame)
      throw new NotariumError('attachment-corrupt', 'its upload was answered in another way', {
        data: { sealedDigest },
      });
  }
}

/** What the messages that the caller may see say of a file, as {@link answerDigest}. */
async function* namedIn(
  store: ActivityHost['store'],
  crypto: Crypto,
  sealedDigest: Hash,
  client: string | undefined,
): AsyncGenerator<Hash> {
  const visible = new Map<Hash, boolean>();
  for await (const { activity, message } of allNaming(store, sealedDigest)) {
    if (!visible.has(activity))
      visible.set(activity, client === undefined || (await store.activity(activity))?.owner === client);
    const stored = visible.get(activity) ? await store.message(message) : undefined;
    const files = stored ? messageOf(stored).attachments.list : [];
    for (const file of files) if (file.sealedDigest === sealedDigest) yield answerDigest(file, crypto);
  }
}

/** However many others name it: nobody can hide who has named it before. */
async function* allNaming(store: ActivityHost['store'], sealedDigest: Hash): AsyncGenerator<AttachmentName> {
  for (let last: Hash | undefined; ; ) {
    const names = await store.messagesNaming(sealedDigest, last);
    yield* names;
    if (names.length === 0) return;
    last = names.at(-1)!.message;
  }
}
