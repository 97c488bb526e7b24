import { fromUtf8 } from './bytes.ts';
import { NotariumError } from './errors.ts';

/** Bounds for JSON from outside. */
export type JsonLimits = {
  /** Largest text, in UTF-16 code units (for bytes: bytes). */
  readonly maxSize: number;
  /** Deepest nesting of objects and arrays. */
  readonly maxDepth: number;
};

const defaultLimits: JsonLimits = { maxSize: 1 << 20, maxDepth: 16 };

/**
 * Parses JSON that is to be hashed or signed, and so must have one reading only: unlike `JSON.parse` it refuses duplicate
 * keys, lone surrogates, numbers that RFC 8785 would write differently (`1.0`, `1e3`, `-0`), integers beyond 2^53 - 1, and what is
 * nested too deep or too large. `__proto__` is an ordinary key.
 * @throws NotariumError `json-malformed`, `json-duplicate-key`, `json-lone-surrogate`, `json-number-not-canonical`,
 *   `json-too-deep`, `json-too-large`, `text-not-utf8`.
 */
export function parseStrictJson(input: string | Uint8Array, limits: Partial<JsonLimits> = {}): unknown {
  return readStrictJson(input, limits).value;
}

/**
 * As {@link parseStrictJson}. `isCanonical`: the text is the one that RFC 8785 has for the value. Where it says no, it still may be.
 * @throws NotariumError as {@link parseStrictJson}.
 */
export function readStrictJson(
  input: string | Uint8Array,
  limits: Partial<JsonLimits> = {},
): { readonly value: unknown; readonly isCanonical: boolean } {
  const { maxSize, maxDepth } = { ...defaultLimits, ...limits };
  if (input.length > maxSize) {
    throw new NotariumError('json-too-large', undefined, { data: { have: input.length, want: maxSize } });
  }
  const text = typeof input === 'string' ? input : decode(input);
  return readPlain(text, maxDepth) ?? { value: new StrictParser(text, maxDepth).parse(), isCanonical: false };
}

/**
 * The value of a text that JSON.stringify would write in the same way again, and that so has one reading only; undefined for every other
 * text. Nothing else is as fast, and most texts are such.
 */
function readPlain(text: string, maxDepth: number): { value: unknown; isCanonical: boolean } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // What is wrong with it is for the parser to say.
    return undefined;
  }
  const order = { isByName: true };
  return isExact(value, maxDepth, order) && JSON.stringify(value) === text
    ? { value, isCanonical: order.isByName }
    : undefined;
}

/**
 * Whether a value that JSON.parse has made is not nested too deep, and has neither half characters nor integers that stand for several. Notes
 * whether the members of all objects are in the order of RFC 8785.
 */
function isExact(value: unknown, maxDepth: number, order: { isByName: boolean }): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return true;
  if (maxDepth === 0) return false;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) if (!isExact(value[index], maxDepth - 1, order)) return false;
    return true;
  }
  let before: string | undefined;
  for (const key of Object.keys(value)) {
    if (!key.isWellFormed()) return false;
    if (before !== undefined && before >= key) order.isByName = false;
    if (!isExact((value as Record<string, unknown>)[key], maxDepth - 1, order)) return false;
    before = key;
  }
  return true;
}

function decode(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new NotariumError('text-not-utf8', undefined, { cause });
  }
}

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// Everything that may stand in a string up to its end, an escape or a character that must not be there.
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these in a string
const plainPattern = /[^"\\\u0000-\u001f]*/y;
const shortEscapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class StrictParser {
  #text: string;
  #maxDepth: number;
  #at = 0;
  #depth = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  parse(): unknown {
    const value = this.#value();
    this.#space();
    if (this.#at < this.#text.length) this.#fail('text after the value');
    return value;
  }

  #fail(detail: string): never {
    throw new NotariumError('json-malformed', `${detail} at position ${this.#at}`, { data: { position: this.#at } });
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      this.#at++;
    }
  }

  #value(): unknown {
    this.#space();
    const char = this.#text[this.#at];
    switch (char) {
      case '{':
        return this.#nested(() => this.#object());
      case '[':
        return this.#nested(() => this.#array());
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      case undefined:
        return this.#fail('unexpected end');
      default:
        return this.#number();
    }
  }

  #nested<T>(parse: () => T): T {
    if (++this.#depth > this.#maxDepth) {
      throw new NotariumError('json-too-deep', undefined, { data: { want: this.#maxDepth } });
    }
    this.#at++;
    const value = parse();
    this.#depth--;
    return value;
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail('unexpected character');
    this.#at += word.length;
    return value;
  }

  #object(): unknown {
    const result: Record<string, unknown> = {};
    this.#space();
    if (this.#take('}')) return result;
    do {
      this.#space();
      if (this.#text[this.#at] !== '"') this.#fail('expected a key');
      const key = this.#string();
      if (Object.hasOwn(result, key)) {
        const shown = key.slice(0, 64).toWellFormed();
        throw new NotariumError('json-duplicate-key', JSON.stringify(shown), { data: { key: shown } });
      }
      this.#space();
      if (!this.#take(':')) this.#fail('expected a colon');
      const value = this.#value();
      // Assignment to __proto__ would set the prototype and lose the key.
      if (key === '__proto__') {
        Object.defineProperty(result, key, { value, enumerable: true, configurable: true, writable: true });
      } else {
        result[key] = value;
      }
      this.#space();
    } while (this.#take(','));
    if (!this.#take('}')) this.#fail('expected a comma or the end of the object');
    return result;
  }

  #array(): unknown[] {
    const result: unknown[] = [];
    this.#space();
    if (this.#take(']')) return result;
    do {
      result.push(this.#value());
      this.#space();
    } while (this.#take(','));
    if (!this.#take(']')) this.#fail('expected a comma or the end of the array');
    return result;
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #number(): number {
    numberPattern.lastIndex = this.#at;
    const text = numberPattern.exec(this.#text)?.[0];
    if (text === undefined) this.#fail('unexpected character');
    const value = Number(text);
    // Above 2^53 - 1 a double stands for several integers: other readers may take another one for it.
    if (String(value) !== text || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
      throw new NotariumError('json-number-not-canonical', text.slice(0, 40));
    }
    this.#at += text.length;
    return value;
  }

  #string(): string {
    this.#at++;
    let result = '';
    for (;;) {
      plainPattern.lastIndex = this.#at;
      const plain = plainPattern.exec(this.#text)![0];
      result += plain;
      this.#at += plain.length;
      const char = this.#text[this.#at];
      if (char === '"') break;
      if (char !== '\\') this.#fail(char === undefined ? 'unexpected end' : 'control character in a string');
      result += this.#escape();
    }
    this.#at++;
    if (!result.isWellFormed()) throw new NotariumError('json-lone-surrogate');
    return result;
  }

  #escape(): string {
    const char = this.#text[this.#at + 1] ?? '';
    const short = shortEscapes[char];
    if (short !== undefined) {
      this.#at += 2;
      return short;
    }
    const digits = this.#text.slice(this.#at + 2, this.#at + 6);
    if (char !== 'u' || !/^[0-9a-fA-F]{4}$/.test(digits)) this.#fail('unknown escape');
    this.#at += 6;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }
}
