import { type ErrorCode, NotariumError } from '../../core/errors.ts';
import { readSmallFile } from '../../lib/readSmallFile.ts';

/**
 * Reads a receipt or an acceptance.
 * @param kind.parse Reads the text; every NotariumError of it becomes `kind.malformed`.
 * @throws NotariumError `file-unreadable`, `kind.malformed`.
 */
export async function readEvidence<T>(
  path: string,
  kind: { readonly malformed: ErrorCode; readonly maxBytes: number; readonly parse: (text: Uint8Array) => T },
): Promise<T> {
  const { malformed, maxBytes, parse } = kind;
  const bytes = await readSmallFile(path, { maxBytes, tooLarge: malformed });
  try {
    return parse(bytes);
  } catch (cause) {
    // JSON of two readings has the form neither, and the step that failed is this one.
    if (!(cause instanceof NotariumError) || cause.code === malformed) throw cause;
    throw new NotariumError(malformed, cause.message, { cause, data: { cause: cause.code, ...cause.data } });
  }
}
