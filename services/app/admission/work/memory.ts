import { scryptSync } from 'node:crypto';
import { scryptCost } from '../../../core/admission/packet.ts';
import { NotariumError } from '../../../core/errors.ts';

/** Node counts what scrypt needs beside its table too; this is more than that ever is. */
const besideTableBytes = 1 << 20;

/**
 * scrypt of a value, holding so much memory at once.
 * @throws NotariumError `candidate-too-slow` with data { check, want, unit } where the machine does not give it.
 */
export function memoryPass(value: Uint8Array, salt: Uint8Array, memoryMiB: number): Uint8Array {
  const { N, r, p } = scryptCost(memoryMiB);
  try {
    return scryptSync(value, salt, 32, { N, r, p, maxmem: 128 * r * (N + p) + besideTableBytes });
  } catch (cause) {
    throw new NotariumError('candidate-too-slow', `this machine does not give ${memoryMiB} MiB of memory at once`, {
      cause,
      data: { check: 'memory', want: memoryMiB, unit: 'MiB' },
    });
  }
}
