import { workerData } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import type { Network } from '../core/eip712.ts';
import { loadCrypto } from '../lib/nativeCrypto.ts';
import { checkLines, type LineCheck } from './checkLines.ts';
import { buffersOfLines, packLines } from './packedLines.ts';

/** Given to each thread when it starts. */
export type IntakeWorkerData = {
  readonly network: Network;
  /** The centre's key, when it is held in memory: then acceptances are signed here, off the main thread. */
  readonly privateKey: Uint8Array | undefined;
};

/** One unit of work. */
export type IntakeTask = {
  readonly lines: readonly string[];
  /** Whether acceptances are wanted; not for what other centres send. */
  readonly signs: boolean;
} & Pick<LineCheck, 'nowMs' | 'promise'>;

const { network, privateKey } = workerData as IntakeWorkerData;
const crypto = await loadCrypto();
const sign = privateKey && ((digest: Uint8Array) => crypto.sign(digest, privateKey));

/** Piscina calls this in each thread; what it gives are `PackedLines`, moved and not copied. */
export function checkTask({ lines, signs, nowMs, promise }: IntakeTask): unknown {
  const packed = packLines(checkLines(lines, { network, crypto, sign: signs ? sign : undefined, nowMs, promise }));
  return move({ [transferableSymbol]: buffersOfLines(packed), [valueSymbol]: packed });
}
