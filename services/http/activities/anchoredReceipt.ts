import type { Response } from 'express';
import type { RecordId } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { callSignal } from '../callSignal.ts';
import type { HttpContext } from '../HttpContext.ts';
import { integerText } from '../schemas/parameters.ts';
import { sendPrivately } from './asked.ts';

/** How often it is looked whether the log has a record. */
const lookMs = 200;

/** Parameter `wait` of a route that answers with a receipt. */
export const waitParameter = integerText(0, 60, 'Seconds to wait for the anchor; 0 by default').optional();

/**
 * Answers with the receipt of a record that may not be in the log yet, at once or after so many seconds.
 * @param find The record, once it is known.
 * @throws NotariumError `record-not-anchored`, and of {@link Centre.receipt}.
 */
export async function sendReceipt(
  response: Response,
  { limits, lifetime, centre }: HttpContext,
  waitSeconds: number | undefined,
  find: () => Promise<RecordId | undefined>,
): Promise<void> {
  const endMs = performance.now() + Math.min(waitSeconds ?? 0, limits.waitSeconds) * 1000;
  const signal = callSignal(response, lifetime);
  const leftMs = (): number => Math.max(0, endMs - performance.now());
  let id = await find();
  while (id === undefined) {
    if (leftMs() === 0 || signal.aborted)
      throw new NotariumError(
        'record-not-anchored',
        'its record is not in the log yet: its sender hands it in at a random moment, which may take minutes',
      );
    await new Promise<void>((resolve) => setTimeout(resolve, Math.min(lookMs, leftMs())));
    id = await find();
  }
  sendPrivately(response, 200, await centre.receipt(id, leftMs(), leftMs() > 0 ? signal : undefined));
}
