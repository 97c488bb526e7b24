import { Readable } from 'node:stream';
import type { Attachment } from '../../core/activities/contents.ts';
import { NotariumError } from '../../core/errors.ts';
import { InOrder } from '../../lib/InOrder.ts';
import type { ActivityCaller } from './ActivityDesk.ts';
import type { ActivityHost } from './ActivityHost.ts';
import type { AttachmentFiles } from './AttachmentFiles.ts';
import { answerDigest } from './answerDigest.ts';

type Parts = Pick<ActivityHost, 'store' | 'clock' | 'settings' | 'logger' | 'crypto'>;
type Amount = { readonly count: number; readonly sizeBytes: number };
/** What comes now, and what had come and was kept at the last look. */
type Load = { count: number; sizeBytes: number; kept: Amount };

/** Files that clients put before the message that names them: how much of that each may have, and what becomes of what is never named. */
export class Uploads {
  readonly #parts: Parts;
  readonly #files: AttachmentFiles;
  /** What is on its way now, by client. */
  readonly #open = new Map<string | undefined, Load>();
  /** By client: nothing is counted both as kept and as coming. */
  readonly #turns = new InOrder();

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
    const { store, clock, crypto } = this.#parts;
    const load = this.#open.get(client) ?? { count: 0, sizeBytes: 0, kept: { count: 0, sizeBytes: 0 } };
    this.#open.set(client, load);
    let ownBytes = 0;
    let isOver = false;
    const end = (): void => {
      isOver = true;
      load.count--;
      load.sizeBytes -= ownBytes;
      if (load.count === 0) this.#open.delete(client);
    };
    load.count++;
    try {
      const look = () => this.#turns.run(client ?? '', async () => this.#look(client, load));
      const requireRoom = async (moreBytes: number): Promise<void> => {
        if (this.#missing(load, moreBytes) === undefined) return;
        // A message may have named some of it meanwhile.
        await look();
        const missing = this.#missing(load, moreBytes);
        if (missing) throw missing;
      };
      await look();
      await requireRoom(sizeBytes ?? 0);
      async function* counted(): AsyncGenerator<Uint8Array> {
        for await (const chunk of content) {
          const { length } = chunk as Uint8Array;
          ownBytes += length;
          load.sizeBytes += length;
          await requireRoom(0);
          yield chunk as Uint8Array;
        }
        // Other processes may have taken some of the client meanwhile.
        await look();
        await requireRoom(0);
      }
      const file = await this.#files.put(Readable.from(counted(), { objectMode: false }));
      const upload = {
        ...{ sealedDigest: file.sealedDigest, sizeBytes: file.sealedBytes, putMs: clock.nowMs() },
        answerDigest: answerDigest(file, crypto),
      };
      // It is among what is kept, and no more among what comes, for all that come at the same time.
      await this.#turns.run(client ?? '', async () => {
        await store.saveUpload(client === undefined ? upload : { ...upload, owner: client });
        await this.#look(client, load);
        end();
      });
      return file;
    } finally {
      if (!isOver) end();
    }
  }

  async #look(client: string | undefined, load: Load): Promise<void> {
    load.kept = await this.#parts.store.uploadsOf(client);
  }

  /** What there is no room for. */
  #missing({ count, sizeBytes, kept }: Load, moreBytes: number): NotariumError | undefined {
    const { uploadBytes, uploadCount } = this.#parts.settings;
    const have = { files: kept.count + count, sizeBytes: kept.sizeBytes + sizeBytes + moreBytes };
    if (have.files <= uploadCount && have.sizeBytes <= uploadBytes) return undefined;
    const data = { have, want: { files: uploadCount, sizeBytes: uploadBytes } };
    return new NotariumError('attachment-quota', `at most ${uploadCount} files, ${uploadBytes} bytes`, { data });
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
