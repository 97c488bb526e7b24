import { fromUtf8 } from './bytes.ts';

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const minus = 0x2d;
const dot = 0x2e;
const zero = 0x30;
const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;
const nowhere = -1;
/** As many digits as a decimal number may have so that no shorter one means the same double. */
const mostDigits = 15;
/** Zeros after the point of a number from which on RFC 8785 writes an exponent. */
const exponentZeros = 6;
const words: readonly Uint8Array[] = ['true', 'false', 'null'].map((word) => new TextEncoder().encode(word));
const shortEscapes = new Set([...'"\\bfnrt'].map((char) => char.charCodeAt(0)));
// Of control characters that have a short form.
const neverLong = new Set([0x08, 0x09, 0x0a, 0x0c, 0x0d]);

type Scan = { readonly bytes: Uint8Array; values: number; hasOther: boolean };

/** Where a value ends, and how many values it has, itself among them. */
export type Scanned = { readonly end: number; readonly values: number };

/**
 * Whether a value of JSON is written as RFC 8785 has it, found out without making anything of it: to make all that is in some megabytes takes
 * ten times as much memory, and who checks a digest needs none of it. It says nothing of what it cannot tell by the bytes alone: names with other than
 * ASCII characters, or with escapes, and numbers with exponents or many digits.
 * @param start Where the value begins.
 * @returns undefined for what is not canonical, nested deeper than `maxDepth`, not UTF-8, or cannot be told.
 */
export function scanCanonical(bytes: Uint8Array, start: number, maxDepth: number): Scanned | undefined {
  const scan: Scan = { bytes, values: 0, hasOther: false };
  const end = endOfValue(scan, start, maxDepth);
  if (end === nowhere) return undefined;
  if (scan.hasOther) {
    try {
      fromUtf8(bytes.subarray(start, end));
    } catch {
      return undefined;
    }
  }
  return { end, values: scan.values };
}

function endOfValue(scan: Scan, at: number, maxDepth: number): number {
  scan.values++;
  switch (scan.bytes[at]) {
    case quote:
      return endOfString(scan, at + 1);
    case openObject:
      return maxDepth === 0 ? nowhere : endOfObject(scan, at + 1, maxDepth - 1);
    case openList:
      return maxDepth === 0 ? nowhere : endOfList(scan, at + 1, maxDepth - 1);
    case undefined:
      return nowhere;
    default:
      return endOfNumber(scan.bytes, at);
  }
}

function endOfList(scan: Scan, start: number, maxDepth: number): number {
  const { bytes } = scan;
  if (bytes[start] === closeList) return start + 1;
  for (let at = start; ; at++) {
    at = endOfValue(scan, at, maxDepth);
    if (at === nowhere) return nowhere;
    if (bytes[at] === closeList) return at + 1;
    if (bytes[at] !== comma) return nowhere;
  }
}

function endOfObject(scan: Scan, start: number, maxDepth: number): number {
  const { bytes } = scan;
  if (bytes[start] === closeObject) return start + 1;
  let before = nowhere;
  for (let at = start; ; at++) {
    if (bytes[at] !== quote) return nowhere;
    const name = at + 1;
    at = endOfName(bytes, name);
    if (at === nowhere || (before !== nowhere && !isBefore(bytes, before, name))) return nowhere;
    before = name;
    if (bytes[at] !== colon) return nowhere;
    at = endOfValue(scan, at + 1, maxDepth);
    if (at === nowhere) return nowhere;
    if (bytes[at] === closeObject) return at + 1;
    if (bytes[at] !== comma) return nowhere;
  }
}

/** Of ASCII characters alone, so that the order of the bytes is the order of RFC 8785. */
function endOfName(bytes: Uint8Array, start: number): number {
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === quote) return at + 1;
    if (byte < 0x20 || byte >= 0x80 || byte === backslash) return nowhere;
  }
  return nowhere;
}

/** Whether one of two names, each of which ends with a quote, comes before the other one, and is not the same. */
function isBefore(bytes: Uint8Array, one: number, other: number): boolean {
  for (let index = 0; ; index++) {
    const [a, b] = [bytes[one + index]!, bytes[other + index]!];
    if (a === quote || b === quote) return a === quote && b !== quote;
    if (a !== b) return a < b;
  }
}

function endOfString(scan: Scan, start: number): number {
  const { bytes } = scan;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === quote) return at + 1;
    if (byte < 0x20) return nowhere;
    if (byte >= 0x80) scan.hasOther = true;
    if (byte === backslash) {
      const sizeBytes = escapeBytes(bytes, at + 1);
      if (sizeBytes === 0) return nowhere;
      at += sizeBytes;
    }
  }
  return nowhere;
}

/** Bytes of an escape after its backslash; 0 for one that RFC 8785 does not write. */
function escapeBytes(bytes: Uint8Array, at: number): number {
  if (shortEscapes.has(bytes[at]!)) return 1;
  const text = String.fromCharCode(...bytes.subarray(at, at + 5));
  if (!/^u00[01][0-9a-f]$/.test(text)) return 0;
  return neverLong.has(Number.parseInt(text.slice(1), 16)) ? 0 : 5;
}

/** Also of the three words. */
function endOfNumber(bytes: Uint8Array, start: number): number {
  const first = bytes[start] === minus ? start + 1 : start;
  let at = first;
  while (isDigit(bytes[at])) at++;
  const whole = at - first;
  if (whole === 0) return first === start ? endOfWord(bytes, start) : nowhere;
  const isZero = bytes[first] === zero;
  if (isZero && whole > 1) return nowhere;
  let digits = whole;
  if (bytes[at] === dot) {
    const fraction = ++at;
    while (isDigit(bytes[at])) at++;
    if (at === fraction || bytes[at - 1] === zero) return nowhere;
    let zeros = 0;
    while (bytes[fraction + zeros] === zero) zeros++;
    if (isZero && zeros >= exponentZeros) return nowhere;
    digits += at - fraction;
  } else if (isZero && first > start) return nowhere;
  const hasExponent = bytes[at] === 0x45 || bytes[at] === 0x65;
  return digits > mostDigits || hasExponent ? nowhere : at;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= 0x39;
}

function endOfWord(bytes: Uint8Array, start: number): number {
  const word = words.find((each) => each.every((byte, index) => bytes[start + index] === byte));
  return word ? start + word.length : nowhere;
}
