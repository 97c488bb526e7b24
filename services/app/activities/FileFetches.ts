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

const requestMs = 15 * 60_000;
// A member that gives less at a time, or takes longer for it than one request may, is not asked again for the rest.
const leastBytes = 1 << 20;

type Parts = Pick<ActivityHost, 'settings' | 'logger'> & { readonly refusals: Refusals };
/** A file, and the message for which it is fetched. */
type File = Pick<Attachment, 'sealedDigest' | 'sealedBytes'> & Pick<AttachmentQuery, 'activity' | 'message'>;
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

  async #fetch(files: AttachmentFiles, net: Net | undefined, file: File, sources: readonly Address[]): Promise<void> {
    let failure: unknown = new NotariumError('peer-unreachable', 'no member that has it can be reached');
    for (const source of net ? connectedFirst(net, sources) : []) {
      let isAnew = false;
      for (;;) {
        const { isWhole, sizeBytes: fromByte } = await files.have(file.sealedDigest);
        if (isWhole) return;
        try {
          await this.#fetchFrom(files, net!, file, { source, fromByte });
        } catch (error) {
          if (this.#signal.aborted) throw error;
          failure = error;
          this.#parts.logger.debug({ err: error, peer: source }, 'a member did not give an attachment');
          // What came before it was perhaps another one's.
          if (isNotariumError(error, 'attachment-mismatch') && fromByte === 0)
            this.#parts.refusals.count(error, source);
        }
        const have = await files.have(file.sealedDigest);
        if (have.isWhole) return;
        const isGone = have.sizeBytes < fromByte;
        if (isGone ? isAnew : have.sizeBytes < fromByte + leastBytes) break;
        isAnew ||= isGone;
      }
    }
    throw failure;
  }

  async #fetchFrom(
    files: AttachmentFiles,
    net: Net,
    file: File,
    { source, fromByte }: { readonly source: Address; readonly fromByte: number },
  ): Promise<void> {
    const { activity, message, sealedDigest } = file;
    const query = jsonFrame({ activity, message, sealedDigest, fromByte } satisfies AttachmentQuery);
    const stop = new AbortController();
    const signal = AbortSignal.any([this.#signal, stop.signal]);
    const idleMs = this.#parts.settings.requestMs;
    const late = new NotariumError('peer-timeout', `less than 1 MiB in ${idleMs} ms`, { data: { peer: source } });
    const frames = net.request(source, activityProtocols.attachments, [query], { timeoutMs: requestMs, signal });
    async function* watched(): AsyncGenerator<Uint8Array> {
      let leftMs = idleMs;
      let bytes = 0;
      // What this node takes to write it does not count.
      const watch = () => ({ startMs: performance.now(), timer: setTimeout(() => stop.abort(late), leftMs) });
      let wait = watch();
      try {
        for await (const frame of frames) {
          clearTimeout(wait.timer);
          leftMs = Math.max(0, leftMs - (performance.now() - wait.startMs));
          bytes += frame.length;
          if (bytes >= leastBytes) [leftMs, bytes] = [idleMs, 0];
          yield frame;
          wait = watch();
        }
      } finally {
        clearTimeout(wait.timer);
      }
    }
    // All of it may have come, and was not taken in before a kill.
    await files.fetch(file, fromByte, fromByte < file.sealedBytes ? watched() : (async function* () {})());
    if (!(await files.have(file.sealedDigest)).isWhole)
      throw new NotariumError('peer-answer-invalid', 'it ends before its end', { data: { peer: source } });
  }
}

function connectedFirst(net: Net, sources: readonly Address[]): Address[] {
  const connected = connectedPeers(net);
  return [...sources].sort((a, b) => Number(connected.has(b)) - Number(connected.has(a)));
}
