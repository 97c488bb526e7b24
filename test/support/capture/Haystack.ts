import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const separator = Buffer.alloc(8, 0xff);
/** Shorter ones may be there by chance. */
const leastBytes = 7;

/** All that somebody has seen, piece by piece, to be searched for what must not be there. */
export class Haystack {
  readonly #names: string[] = [];
  readonly #ends: number[] = [];
  readonly #parts: Buffer[] = [];
  #sizeBytes = 0;
  #all: { readonly plain: Buffer; readonly lower: Buffer } | undefined;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(name: string, bytes: Uint8Array | string): void {
    const part = Buffer.from(bytes as string);
    this.#parts.push(part, separator);
    this.#sizeBytes += part.length + separator.length;
    this.#names.push(name);
    this.#ends.push(this.#sizeBytes);
    this.#all = undefined;
  }

  /** Every file below a folder as it is, and every row of each database there. Nobody may be writing to it. */
  async addFolder(name: string, folder: string): Promise<void> {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const place = `${name} ${relative(folder, path)}`;
      this.add(place, await readFile(path));
      if (entry.name.endsWith('.sqlite')) this.#addRows(place, path);
    }
  }

  #addRows(name: string, path: string): void {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
      for (const { name: table } of tables as { name: string }[]) {
        for (const row of rowsOf(database, table)) {
          const cells = Object.values(row).flatMap((value) => [
            value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value)),
            separator,
          ]);
          this.add(`${name} ${table}`, Buffer.concat(cells));
        }
      }
    } finally {
      database.close();
    }
  }

  /** Places that hold a secret: as it is, in hexadecimal, base64, base64url, UTF-16 or percent-encoded, or in two of these at once. */
  placesOf(secret: string): Set<number> {
    this.#all ??= both(Buffer.concat(this.#parts));
    const found = new Set<number>();
    for (const { bytes, isPlain } of formsOf(secret)) {
      const all = isPlain ? this.#all.plain : this.#all.lower;
      for (let at = all.indexOf(bytes); at >= 0; ) {
        const place = this.#placeAt(at);
        found.add(place);
        at = all.indexOf(bytes, this.#ends[place]!);
      }
    }
    return found;
  }

  /** Names of those places, each once. */
  where(secret: string): string[] {
    return [...new Set([...this.placesOf(secret)].map((place) => this.#names[place]!))];
  }

  nameOf(place: number): string {
    return this.#names[place]!;
  }

  #placeAt(at: number): number {
    let [low, high] = [0, this.#ends.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ends[middle]! > at) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function rowsOf(database: DatabaseSync, table: string): Record<string, unknown>[] {
  const all = database.prepare(`select * from "${table}"`);
  all.setReadBigInts(true);
  return all.all() as Record<string, unknown>[];
}

function both(plain: Buffer): { plain: Buffer; lower: Buffer } {
  return { plain, lower: Buffer.from(plain.toString('latin1').toLowerCase(), 'latin1') };
}

type Form = { readonly bytes: Buffer; readonly isPlain: boolean };

/** How a secret may be written: `0x…` stands for bytes. */
export function formsOf(secret: string): Form[] {
  const isHex = /^0x([0-9a-f]{2})+$/i.test(secret);
  const bytes = isHex ? Buffer.from(secret.slice(2), 'hex') : Buffer.from(secret);
  if (bytes.length < leastBytes) throw new RangeError(`too short to be looked for: ${secret}`);
  const hex = Buffer.from(bytes.toString('hex'));
  const texts = isHex ? [hex] : [hex, bytes, Buffer.from(secret, 'utf16le'), Buffer.from(encodeURIComponent(secret))];
  return [
    ...(isHex ? [{ bytes, isPlain: true }] : []),
    // Letters of hexadecimal digits and of names may be large or small.
    ...texts.map((text) => ({ bytes: Buffer.from(text.toString('latin1').toLowerCase(), 'latin1'), isPlain: false })),
    ...[bytes, hex].flatMap((plain) => base64Forms(plain)),
  ];
}

/** Base64 of bytes that stand anywhere in others: what of it depends on these alone. */
function base64Forms(bytes: Buffer): Form[] {
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const first = Math.ceil((before * 8) / 6);
    const whole = Math.floor(((before + bytes.length) * 8) / 6);
    const own = text.slice(first, whole);
    const url = own.replaceAll('+', '-').replaceAll('/', '_');
    return [...new Set([own, url])].map((each) => ({ bytes: Buffer.from(each), isPlain: true }));
  });
}
