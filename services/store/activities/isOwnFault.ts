import { isNotariumError } from '../../core/errors.ts';
import { SqliteError } from '../sqliteDialect.ts';

// https://sqlite.org/rescode.html: too big, constraint, mismatch, range.
const sqliteFaults = [18, 19, 20, 25];
// https://www.postgresql.org/docs/current/errcodes-appendix.html: data, integrity, rolled back (deadlock), limits.
const postgresFaults = ['22', '23', '40', '54'];

/** Whether a transaction has failed for what was to be written, or for another one, rather than for the database. */
export function isOwnFault(error: unknown): boolean {
  if (error instanceof SqliteError) return sqliteFaults.includes((error.errcode ?? 0) & 0xff);
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return postgresFaults.includes(code.slice(0, 2));
  if (isNotariumError(error, 'activity-changed')) return true;
  // A wrong argument.
  return error instanceof TypeError || error instanceof RangeError;
}
