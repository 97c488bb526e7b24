import { Readable } from 'node:stream';
import type { Attachment } from '../../core/activities/contents.ts';
import { NotariumError } from '../../core/errors.ts';
import type { ActivityCaller } from './ActivityDesk.ts';
import type { ActivityHost } from './ActivityHost.ts';
import type { AttachmentFiles } from './AttachmentFiles.ts';
import { answerDigest } from './answerDigest.ts';

type Parts = Pick<ActivityHost, 'store' | 'clock' | 'settings' | 'logger' | 'crypto'>;
type Load = { count: number; sizeBytes: number };

/** Files that clients put before the message that names them: how much of that each may have, and what becomes of what is never named. */
export class Uploads {
  readonly #parts: Parts;
  readonly #files: AttachmentFiles;
  /** What is on its way now, by client. */
  readonly #open = new Map<string | undefined, Load>();

  constructor(parts: Parts, files: AttachmentFiles) {
    this.#parts = parts;
    this.#files = files;
  }

  /**
   * Encrypts a file as it comes, and keeps it for its client.
   * @param sizeBytes As the client says, where it does: what has no room is refused before it comes.
   * @throws NotariumError `attachment-quota`, and as `AttachmentFiles.put`.
   */
  async put(
    { client }: ActivityCaller,
    content: Readable,
    sizeBytes?: number,
  ): Promise<Omit<Attachment, 'name' | 'mediaType'>> {
    const { store, clock, settings, crypto } = this.#parts;
    const { uploadBytes, uploadCount } = settings;
    const open = this.#open.get(client) ?? { count: 0, sizeBytes: 0 };
    this.#open.set(client, open);
    let ownBytes = 0;
    open.count++;
    try {
      const before = await store.uploadsOf(client);
      const check = (moreBytes: number): void => {
        const have = { files: before.count + open.count, sizeBytes: before.sizeBytes + open.sizeBytes + moreBytes };
        if (have.files <= uploadCount && have.sizeBytes <= uploadBytes) return;
        const data = { have, want: { files: uploadCount, sizeBytes: uploadBytes } };
        throw new NotariumError('attachment-quota', `at most ${uploadCount} files, ${uploadBytes} bytes`, { data });
      };
      check(sizeBytes ?? 0);
      async function* counted(): AsyncGenerator<Uint8Array> {
        for await (const chunk of content) {
          const { length } = chunk as Uint8Array;
          ownBytes += length;
          open.sizeBytes += length;
          check(0);
          yield chunk as Uint8Array;
        }
      }
      const file = await this.#files.put(Readable.from(counted(), { objectMode: false }));
      const upload = {
        ...{ sealedDigest: file.sealedDigest, sizeBytes: file.sealedBytes, putMs: clock.nowMs() },
        answerDigest: answerDigest(file, crypto),
      };
      await store.saveUpload(client === undefined ? upload : { ...upload, owner: client });
      return file;
    } finally {
      open.count--;
      open.sizeBytes -= ownBytes;
      if (open.count === 0) this.#open.delete(client);
    }
  }

  /** Removes files that no message names and that have waited too long for one, and what has not become whole. */
  async collect(): Promise<void> {
    const { store, clock, settings, logger } = this.#parts;
    const { unnamedMs } = settings;
    const sinceMs = clock.nowMs() - unnamedMs;
    const removed = await this.#files.collect(
      {
        async needed(digests) {
          const [named, young] = [await store.namedAttachments(digests), await store.youngUploads(digests, sinceMs)];
          return new Set([...named, ...young]);
        },
        release: (digest) => store.dropUpload(digest, sinceMs),
      },
      unnamedMs,
    );
    if (removed.files > 0) logger.info(removed, 'files that no message of an activity names are removed');
  }
}
