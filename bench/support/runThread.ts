import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

/** As many threads as the client and the centre together have processors. */
export const processors = availableParallelism();

/** Runs a file in a thread; resolves with the one message that it posts. */
export function runThread<T>(file: URL, workerData: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(file, { workerData });
    worker.once('message', (answer: T) => resolve(answer));
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the thread of ${file.pathname} ended with ${code}`)));
  });
}
