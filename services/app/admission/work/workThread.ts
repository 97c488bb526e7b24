import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { Packet } from '../../../core/admission/packet.ts';
import type { Hash } from '../../../core/bytes.ts';
import { type ErrorCode, type ErrorData, isNotariumError } from '../../../core/errors.ts';
import { DiskCheck } from './disk.ts';
import { workOn } from './workOn.ts';

/** Given to the thread when it starts. */
export type WorkThreadData = {
  /** Where the disk check writes. */
  readonly folder: string;
  /** Whether all else on this machine goes first. */
  readonly isGentle: boolean;
};

/** One packet. */
export type WorkOrder = { readonly packet: Packet; readonly seed: Uint8Array };

/** What the thread says: how far it is, from 0 to 1, and in the end one of the others. */
export type WorkAnswer =
  | { readonly done: number }
  | { readonly values: readonly Hash[] }
  | { readonly error: { readonly code: ErrorCode; readonly detail: string; readonly data: ErrorData } };

const progressMs = 50;
/** The least priority that there is. */
const lowest = 19;

const { folder, isGentle } = workerData as WorkThreadData;
// Linux has a priority for each thread; elsewhere this would be the whole process, which has records to take.
if (isGentle && process.platform === 'linux') setPriority(0, lowest);
const disk = new DiskCheck(folder);
const port = parentPort!;

port.on('message', ({ packet, seed }: WorkOrder) => {
  let toldMs = performance.now();
  const onProgress = (done: number): void => {
    const nowMs = performance.now();
    if (nowMs - toldMs < progressMs) return;
    toldMs = nowMs;
    port.postMessage({ done } satisfies WorkAnswer);
  };
  port.postMessage(answerTo(packet, seed, onProgress));
});

function answerTo(packet: Packet, seed: Uint8Array, onProgress: (done: number) => void): WorkAnswer {
  try {
    return { values: workOn(packet, seed, { disk, onProgress }) };
  } catch (error) {
    // What is thrown to another thread loses its class.
    if (isNotariumError(error)) return { error: { code: error.code, detail: error.detail, data: error.data } };
    throw error;
  }
}
