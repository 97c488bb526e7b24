import { access } from 'node:fs/promises';
import type { Hash } from '../../../core/bytes.ts';
import { type ChannelReceipt, channelReceiptText } from '../../../core/channels/channelReceipt.ts';
import { writeFileWhole } from '../../../lib/writeFileWhole.ts';
import type { KnownFile, SendLedger } from './SendLedger.ts';

/** What is noted together of receipts that were written: a kill has so many written twice at most. */
const notedAtOnce = 1024;

/**
 * Writes the receipts that are missing, or lack a settlement that there is now.
 * @param parts.receipts Gives what makes receipts; asked for only where one is to be made.
 * @param parts.anew All of them.
 * @returns How many receipts there are, and for how many files there is none yet.
 * @throws NotariumError `file-unwritable`.
 */
export async function writeReceipts(parts: {
  readonly ledger: SendLedger;
  readonly receipts: () => Promise<(digest: Hash) => Promise<ChannelReceipt | undefined>>;
  readonly isSettled: boolean;
  readonly anew: boolean;
}): Promise<{ written: number; waiting: number }> {
  const { ledger, isSettled, anew } = parts;
  const count = { written: 0, waiting: 0 };
  let receiptOf: Awaited<ReturnType<typeof parts.receipts>> | undefined;
  let fresh: KnownFile[] = [];
  for (const file of [...ledger.files]) {
    if (!anew && (await isDone(file, isSettled))) {
      count.written++;
      continue;
    }
    receiptOf ??= await parts.receipts();
    const receipt = await receiptOf(file.digest);
    if (!receipt) {
      count.waiting++;
      continue;
    }
    await writeFileWhole(file.receiptPath, channelReceiptText(receipt));
    count.written++;
    // Where the chain has paid for more than is known here, the settlement is not in it yet.
    if (isSettled === (receipt.settlement !== undefined)) fresh.push(file);
    if (fresh.length < notedAtOnce) continue;
    await ledger.receiptsWritten(fresh, isSettled);
    fresh = [];
  }
  await ledger.receiptsWritten(fresh, isSettled);
  return count;
}

async function isDone({ written, receiptPath }: KnownFile, isSettled: boolean): Promise<boolean> {
  if (written === undefined || (isSettled && written !== 'settled')) return false;
  return await access(receiptPath).then(
    () => true,
    () => false,
  );
}
