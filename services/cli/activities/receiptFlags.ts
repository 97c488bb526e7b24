import { NotariumError } from '../../core/errors.ts';

/** Options of commands that take a receipt along. */
export type ReceiptFlags = { readonly receipt: boolean; readonly wait?: string | boolean };

/** As long as `notarium notarize --wait` waits. */
const usualWaitSeconds = 120;

/** Seconds that are waited for a receipt. @throws NotariumError `usage-invalid`. */
export function waitOf({ receipt, wait }: ReceiptFlags): number {
  if (wait === undefined || wait === false) return 0;
  if (!receipt) throw new NotariumError('usage-invalid', '--wait or --no-receipt, not both');
  if (wait === true) return usualWaitSeconds;
  if (/^\d{1,6}$/.test(wait)) return Number(wait);
  throw new NotariumError('usage-invalid', `--wait takes seconds, not "${wait.slice(0, 40)}": give it last`);
}
