/** `0x` and lower-case hexadecimal digits, any length. */
export type Hex = `0x${string}`;
/** 20-byte EVM address, `0x` and 40 lower-case hexadecimal digits. */
export type Address = Hex & { readonly __brand?: 'Address' };
/** 32-byte hash, `0x` and 64 lower-case hexadecimal digits. */
export type Hash = Hex & { readonly __brand?: 'Hash' };
/** SHA-256 of a record's canonical bytes without its signature. */
export type RecordId = Hash & { readonly __record?: 'RecordId' };

const digitCodes = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
// Value of each ASCII character as a hexadecimal digit; negative where it is none.
const digitValues = Int8Array.from({ length: 128 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? -1 : value;
});
// As many as a call takes as arguments without harm.
const digitsAtOnce = 1024;
/** The parts of Node's Buffer in use here: it writes and reads texts ten times as fast. Browsers have none. */
type NativeTexts = {
  from(text: string, encoding: 'base64'): Uint8Array;
  from(
    buffer: ArrayBufferLike,
    offset: number,
    sizeBytes: number,
  ): { toString(encoding: 'hex' | 'base64' | 'base64url'): string };
};
let native = (globalThis as { Buffer?: NativeTexts }).Buffer;

/** Fixes who writes and reads texts, so that tests can compare the two; `best` is what every start begins with. */
export function useTexts(by: 'best' | 'portable'): void {
  native = by === 'best' ? (globalThis as { Buffer?: NativeTexts }).Buffer : undefined;
}

const isHexText = /^0x[0-9a-f]*$/;

/** Lower-case hexadecimal digits of the bytes, without prefix. */
export function hexDigits(bytes: Uint8Array): string {
  if (native) return native.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
  let text = '';
  for (let start = 0; start < bytes.length; start += digitsAtOnce / 2) {
    const end = Math.min(bytes.length, start + digitsAtOnce / 2);
    const codes = new Array<number>(2 * (end - start));
    for (let index = start, at = 0; index < end; index++) {
      const byte = bytes[index]!;
      codes[at++] = digitCodes[byte >> 4]!;
      codes[at++] = digitCodes[byte & 15]!;
    }
    // One flat text: pieces joined by + would be put together again by whoever reads them.
    text += String.fromCharCode.apply(null, codes);
  }
  return text;
}

/** `0x…` of the bytes. */
export function toHex(bytes: Uint8Array): Hex {
  return `0x${hexDigits(bytes)}`;
}

/**
 * Bytes of a hexadecimal text, with or without `0x`.
 * @throws RangeError when the text is not an even number of hexadecimal digits.
 */
export function fromHex(text: string): Uint8Array {
  const start = text.startsWith('0x') ? 2 : 0;
  const sizeBytes = (text.length - start) / 2;
  const bytes = new Uint8Array(Math.ceil(sizeBytes));
  for (let index = 0; index < sizeBytes; index++) {
    const value = (digitAt(text, start + 2 * index) << 4) | digitAt(text, start + 2 * index + 1);
    if (value < 0) throw new RangeError('not hexadecimal');
    bytes[index] = value;
  }
  if (!Number.isInteger(sizeBytes)) throw new RangeError('odd number of hexadecimal digits');
  return bytes;
}

function digitAt(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code < 128 ? digitValues[code]! : -1;
}

/** Whether the text is `0x` and exactly `sizeBytes` bytes in lower-case hexadecimal. */
export function isHex(text: unknown, sizeBytes: number): text is Hex {
  return typeof text === 'string' && text.length === 2 + 2 * sizeBytes && isHexText.test(text);
}

/** Joins byte arrays into one. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Whether both arrays hold the same bytes. Not constant time: for public data only. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}

/** Standard base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  if (native) return native.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
  let binary = '';
  for (let start = 0; start < bytes.length; start += 8192) {
    binary += String.fromCharCode(...bytes.subarray(start, start + 8192));
  }
  return btoa(binary);
}

/**
 * Bytes of standard base64 text.
 * @throws RangeError when the text is not canonical base64.
 */
export function fromBase64(text: string): Uint8Array {
  if (native) {
    const read = native.from(text, 'base64');
    // It forgives even more than atob: see below.
    if (toBase64(read) !== text) throw new RangeError('not canonical base64');
    return new Uint8Array(read.buffer, read.byteOffset, read.length);
  }
  let binary: string;
  try {
    binary = atob(text);
  } catch (cause) {
    throw new RangeError('not base64', { cause });
  }
  // atob forgives white space, missing padding and bits that no byte uses: the only spelling is the one btoa gives.
  if (btoa(binary) !== text) throw new RangeError('not canonical base64');
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

/** base64url without padding (RFC 4648 section 5). */
export function toBase64Url(bytes: Uint8Array): string {
  if (native) return native.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

// A multiple of three, so that pieces stand beside one another as in one.
const base64AtOnce = 3 << 14;

/** {@link toBase64Url} as ASCII bytes: of what is large no text is made as a whole. */
export function base64UrlBytes(bytes: Uint8Array): Uint8Array {
  const text = new Uint8Array(Math.ceil((bytes.length * 4) / 3));
  for (let start = 0, at = 0; start < bytes.length; start += base64AtOnce) {
    const piece = toBase64Url(bytes.subarray(start, start + base64AtOnce));
    encoder.encodeInto(piece, text.subarray(at));
    at += piece.length;
  }
  return text;
}

/**
 * Bytes of base64url text without padding.
 * @throws RangeError when the text is not canonical base64url.
 */
export function fromBase64Url(text: string): Uint8Array {
  if (/[+/=]/.test(text)) throw new RangeError('not base64url');
  const padding = '='.repeat((4 - (text.length % 4)) % 4);
  return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/') + padding);
}

const encoder = new TextEncoder();
// A byte order mark stays in the text: dropped, two inputs would have one reading.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * Text of UTF-8 bytes.
 * @throws TypeError when the bytes are not valid UTF-8.
 */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
