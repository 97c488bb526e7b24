import { Worker } from 'node:worker_threads';
import { moduleFile } from '../../../lib/moduleFile.ts';
import type { BodyAnswer, BodyOrder, CheckThreadData } from './checkThread.ts';

/** What a thread may have. */
export type BodyThreadLimits = {
  /** After so much time what is left of an order goes back. */
  readonly turnMs: number;
  /** A thread that does not answer for so long is ended. */
  readonly answerMs: number;
  /** Of its heap. */
  readonly memoryMb: number;
};

/**
 * Reads and checks bodies in a thread of its own. One that has ended, by too little memory or too much time, is replaced by the next order.
 */
export class BodyThread {
  readonly #limits: BodyThreadLimits;
  #thread: Worker | undefined;

  constructor(limits: BodyThreadLimits) {
    this.#limits = limits;
  }

  /**
   * @returns Answers to the first ones of these, one at least.
   * @throws Error when the thread has ended before it has answered.
   */
  async run(orders: readonly BodyOrder[]): Promise<readonly BodyAnswer[]> {
    this.#thread ??= this.#start();
    const thread = this.#thread;
    const { promise, resolve, reject } = Promise.withResolvers<readonly BodyAnswer[]>();
    const onExit = (): void => reject(new Error('the thread that checks bodies has ended'));
    const onLate = (): void => reject(new Error('the thread that checks bodies has not answered in time'));
    const late = setTimeout(onLate, this.#limits.answerMs);
    thread.on('message', resolve).on('error', reject).on('exit', onExit);
    // An idle thread must not keep a process alive; one that is waited for must.
    thread.ref();
    try {
      thread.postMessage(
        orders,
        orders.map(({ body }) => body.buffer as ArrayBuffer),
      );
      const answers = await promise;
      thread.unref();
      return answers;
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      clearTimeout(late);
      thread.off('message', resolve).off('error', reject).off('exit', onExit);
    }
  }

  /** Ends the thread, whatever it does. */
  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }

  #start(): Worker {
    const { turnMs, memoryMb } = this.#limits;
    const thread = new Worker(new URL(moduleFile(import.meta.url, './checkThread')), {
      workerData: { turnMs } satisfies CheckThreadData,
      resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 16 },
    });
    const forget = (): void => {
      if (this.#thread === thread) this.#thread = undefined;
    };
    // Also of one that nobody waits for: its error would end the process, and the next order would go to a thread that there is not.
    return thread.on('error', forget).on('exit', forget);
  }
}
