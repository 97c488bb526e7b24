import { fromBase64 } from './bytes.ts';
import { hashBytes } from './sha256.ts';
import { sha256ChainWasm } from './sha256ChainWasm.ts';

type Exports = { memory: WebAssembly.Memory; chain(times: number): void };

let loaded: Exports | undefined;

/**
 * SHA-256 of SHA-256 of … of a value of 32 bytes, so many times. In one go, within WebAssembly: a call of a function for each hash
 * costs more than the hash. On one core of 2026 that shared its machine 3,400,000 to 3,800,000 a second, where `hash()` of
 * `node:crypto` did 500,000, `createHash` 470,000, hash-wasm 600,000 and noble 770,000.
 * @param times 1 to 2^31.
 * @throws RangeError when value or times do not fit; WebAssembly.CompileError and the like where there is none.
 */
export function sha256Chain(value: Uint8Array, times: number): Uint8Array {
  if (value.length !== hashBytes) throw new RangeError('not 32 bytes');
  if (!Number.isInteger(times) || times < 1 || times > 2 ** 31) throw new RangeError('not 1 to 2^31 times');
  loaded ??= load();
  const words = new Uint32Array(loaded.memory.buffer, 0, 8);
  const input = new DataView(value.buffer, value.byteOffset, hashBytes);
  for (let at = 0; at < 8; at++) words[at] = input.getUint32(4 * at);
  loaded.chain(times);
  const result = new Uint8Array(hashBytes);
  const output = new DataView(result.buffer);
  for (let at = 0; at < 8; at++) output.setUint32(4 * at, words[at]!);
  return result;
}

function load(): Exports {
  const module = new WebAssembly.Module(fromBase64(sha256ChainWasm) as Uint8Array<ArrayBuffer>);
  return new WebAssembly.Instance(module).exports as unknown as Exports;
}
