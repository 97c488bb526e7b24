import { type ErrorCode, NotariumError } from '../core/errors.ts';

/**
 * Any failure of a database, a disk or a bucket as the error that the rest of the code knows. NotariumError and
 * RangeError (a wrong argument, a wrong state) stay what they are.
 */
export function storageError(error: unknown, file?: string): Error {
  if (error instanceof NotariumError || error instanceof RangeError) return error;
  const { message } = error as Error;
  const code = codeOf(error as Failure);
  // The path stays out of the other codes: clients read them.
  const where = file === undefined ? '' : `${file}: `;
  if (code === 'store-corrupt') {
    return new NotariumError(code, `${where}${message}. notarium rebuild restores it from the log and the chain`, {
      cause: error,
      data: { ...(file === undefined ? {} : { file }) },
    });
  }
  return new NotariumError(code, message, { cause: error });
}

/** Runs work whose failures are those of storage, see {@link storageError}. */
export async function stored<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(error);
  }
}

type Failure = Error & { code?: unknown; errcode?: unknown; cause?: unknown };

function codeOf(error: Failure): ErrorCode {
  if (typeof error.errcode === 'number') return sqliteCode(error.errcode);
  const code = String(error.code ?? '');
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'storage-full';
  if (/^[0-9A-Z]{5}$/.test(code)) return postgresCode(code);
  if (error.cause instanceof Error) return codeOf(error.cause);
  return 'storage-failed';
}

/** https://sqlite.org/rescode.html: the low byte is the primary code. */
function sqliteCode(errcode: number): ErrorCode {
  const primary = errcode & 0xff;
  if (primary === 13) return 'storage-full';
  if (primary === 11 || primary === 26) return 'store-corrupt';
  return 'storage-failed';
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
function postgresCode(code: string): ErrorCode {
  if (code === '53100') return 'storage-full';
  if (code === 'XX001' || code === 'XX002') return 'store-corrupt';
  return 'storage-failed';
}
