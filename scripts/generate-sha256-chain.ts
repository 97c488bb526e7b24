/**
 * Writes services/core/sha256ChainWasm.ts: SHA-256 of 32 bytes, and of what comes of it, so many times, without leaving
 * WebAssembly in between. With `--check` it writes nothing, and fails when the committed file differs.
 */

import { initialState, roundConstants } from '../services/core/sha256Simd.ts';
import { writeWasmModule } from './support/wasmModule.ts';

type Expr = string;

const get = (name: string): Expr => `(local.get $${name})`;
const set = (name: string, value: Expr): Expr => `(local.set $${name} ${value})`;
const i32 = (value: number): Expr => `(i32.const 0x${(value >>> 0).toString(16)})`;
const chain = (operator: string, terms: readonly Expr[]): Expr =>
  terms.reduce((left, right) => `(${operator} ${left} ${right})`);
const add = (...terms: Expr[]): Expr => chain('i32.add', terms);
const xor = (...terms: Expr[]): Expr => chain('i32.xor', terms);
const and = (...terms: Expr[]): Expr => chain('i32.and', terms);
const rotations = (name: string, ...bits: number[]): Expr =>
  xor(...bits.map((count) => `(i32.rotr ${get(name)} ${i32(count)})`));
const shiftRight = (name: string, bits: number): Expr => `(i32.shr_u ${get(name)} ${i32(bits)})`;
const lines = (count: number, make: (index: number) => Expr): Expr =>
  Array.from({ length: count }, (_, at) => make(at)).join('\n');

const state = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

/** Message word `index` of those that are the same for every message of 32 bytes: the padding, and the length of 256 bits. */
const fixedWord = (index: number): number | undefined => {
  if (index < 8 || index > 15) return undefined;
  return index === 8 ? 0x80000000 : index === 15 ? 256 : 0;
};

/** The number that an extension of the schedule (FIPS 180-4 section 6.2.2) makes of a fixed word. */
function sigma(word: number, rotation1: number, rotation2: number, shift: number): number {
  const rotate = (bits: number): number => (word >>> bits) | (word << (32 - bits));
  return (rotate(rotation1) ^ rotate(rotation2) ^ (word >>> shift)) >>> 0;
}

const local = (index: number): string => `w${index % 16}`;

/** Extends the schedule by word `index`; what is fixed is added up here. */
function extension(index: number): Expr {
  const sums: Expr[] = [];
  let fixed = 0;
  const addWord = (back: number, variable: Expr, made: (word: number) => number): void => {
    const word = fixedWord(index - back);
    if (word === undefined) sums.push(variable);
    else fixed += made(word);
  };
  const [w15, w2] = [local(index - 15), local(index - 2)];
  addWord(16, get(local(index)), (word) => word);
  addWord(15, xor(rotations(w15, 7, 18), shiftRight(w15, 3)), (word) => sigma(word, 7, 18, 3));
  addWord(7, get(local(index - 7)), (word) => word);
  addWord(2, xor(rotations(w2, 17, 19), shiftRight(w2, 10)), (word) => sigma(word, 17, 19, 10));
  if (fixed !== 0) sums.push(i32(fixed));
  return set(local(index), add(...sums));
}

/**
 * One round, given message word plus round constant. Majority is written as b ^ ((a ^ b) & (b ^ c)), since b ^ c is the a ^ b
 * of the round before.
 */
function round([a, b, , d, e, f, g, h]: readonly string[], word: Expr): Expr {
  const choice = xor(get(g!), and(get(e!), xor(get(f!), get(g!))));
  return [
    set('x', add(get(h!), word, choice, rotations(e!, 6, 11, 25))),
    set(d!, add(get(d!), get('x'))),
    set('bc', get('ab')),
    set('ab', xor(get(a!), get(b!))),
    set(h!, add(get('x'), xor(get(b!), and(get('ab'), get('bc'))), rotations(a!, 2, 13, 22))),
  ].join('\n');
}

const rounds = lines(64, (index) => {
  const order = state.map((_, at) => state[(at + 64 - index) % 8]!);
  const fixed = fixedWord(index);
  const constant = roundConstants[index]!;
  if (fixed !== undefined) return round(order, i32(fixed + constant));
  return (index < 16 ? '' : extension(index)) + round(order, add(get(local(index)), i32(constant)));
});

// In and out as words of the machine: whoever calls turns the bytes around, once for all times.
const wat = `(module (memory (export "memory") 1 1) (func (export "chain") (param $times i32)
  ${[...state, 'x', 'ab', 'bc', ...Array.from({ length: 16 }, (_, at) => local(at))].map((name) => `(local $${name} i32)`).join(' ')}
  ${lines(8, (at) => set(local(at), `(i32.load offset=${4 * at} ${i32(0)})`))}
  (loop $next
    ${lines(8, (at) => set(state[at]!, i32(initialState[at]!)))}
    ${set('ab', xor(get('b'), get('c')))}
    ${rounds}
    ${lines(8, (at) => set(local(at), add(get(state[at]!), i32(initialState[at]!))))}
    (br_if $next (local.tee $times (i32.sub ${get('times')} ${i32(1)}))))
  ${lines(8, (at) => `(i32.store offset=${4 * at} ${i32(0)} ${get(local(at))})`)}))`;
await writeWasmModule({ name: 'sha256Chain', generator: 'generate-sha256-chain.ts', wat });
