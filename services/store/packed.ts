/** A column of byte strings in one piece: value i ends at `ends[i]`, and is null where `nulls[i]` is 1. */
export type PackedBytes = { readonly bytes: Uint8Array; readonly ends: Uint32Array; readonly nulls?: Uint8Array };

/** A column of numbers (NaN for null) or of byte strings. */
export type PackedColumn = Float64Array | PackedBytes;

/**
 * Rows by columns: crosses to the database thread without an object for each row, and is what a bulk insert takes. As the
 * single parameter of a compiled query it means: run the query once for each row.
 */
export class PackedRows {
  readonly count: number;
  readonly columns: readonly PackedColumn[];

  constructor(count: number, columns: readonly PackedColumn[]) {
    this.count = count;
    this.columns = columns;
  }
}

/** As the last parameter of a compiled query: answer one row, a {@link PackedRows}, with columns of these kinds. */
export class PackedAnswer {
  readonly kinds: readonly PackedKind[];

  constructor(kinds: readonly PackedKind[]) {
    this.kinds = kinds;
  }
}

/** Kind of a column of a packed answer. */
export type PackedKind = 'number' | 'bytes';

/** Packs one number of each item. */
export function packNumbers<T>(items: readonly T[], of: (item: T, index: number) => number | null): Float64Array {
  return Float64Array.from(items, (item, index) => of(item, index) ?? Number.NaN);
}

/** Packs one byte string of each item. */
export function packBytes<T>(items: readonly T[], of: (item: T) => Uint8Array | null): PackedBytes {
  const values = items.map(of);
  let sizeBytes = 0;
  for (const value of values) sizeBytes += value?.length ?? 0;
  const packer = new BytesPacker(values.length, sizeBytes);
  for (const value of values) packer.add(value);
  return packer.done();
}

/** Value of a packed column, as a view; null for a null. */
export function bytesAt(column: PackedBytes, index: number): Uint8Array | null {
  if (column.nulls?.[index] === 1) return null;
  return column.bytes.subarray(index === 0 ? 0 : column.ends[index - 1]!, column.ends[index]!);
}

/** Collects byte strings of unknown total size. */
export class BytesPacker {
  #bytes: Uint8Array;
  #ends: number[] | Uint32Array;
  #nulls: Uint8Array | undefined;
  #count = 0;
  #sizeBytes = 0;

  /** @param count exact number of strings, and `sizeBytes` of all of them, where known: saves copying. */
  constructor(count?: number, sizeBytes = 4096) {
    this.#ends = count === undefined ? [] : new Uint32Array(count);
    this.#bytes = new Uint8Array(sizeBytes);
  }

  add(value: Uint8Array | null): void {
    if (value === null) {
      const needed = this.#count + 1;
      if (!this.#nulls || this.#nulls.length < needed)
        this.#nulls = grown(this.#nulls, Math.max(needed, this.#ends.length));
      this.#nulls[this.#count] = 1;
    } else {
      const end = this.#sizeBytes + value.length;
      if (end > this.#bytes.length) this.#bytes = grown(this.#bytes, end);
      this.#bytes.set(value, this.#sizeBytes);
      this.#sizeBytes = end;
    }
    this.#ends[this.#count++] = this.#sizeBytes;
  }

  done(): PackedBytes {
    const ends = this.#ends instanceof Uint32Array ? this.#ends : Uint32Array.from(this.#ends);
    const bytes = this.#bytes.subarray(0, this.#sizeBytes);
    return this.#nulls ? { bytes, ends, nulls: this.#nulls } : { bytes, ends };
  }
}

function grown(bytes: Uint8Array | undefined, sizeBytes: number): Uint8Array {
  const whole = new Uint8Array(Math.max(sizeBytes, 2 * (bytes?.length ?? 0)));
  if (bytes) whole.set(bytes);
  return whole;
}

/** Buffers of packed columns, to be moved to another thread rather than copied. */
export function buffersOf(columns: readonly PackedColumn[]): ArrayBuffer[] {
  return columns.flatMap((column) => {
    const views =
      column instanceof Float64Array ? [column] : [column.bytes, column.ends, ...(column.nulls ? [column.nulls] : [])];
    return views.map((view) => view.buffer as ArrayBuffer);
  });
}

/** Packs answer rows, each an array in column order. */
export function packRows(rows: Iterable<readonly unknown[]>, kinds: readonly PackedKind[]): PackedRows {
  const numbers = kinds.map((): number[] => []);
  const strings = kinds.map(() => new BytesPacker());
  let count = 0;
  for (const row of rows) {
    count++;
    for (let at = 0; at < kinds.length; at++) {
      if (kinds[at] === 'number') numbers[at]!.push((row[at] as number | null) ?? Number.NaN);
      else strings[at]!.add(row[at] as Uint8Array | null);
    }
  }
  return new PackedRows(
    count,
    kinds.map((kind, at) => (kind === 'number' ? Float64Array.from(numbers[at]!) : strings[at]!.done())),
  );
}
