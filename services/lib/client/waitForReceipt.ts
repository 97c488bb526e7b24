import { z } from 'zod';
import type { RecordId } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { asReceipt, type Receipt } from '../../core/receipt.ts';
import { systemClock } from '../clock.ts';
import { onceOnly } from './backOff.ts';
import type { CentreHttp } from './CentreHttp.ts';
import { mayPass } from './problem.ts';

/** How long to wait for a receipt. */
export type WaitOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Two minutes by default. */
  readonly timeoutMs?: number | undefined;
};

/** Longest wait in one request; below the idle limits of common proxies. */
const longestAskSeconds = 25;

/**
 * Waits for the receipt of a record: long polls, and goes on through restarts of the centre until the time is over.
 * The receipt's form is checked, not what it says.
 * @throws NotariumError `wait-timeout` (with the last failure as its cause), `record-not-found`, `record-refused`; the
 *   signal's reason.
 */
export function waitForReceipt(http: CentreHttp, id: RecordId, options: WaitOptions = {}): Promise<Receipt> {
  return waitAtPath(http, `/v1/records/${id}/receipt`, options, { id });
}

/**
 * As {@link waitForReceipt}, for a route that answers with a receipt and takes `wait`.
 * @param data Of the error when the time is over.
 */
export async function waitAtPath(
  http: CentreHttp,
  path: string,
  options: WaitOptions = {},
  data: { readonly id?: RecordId } = {},
): Promise<Receipt> {
  const { signal, timeoutMs = 120_000 } = options;
  const deadlineMs = performance.now() + timeoutMs;
  for (let pauseMs = 100; ; pauseMs = Math.min(2 * pauseMs, 2_000)) {
    const askedMs = performance.now();
    const leftMs = Math.max(0, deadlineMs - askedMs);
    const waitSeconds = Math.min(longestAskSeconds, Math.ceil(leftMs / 1000));
    try {
      return await receiptAtPath(http, path, waitSeconds, signal);
    } catch (error) {
      if (!(error instanceof NotariumError)) throw error;
      // The record is accepted: whatever is wrong only for now is waited out, a proxy without its centre too.
      if (!mayPass(error)) throw error;
      if (performance.now() >= deadlineMs) {
        throw new NotariumError('wait-timeout', data.id, { data: { ...data, timeoutMs }, cause: error });
      }
    }
    // A centre that answers at once, or not at all, must not be asked in a tight loop; a long poll is its own pause.
    if (performance.now() - askedMs < 1_000) await sleep(Math.min(pauseMs, leftMs), signal);
  }
}

/** Asks once. @throws NotariumError `record-not-anchored`, and as {@link waitForReceipt}. */
export async function receiptAtPath(
  http: CentreHttp,
  path: string,
  waitSeconds: number,
  signal: AbortSignal | undefined,
): Promise<Receipt> {
  const answer = await http.json(
    {
      path: `${path}?wait=${waitSeconds}`,
      signal,
      timeoutMs: (waitSeconds + 15) * 1000,
      backOff: onceOnly,
    },
    z.unknown(),
  );
  return readReceipt(answer);
}

function readReceipt(value: unknown): Receipt {
  try {
    return asReceipt(value);
  } catch (cause) {
    throw new NotariumError('server-answer-invalid', 'receipt', { cause });
  }
}

async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await systemClock.sleep(ms, signal);
  signal?.throwIfAborted();
}
