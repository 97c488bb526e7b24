import { Worker } from 'node:worker_threads';
import { moduleFile } from '../lib/moduleFile.ts';
import type { PartsAnswer, PartsOrder } from './partWorker.ts';

/** Reads parts of files in a thread of its own: a slow disk holds nothing else up. */
export type PartReader = {
  /** @throws Error `ENOENT`; an answer shorter than asked for where the file ends. */
  read(path: string, start: number, sizeBytes: number): Promise<Uint8Array>;
  /** Ends the thread after what is under way; it starts again when it is needed. */
  clear(): void;
};

type Waiting = {
  readonly path: string;
  readonly start: number;
  readonly sizeBytes: number;
  resolve(part: Uint8Array): void;
  reject(error: Error): void;
};

/** Parts of the files in a folder. Calls that come while the thread is at work go to it together: a message costs more. */
export function partReader(root: string): PartReader {
  let worker: Worker | undefined;
  let waiting: Waiting[] = [];
  let underWay: readonly Waiting[] = [];

  const fail = (ended: Worker, error: Error): void => {
    if (worker !== ended) return;
    worker = undefined;
    const failed = [...underWay, ...waiting];
    underWay = [];
    waiting = [];
    for (const { reject } of failed) reject(error);
  };
  const start = (): Worker => {
    const started = new Worker(new URL(moduleFile(import.meta.url, './partWorker')), {
      workerData: root,
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    });
    started.on('message', (answer: PartsAnswer) => {
      if (worker !== started) return;
      settle(underWay, answer);
      underWay = [];
      if (waiting.length > 0) send();
      else started.unref();
    });
    started.on('error', (error: Error) => fail(started, error));
    started.on('exit', () => fail(started, new Error('the thread that reads files has ended')));
    return started;
  };
  const send = (): void => {
    if (underWay.length > 0 || waiting.length === 0) return;
    underWay = waiting;
    waiting = [];
    worker ??= start();
    // An idle thread must not keep a process alive; one that is waited for must.
    worker.ref();
    const order: PartsOrder = {
      paths: underWay.map(({ path }) => path),
      starts: Float64Array.from(underWay, (part) => part.start),
      sizes: Uint32Array.from(underWay, ({ sizeBytes }) => sizeBytes),
    };
    worker.postMessage(order);
  };
  return {
    read: (path, begin, sizeBytes) =>
      new Promise((resolve, reject) => {
        waiting.push({ path, start: begin, sizeBytes, resolve, reject });
        // After this turn, so that calls made together go together.
        if (waiting.length === 1) queueMicrotask(send);
      }),
    clear() {
      const ended = worker;
      if (!ended) return;
      worker = undefined;
      waiting = [...underWay, ...waiting];
      underWay = [];
      void ended.terminate();
      send();
    },
  };
}

function settle(parts: readonly Waiting[], { bytes, sizes, failures }: PartsAnswer): void {
  let at = 0;
  for (const [index, { resolve, reject }] of parts.entries()) {
    const sizeBytes = sizes[index]!;
    const failure = failures.find((one) => one.index === index);
    if (failure) reject(Object.assign(new Error(failure.message), { code: failure.code }));
    else resolve(bytes.subarray(at, at + sizeBytes));
    at += sizeBytes;
  }
}
