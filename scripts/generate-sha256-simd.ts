/**
 * Writes services/core/sha256SimdWasm.ts: SHA-256 of RFC 6962 nodes and of leaves over 32-byte inputs, four messages at a
 * time, one in each 32-bit lane of a WebAssembly SIMD vector. With `--check` it writes nothing, and fails when the
 * committed file differs.
 */

import { initialState, memoryLayout, memoryPages } from '../services/core/sha256Simd.ts';
import { writeWasmModule } from './support/wasmModule.ts';

type Expr = string;

const get = (name: string): Expr => `(local.get $${name})`;
const set = (name: string, value: Expr): Expr => `(local.set $${name} ${value})`;
const i32 = (value: number): Expr => `(i32.const ${value})`;
const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;
const splat = (value: number): Expr => `(v128.const i32x4 ${Array(4).fill(hex(value)).join(' ')})`;
const chain = (operator: string, terms: readonly Expr[]): Expr =>
  terms.reduce((left, right) => `(${operator} ${left} ${right})`);
const add = (...terms: Expr[]): Expr => chain('i32x4.add', terms);
const xor = (...terms: Expr[]): Expr => chain('v128.xor', terms);
const and = (...terms: Expr[]): Expr => chain('v128.and', terms);
const or = (...terms: Expr[]): Expr => chain('v128.or', terms);
const load = (offset: number, address: Expr): Expr => `(v128.load offset=${offset} ${address})`;
const shiftRight = (name: string, bits: number): Expr => `(i32x4.shr_u ${get(name)} ${i32(bits)})`;
const rotateRight = (name: string, bits: number): Expr =>
  or(shiftRight(name, bits), `(i32x4.shl ${get(name)} ${i32(32 - bits)})`);
const rotations = (name: string, ...bits: number[]): Expr => xor(...bits.map((count) => rotateRight(name, count)));
const shuffle = (a: Expr, b: Expr, bytes: readonly number[]): Expr => `(i8x16.shuffle ${bytes.join(' ')} ${a} ${b})`;
const wordBytes = (...words: number[]): number[] => words.flatMap((at) => [4 * at, 4 * at + 1, 4 * at + 2, 4 * at + 3]);
const lines = (count: number, make: (index: number) => Expr): Expr =>
  Array.from({ length: count }, (_, at) => make(at)).join('\n');
