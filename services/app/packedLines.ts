import type { CheckedLine, CheckedLines, LineFailure } from './checkLines.ts';

/**
 * Checked lines on their way from a thread: all bytes in one piece. Eight small arrays for each record would cost more to
 * clone than the record costs to parse.
 */
export type PackedLines = {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** For each line: index, then the size of each of {@link fields}, 0 for none. */
  readonly layout: Uint32Array<ArrayBuffer>;
  /** Milliseconds; NaN for none. */
  readonly expiresMs: Float64Array<ArrayBuffer>;
  readonly subjects: readonly string[];
  readonly failed: readonly LineFailure[];
};

const fields = ['id', 'leafHash', 'digest', 'submitter', 'holder', 'supersedes', 'acceptance', 'entry'] as const;
const stride = 1 + fields.length;

/** Packs what a thread has checked. */
export function packLines({ checked, failed }: CheckedLines): PackedLines {
  const layout = new Uint32Array(stride * checked.length);
  let sizeBytes = 0;
  checked.forEach((line, number) => {
    let at = stride * number;
    layout[at++] = line.index;
    for (const field of fields) {
      const size = line[field]?.length ?? 0;
      layout[at++] = size;
      sizeBytes += size;
    }
  });
  const bytes = new Uint8Array(sizeBytes);
  let end = 0;
  for (const line of checked) {
    for (const field of fields) {
      const value = line[field];
      if (!value) continue;
      bytes.set(value, end);
      end += value.length;
    }
  }
  const expiresMs = Float64Array.from(checked, (line) => line.expiresMs ?? Number.NaN);
  return { bytes, layout, expiresMs, subjects: checked.map(({ subject }) => subject), failed };
}

/** Buffers of packed lines, to be moved to another thread. */
export function buffersOfLines({ bytes, layout, expiresMs }: PackedLines): ArrayBuffer[] {
  return [bytes.buffer, layout.buffer, expiresMs.buffer];
}

/** The lines again; their bytes are views of the packed ones. */
export function unpackLines({ bytes, layout, expiresMs, subjects, failed }: PackedLines): CheckedLines {
  let end = 0;
  const checked = subjects.map((subject, number): CheckedLine => {
    let at = stride * number + 1;
    const next = (): Uint8Array => {
      const start = end;
      end += layout[at++]!;
      return bytes.subarray(start, end);
    };
    const expires = expiresMs[number]!;
    const [id, leafHash, digest] = [next(), next(), next()];
    const [submitter, holder] = [next(), next()];
    const [supersedes, acceptance] = [next(), next()];
    return {
      index: layout[stride * number]!,
      id,
      leafHash,
      digest,
      submitter,
      holder,
      supersedes: supersedes.length === 0 ? null : supersedes,
      acceptance: acceptance.length === 0 ? undefined : acceptance,
      entry: next(),
      subject,
      expiresMs: Number.isNaN(expires) ? null : expires,
    };
  });
  return { checked, failed };
}
