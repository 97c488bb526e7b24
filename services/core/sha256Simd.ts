import { fromBase64 } from './bytes.ts';

/** Hashes many RFC 6962 nodes or 32-byte leaves at once. `target` may begin where the source does. */
export type BulkSha256 = {
  readonly name: 'wasm-simd' | 'noble';
  /** Nodes: 64 bytes (left, right) in, 32 out. */
  nodes(pairs: Uint8Array, target: Uint8Array): void;
  /** Leaves over 32-byte inputs: 32 bytes in, 32 out. */
  leaves(digests: Uint8Array, target: Uint8Array): void;
};

/** FIPS 180-4 section 4.2.2. */
export const roundConstants: Readonly<Uint32Array> = Uint32Array.from(
  (
    '428a2f98 71374491 b5c0fbcf e9b5dba5 3956c25b 59f111f1 923f82a4 ab1c5ed5 d807aa98 12835b01 243185be 550c7dc3 72be5d74 80deb1fe 9bdc06a7 c19bf174 ' +
    'e49b69c1 efbe4786 0fc19dc6 240ca1cc 2de92c6f 4a7484aa 5cb0a9dc 76f988da 983e5152 a831c66d b00327c8 bf597fc7 c6e00bf3 d5a79147 06ca6351 14292967 ' +
    '27b70a85 2e1b2138 4d2c6dfc 53380d13 650a7354 766a0abb 81c2c92e 92722c85 a2bfe8a1 a81a664b c24b8b70 c76c51a3 d192e819 d6990624 f40e3585 106aa070 ' +
    '19a4c116 1e376c08 2748774c 34b0bcb5 391c0cb3 4ed8aa4a 5b9cca4f 682e6ff3 748f82ee 78a5636f 84c87814 8cc70208 90befffa a4506ceb bef9a3f7 c67178f2'
  ).split(' '),
  (word) => Number.parseInt(word, 16),
);

/** State before the first block (FIPS 180-4 section 5.3.3). */
export const initialState: readonly number[] = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

const chunkMessages = 4096;

/** Where the module's memory holds what, in bytes. The generator builds these offsets into the module. */
export const memoryLayout = {
  /** 64 round constants, each four times. */
  constants: 0,
  /** For each value of a node's last byte the 64 words of its second block, round constants added. */
  lastBlocks: 1024,
  source: 128 * 1024,
  target: 128 * 1024 + 64 * chunkMessages,
} as const;

/** Size of the module's memory in pages of 64 KiB. */
export const memoryPages = (memoryLayout.target + 32 * chunkMessages) / 65536;

type Exports = {
  memory: WebAssembly.Memory;
  nodes(source: number, target: number, groups: number): void;
  leaves(source: number, target: number, groups: number): void;
};

/**
 * Four-lane SHA-256 in WebAssembly.
 * @throws WebAssembly.CompileError and the like where the platform has no WebAssembly SIMD, or forbids it.
 */
export function createSha256Simd(wasm: string): BulkSha256 {
  const module = new WebAssembly.Module(fromBase64(wasm) as Uint8Array<ArrayBuffer>);
  const { memory, nodes, leaves } = new WebAssembly.Instance(module).exports as unknown as Exports;
  fillTables(memory);
  const bytes = new Uint8Array(memory.buffer);

  const run = (hash: Exports['nodes'], messageBytes: number, source: Uint8Array, target: Uint8Array): void => {
    const count = source.length / messageBytes;
    for (let start = 0; start < count; start += chunkMessages) {
      const messages = Math.min(chunkMessages, count - start);
      bytes.set(source.subarray(messageBytes * start, messageBytes * (start + messages)), memoryLayout.source);
      // The last group may hash lanes that hold old bytes; their results are not copied out.
      hash(memoryLayout.source, memoryLayout.target, Math.ceil(messages / 4));
      target.set(bytes.subarray(memoryLayout.target, memoryLayout.target + 32 * messages), 32 * start);
    }
  };
  return {
    name: 'wasm-simd',
    nodes: (pairs, target) => run(nodes, 64, pairs, target),
    leaves: (digests, target) => run(leaves, 32, digests, target),
  };
}

function fillTables(memory: WebAssembly.Memory): void {
  const constants = new Uint32Array(memory.buffer, memoryLayout.constants, 4 * 64);
  for (let round = 0; round < 64; round++) constants.fill(roundConstants[round]!, 4 * round, 4 * round + 4);
  const rows = new Uint32Array(memory.buffer, memoryLayout.lastBlocks, 64 * 256);
  for (let byte = 0; byte < 256; byte++) rows.set(lastBlockWords(byte), 64 * byte);
}

/** Words of the second block of a node (its last byte, padding, 520 bits), with the round constants added. */
function lastBlockWords(lastByte: number): Uint32Array {
  const w = new Uint32Array(64);
  w[0] = (lastByte << 24) | 0x800000;
  w[15] = 8 * 65;
  for (let at = 16; at < 64; at++) {
    w[at] = w[at - 16]! + sigma(w[at - 15]!, 7, 18, 3) + w[at - 7]! + sigma(w[at - 2]!, 17, 19, 10);
  }
  return w.map((word, at) => word + roundConstants[at]!);
}

function sigma(word: number, rotation1: number, rotation2: number, shift: number): number {
  const rotate = (bits: number): number => (word >>> bits) | (word << (32 - bits));
  return (rotate(rotation1) ^ rotate(rotation2) ^ (word >>> shift)) >>> 0;
}
