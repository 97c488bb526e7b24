import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { moduleFile } from '../lib/moduleFile.ts';
import type { CheckedLines } from './checkLines.ts';
import type { IntakeTask, IntakeWorkerData } from './intakeWorker.ts';
import { type PackedLines, unpackLines } from './packedLines.ts';

/** Threads that parse records, check signatures and sign acceptances: that is nearly all of what intake costs. */
export class IntakeWorkers {
  readonly threadCount: number;
  #pool: Piscina;

  constructor(data: IntakeWorkerData, threadCount = Math.max(1, Math.min(8, availableParallelism()))) {
    this.threadCount = threadCount;
    this.#pool = new Piscina({
      filename: moduleFile(import.meta.url, './intakeWorker'),
      name: 'checkTask',
      minThreads: threadCount,
      maxThreads: threadCount,
      workerData: data,
      // What a thread makes is short-lived: a larger young generation only holds memory, in each thread anew.
      resourceLimits: { maxYoungGenerationSizeMb: 12 },
      // Who asks is bounded: intake by its own queue, each other centre by the network's limits. A queue that is full here
      // would fail the good records of one because another is busy.
      maxQueue: Number.POSITIVE_INFINITY,
    });
  }

  /** Checks lines in one thread. */
  async check(task: IntakeTask): Promise<CheckedLines> {
    return unpackLines((await this.#pool.run(task)) as PackedLines);
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}
