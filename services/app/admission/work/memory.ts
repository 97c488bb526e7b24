import { scryptSync } from 'node:crypto';
import { scryptCost } from '../../../core/admission/packet.ts';

/** Node counts what scrypt needs beside its table too; this is more than that ever is. */
const besideTableBytes = 1 << 20;

/** scrypt of a value, holding so much memory at once. */
export function memoryPass(value: Uint8Array, salt: Uint8Array, memoryMiB: number): Uint8Array {
  const { N, r, p } = scryptCost(memoryMiB);
  return scryptSync(value, salt, 32, { N, r, p, maxmem: 128 * r * (N + p) + besideTableBytes });
}
