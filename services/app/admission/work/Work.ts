import { Worker } from 'node:worker_threads';
import type { Packet } from '../../../core/admission/packet.ts';
import type { Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import { moduleFile } from '../../../lib/moduleFile.ts';
import type { WorkAnswer, WorkOrder, WorkThreadData } from './workThread.ts';

/** How one packet is worked on. */
export type WorkOptions = {
  /** Ends the work at once; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
  /** Told now and then how far it is, from 0 to 1. */
  readonly onProgress?: (done: number) => void;
};

/** A tenth of a second of work. */
const warmUpHashes = 200_000;

/** The work of packets, in a thread of its own: one packet after the other. */
export class Work implements AsyncDisposable {
  readonly #data: WorkThreadData;
  #thread: Worker | undefined;

  /**
   * @param options.folder Where the disk check writes.
   * @param options.isGentle All else on this machine goes first: for a centre that has other work.
   */
  constructor({ folder, isGentle = false }: { folder: string; isGentle?: boolean }) {
    this.#data = { folder, isGentle };
  }

  /**
   * The values that answer a packet.
   * @param seed `seedOf` the packet.
   * @throws NotariumError `storage-full` when the disk check has no room, `storage-failed`; the signal's reason.
   */
  async run(packet: Packet, seed: Uint8Array, { signal, onProgress }: WorkOptions = {}): Promise<readonly Hash[]> {
    signal?.throwIfAborted();
    this.#thread ??= new Worker(new URL(moduleFile(import.meta.url, './workThread')), { workerData: this.#data });
    const thread = this.#thread;
    const { promise, resolve, reject } = Promise.withResolvers<readonly Hash[]>();
    const onMessage = (answer: WorkAnswer): void => {
      if ('done' in answer) onProgress?.(answer.done);
      else if ('values' in answer) resolve(answer.values);
      else reject(new NotariumError(answer.error.code, answer.error.detail, { data: answer.error.data }));
    };
    const onExit = (): void => reject(new NotariumError('internal', 'the thread that works on packets has ended'));
    // In the midst of a hash or a pass nothing in the thread would hear of it.
    const onAbort = (): void => reject(signal!.reason);
    thread.on('message', onMessage).on('error', reject).on('exit', onExit);
    signal?.addEventListener('abort', onAbort, { once: true });
    thread.postMessage({ packet, seed } satisfies WorkOrder);
    try {
      return await promise;
    } catch (error) {
      // What it has written is gone with it, and so is the session.
      await this.close();
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      thread.off('message', onMessage).off('error', reject).off('exit', onExit);
    }
  }

  /** Starts the thread and lets its code be compiled for speed, which takes some time that a packet has not. */
  async start(): Promise<void> {
    if (this.#thread) return;
    const nonce = `0x${'00'.repeat(32)}` as const;
    const times = { checkpoints: 10, checkpointEvery: warmUpHashes / 10 };
    await this.run({ check: 'hashing', index: 0, nonce, windowMs: 0, ...times }, new Uint8Array(32));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Ends the thread, whatever it does; the next packet starts another one. */
  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }
}