const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${prefix}${at}`);

const state = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const inputs = names('in', 4);

// SHA-256 words are big-endian, WebAssembly is little-endian.
const swapBytes = (value: Expr): Expr => shuffle(value, value, [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12]);

/** Turns four vectors around: word j of vector i becomes word i of vector j. */
function transpose(from: readonly string[], to: readonly string[]): Expr {
  const [a, b, c, d] = from.map(get) as [Expr, Expr, Expr, Expr];
  return [
    set('t0', shuffle(a, b, wordBytes(0, 4, 1, 5))),
    set('t1', shuffle(c, d, wordBytes(0, 4, 1, 5))),
    set('t2', shuffle(a, b, wordBytes(2, 6, 3, 7))),
    set('t3', shuffle(c, d, wordBytes(2, 6, 3, 7))),
    set(to[0]!, shuffle(get('t0'), get('t1'), wordBytes(0, 1, 4, 5))),
    set(to[1]!, shuffle(get('t0'), get('t1'), wordBytes(2, 3, 6, 7))),
    set(to[2]!, shuffle(get('t2'), get('t3'), wordBytes(0, 1, 4, 5))),
    set(to[3]!, shuffle(get('t2'), get('t3'), wordBytes(2, 3, 6, 7))),
  ].join('\n');
}

/**
 * One round (FIPS 180-4 section 6.2.2), given message word plus round constant. Majority is written as
 * b ^ ((a ^ b) & (b ^ c)), since b ^ c is the a ^ b of the round before.
 */
function round([a, b, , d, e, f, g, h]: readonly string[], word: Expr): Expr {
  const choice = `(v128.bitselect ${get(f!)} ${get(g!)} ${get(e!)})`;
  return [
    set('x', add(get(h!), word, choice, rotations(e!, 6, 11, 25))),
    set(d!, add(get(d!), get('x'))),
    set('bc', get('ab')),
    set('ab', xor(get(a!), get(b!))),
    set(h!, add(get('x'), xor(get(b!), and(get('ab'), get('bc'))), rotations(a!, 2, 13, 22))),
  ].join('\n');
}

/** 64 rounds; `step` gives what to do before a round, and its message word plus constant. */
function rounds(step: (index: number) => { before: Expr; word: Expr }): Expr {
  let order = state;
  return [
    set('ab', xor(get('b'), get('c'))),
    lines(64, (index) => {
      const { before, word } = step(index);
      const body = before + round(order, word);
      order = [order[7]!, ...order.slice(0, 7)];
      return body;
    }),
  ].join('\n');
}

/** Rounds over w0 to w15, extended as they go. */
const scheduledRounds = rounds((index) => {
  const word = (back: number): string => `w${(index + 16 - back) % 16}`;
  const sigma0 = xor(rotateRight(word(15), 7), rotateRight(word(15), 18), shiftRight(word(15), 3));
  const sigma1 = xor(rotateRight(word(2), 17), rotateRight(word(2), 19), shiftRight(word(2), 10));
  const before = index < 16 ? '' : set(word(16), add(get(word(16)), sigma0, get(word(7)), sigma1));
  return { before, word: add(get(word(0)), load(memoryLayout.constants + 16 * index, i32(0))) };
});

const startState = state.map((name, at) => set(name, splat(initialState[at]!))).join('\n');

/** Bytes of four messages, `stride` apart and shifted back by the one prefix byte, into w0 onward. */
function loadWords(vectors: number, stride: number): Expr {
  return lines(vectors, (vector) =>
    [
      ...inputs.map((name, lane) =>
        set(name, swapBytes(load(stride * lane + 16 * vector, `(i32.sub ${get('source')} ${i32(1)})`))),
      ),
      transpose(inputs, names('w', 16).slice(4 * vector, 4 * vector + 4)),
    ].join('\n'),
  );
}

const storeState = [
  transpose(state.slice(0, 4), names('w', 4)),
  transpose(state.slice(4), names('w', 8).slice(4)),
  lines(8, (at) => {
    const offset = 32 * (at % 4) + 16 * Math.floor(at / 4);
    return `(v128.store offset=${offset} ${get('target')} ${swapBytes(get(`w${at}`))})`;
  }),
].join('\n');

/** An exported function (source, target, groups): `body` for each group of four messages. */
function bulkFunction(name: string, sourceBytes: number, body: Expr): Expr {
  const vectors = [
    'x',
    'ab',
    'bc',
    ...names('t', 4),
    ...inputs,
    ...names('w', 16),
    ...state,
    ...state.map((v) => `${v}Before`),
  ];
  return `(func (export "${name}") (param $source i32) (param $target i32) (param $groups i32)
    ${vectors.map((vector) => `(local $${vector} v128)`).join(' ')}
    ${names('row', 4)
      .map((row) => `(local $${row} i32)`)
      .join(' ')}
    (if (i32.eqz ${get('groups')}) (then (return)))
    (loop $next
      ${body}
      ${set('source', `(i32.add ${get('source')} ${i32(sourceBytes)})`)}
      ${set('target', `(i32.add ${get('target')} ${i32(128)})`)}
      ${set('groups', `(i32.sub ${get('groups')} ${i32(1)})`)}
      (br_if $next ${get('groups')})))`;
}

/**
 * Nodes: 65 bytes, so two blocks. The second holds one byte of the message and padding; its whole schedule, constants
 * added, comes from a table with a row for each value of that byte.
 */
const nodes = bulkFunction(
  'nodes',
  256,
  [
    loadWords(4, 64),
    set('w0', or(and(get('w0'), splat(0x00ffffff)), splat(0x01000000))),
    lines(4, (lane) =>
      set(`row${lane}`, `(i32.shl (i32.load8_u offset=${64 * lane + 63} ${get('source')}) ${i32(8)})`),
    ),
    startState,
    scheduledRounds,
    ...state.map((name, at) => set(name, add(get(name), splat(initialState[at]!))) + set(`${name}Before`, get(name))),
    rounds((index) => ({
      before:
        index % 4 > 0
          ? ''
          : inputs
              .map((name, lane) => set(name, load(memoryLayout.lastBlocks + 4 * index, get(`row${lane}`))))
              .join('') + transpose(inputs, names('w', 4)),
      word: get(`w${index % 4}`),
    })),
    ...state.map((name) => set(name, add(get(name), get(`${name}Before`)))),
    storeState,
  ].join('\n'),
);

/** Leaves over 32 bytes: 33 bytes, one block. */
const leaves = bulkFunction(
  'leaves',
  128,
  [
    loadWords(2, 32),
    set('w0', and(get('w0'), splat(0x00ffffff))),
    set('w8', `(i32x4.splat (i32.load8_u offset=31 ${get('source')}))`),
    ...[1, 2, 3].map((lane) => {
      const byte = `(i32.load8_u offset=${32 * lane + 31} ${get('source')})`;
      return set('w8', `(i32x4.replace_lane ${lane} ${get('w8')} ${byte})`);
    }),
    set('w8', or(`(i32x4.shl ${get('w8')} ${i32(24)})`, splat(0x00800000))),
    ...names('w', 15)
      .slice(9)
      .map((word) => set(word, splat(0))),
    set('w15', splat(8 * 33)),
    startState,
    scheduledRounds,
    ...state.map((name, at) => set(name, add(get(name), splat(initialState[at]!)))),
    storeState,
  ].join('\n'),
);

const wat = `(module (memory (export "memory") ${memoryPages} ${memoryPages}) ${nodes} ${leaves})`;
await writeWasmModule({ name: 'sha256Simd', generator: 'generate-sha256-simd.ts', wat, features: { simd: true } });
