import type { Attachment } from '../../core/activities/contents.ts';
import type { Address, Hash } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { connectedPeers } from '../../net/connectedPeers.ts';
import type { Net } from '../../net/Net.ts';
import { jsonFrame } from '../replication/wire.ts';
import type { ActivityHost } from './ActivityHost.ts';
import type { AttachmentFiles } from './AttachmentFiles.ts';
import { type AttachmentQuery, activityProtocols } from './exchange/items.ts';
import type { Refusals } from './exchange/Refusals.ts';
import { leastBytes, Pace } from './Pace.ts';

const requestMs = 15 * 60_000;

type Parts = Pick<ActivityHost, 'settings' | 'logger'> & { readonly refusals: Refusals };
/** A file, and the message for which it is fetched. */
type File = Pick<Attachment, 'sealedDigest' | 'sealedBytes'> & Pick<AttachmentQuery, 'activity' | 'message'>;
/** A source that is asked, and from where on; `mayWait`: whether another one could go on meanwhile. */
type Turn = { readonly source: Address; readonly fromByte: number; readonly mayWait: () => boolean };
type Running = { readonly sources: ReadonlySet<Address>; readonly done: Promise<void> };

/** Fetches files of messages from members, each file once at a time. */
export class FileFetches {
  readonly #parts: Parts;
  readonly #signal: AbortSignal;
  readonly #running = new Map<Hash, Running>();

  constructor(parts: Parts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  /**
   * Fetches a file from the first of the sources that gives it, the rest of it from the next one where one breaks off. It is here, whole, when
   * this resolves; who asks for it meanwhile waits for the same.
   * @throws NotariumError `peer-unreachable` where nobody is there who could be asked; else that of the last one that was.
   */
  async fetch(files: AttachmentFiles, net: Net | undefined, file: File, sources: readonly Address[]): Promise<void> {
    for (;;) {
      const running = this.#running.get(file.sealedDigest);
      if (!running) break;
      const isSame = sources.every((source) => running.sources.has(source));
      if (isSame) return await running.done;
      // Of another activity: its members may not have it.
      await running.done.catch(() => undefined);
      if ((await files.have(file.sealedDigest)).isWhole) return;
    }
    const done = this.#fetch(files, net, file, sources);
    const running = { sources: new Set(sources), done };
    this.#running.set(file.sealedDigest, running);
    try {
      await done;
    } finally {
      this.#running.delete(file.sealedDigest);
    }
  }

  /**
   * Each of the sources has its turn; one that is slow has another one after the others, and goes on where these have come to. What comes from
   * several is known to be right when all of it is there: where it is another file, each has to give it alone.
   */
  async #fetch(files: AttachmentFiles, net: Net | undefined, file: File, sources: readonly Address[]): Promise<void> {
    const left = net ? connectedFirst(net, sources) : [];
    const have = () => files.have(file.sealedDigest);
    let failure: unknown = new NotariumError('peer-unreachable', 'no member that has it can be reached');
    let isShared = true;
    for (let source = left.shift(); source !== undefined; source = left.shift()) {
      const mayWait = (): boolean => isShared && left.some((other) => connectedPeers(net!).has(other));
      let isAnew = false;
      for (;;) {
        const { isWhole, sizeBytes: fromByte } = await have();
        if (isWhole) return;
        let isSlow = false;
        try {
          isSlow = await this.#fetchFrom(files, net!, file, { source, fromByte, mayWait });
        } catch (error) {
          if (this.#signal.aborted) throw error;
          failure = error;
          this.#parts.logger.debug({ err: error, peer: source }, 'a member did not give an attachment');
          // What came before it was perhaps another one's.
          if (isNotariumError(error, 'attachment-mismatch') && fromByte === 0)
            this.#parts.refusals.count(error, source);
        }
        const after = await have();
        if (after.isWhole) return;
        const isGone = after.sizeBytes < fromByte;
        if (isGone) isShared = false;
        if (isSlow) {
          left.push(source);
          break;
        }
        if (isGone ? isAnew : after.sizeBytes < fromByte + leastBytes) break;
        isAnew ||= isGone;
      }
    }
    throw failure;
  }

  /** Whether the source is slow, and another one is asked; else all of it is here. */
  async #fetchFrom(
    files: AttachmentFiles,
    net: Net,
    file: File,
    { source, fromByte, mayWait }: Turn,
  ): Promise<boolean> {
    const { activity, message, sealedDigest } = file;
    const query = jsonFrame({ activity, message, sealedDigest, fromByte } satisfies AttachmentQuery);
    const stop = new AbortController();
    const signal = AbortSignal.any([this.#signal, stop.signal]);
    const idleMs = this.#parts.settings.requestMs;
    const late = new NotariumError('peer-timeout', `less than 1 MiB in ${idleMs} ms`, { data: { peer: source } });
    const frames = net.request(source, activityProtocols.attachments, [query], { timeoutMs: requestMs, signal });
    let isSlow = false;
    async function* watched(): AsyncGenerator<Uint8Array> {
      const pace = new Pace(idleMs);
      // What this node takes to write it does not count.
      const watch = () => ({ startMs: performance.now(), timer: setTimeout(() => stop.abort(late), pace.leftMs) });
      let wait = watch();
      try {
        for await (const frame of frames) {
          clearTimeout(wait.timer);
          pace.came(frame.length, performance.now() - wait.startMs);
          yield frame;
          isSlow = pace.isSlow && mayWait();
          if (isSlow) return;
          wait = watch();
        }
      } finally {
        clearTimeout(wait.timer);
      }
    }
    // All of it may have come, and was not taken in before a kill.
    await files.fetch(file, fromByte, fromByte < file.sealedBytes ? watched() : (async function* () {})());
    if (isSlow || (await files.have(file.sealedDigest)).isWhole) return isSlow;
    throw new NotariumError('peer-answer-invalid', 'it ends before its end', { data: { peer: source } });
  }
}

function connectedFirst(net: Net, sources: readonly Address[]): Address[] {
  const connected = connectedPeers(net);
  return [...sources].sort((a, b) => Number(connected.has(b)) - Number(connected.has(a)));
}
