import { hashTimes, stretchStart } from '../../../core/admission/hashChain.ts';
import type { Packet } from '../../../core/admission/packet.ts';
import { type Hash, toHex } from '../../../core/bytes.ts';
import { sha256 } from '../../../core/sha256.ts';
import type { DiskCheck } from './disk.ts';

import { memoryPass } from './memory.ts';

/** What work is done with. */
export type WorkTools = {
  /** Keeps what one packet has written until the next one reads it. */
  readonly disk: DiskCheck;
  /** Told how far the packet is, from 0 to 1. */
  readonly onProgress: (done: number) => void;
};

/**
 * Does the work of a packet (see `core/admission/packet.ts`), and gives the values of its answer. Takes as long as it takes: for
 * a thread of its own.
 * @param seed `seedOf` the packet.
 * @throws NotariumError `storage-full`, `storage-failed`.
 */
export function workOn(packet: Packet, seed: Uint8Array, { disk, onProgress }: WorkTools): Hash[] {
  switch (packet.check) {
    case 'manifest':
      return [toHex(seed)];
    case 'hashing':
      return repeated(
        packet.checkpoints,
        seed,
        (value) => hashTimes(stretchStart(value, seed), packet.checkpointEvery, sha256),
        onProgress,
      );
    case 'memory':
      return repeated(packet.passes, seed, (value) => memoryPass(value, seed, packet.memoryMiB), onProgress);
    case 'disk-write':
      disk.write(seed.subarray(0, 16), packet.mebibytes, onProgress);
      return [toHex(seed)];
    case 'disk-read':
      return disk.read(seed, onProgress);
  }
}

function repeated(
  times: number,
  start: Uint8Array,
  step: (value: Uint8Array) => Uint8Array,
  onProgress: (done: number) => void,
): Hash[] {
  const values: Hash[] = [];
  for (let value = start; values.length < times; onProgress(values.length / times)) {
    value = step(value);
    values.push(toHex(value));
  }
  return values;
}
