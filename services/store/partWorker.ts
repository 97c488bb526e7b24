import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';

/** Parts of files: path below the folder, first byte and size of each. */
export type PartsOrder = {
  readonly paths: readonly string[];
  readonly starts: Float64Array;
  readonly sizes: Uint32Array;
};

/** What was read, one part after another; `sizes` says how much of each, 0 of those that failed. */
export type PartsAnswer = {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sizes: Uint32Array;
  readonly failures: readonly { readonly index: number; readonly code: string | undefined; readonly message: string }[];
};

const root = workerData as string;

function read({ paths, starts, sizes: wanted }: PartsOrder): PartsAnswer {
  const bytes = new Uint8Array(wanted.reduce((sum, sizeBytes) => sum + sizeBytes, 0));
  const sizes = new Uint32Array(paths.length);
  const failures: PartsAnswer['failures'][number][] = [];
  let at = 0;
  for (const [index, path] of paths.entries()) {
    try {
      sizes[index] = readPart(join(root, path), bytes, at, wanted[index]!, starts[index]!);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      failures.push({ index, code, message });
    }
    at += sizes[index]!;
  }
  return { bytes, sizes, failures };
}

function readPart(path: string, into: Uint8Array, at: number, sizeBytes: number, start: number): number {
  // Not kept open: a log has more files than a process may have, and here opening one costs next to nothing.
  const file = openSync(path, 'r');
  try {
    return readSync(file, into, at, sizeBytes, start);
  } finally {
    closeSync(file);
  }
}

parentPort!.on('message', (order: PartsOrder) => {
  const answer = read(order);
  parentPort!.postMessage(answer, [answer.bytes.buffer]);
});
