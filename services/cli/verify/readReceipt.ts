import { asChannelReceipt, type ChannelReceipt, isChannelReceipt } from '../../core/channels/channelReceipt.ts';
import { maxReceiptChars, parseReceipt, type Receipt } from '../../core/receipt.ts';
import { parseStrictJson } from '../../core/strictJson.ts';
import { readEvidence } from './readEvidence.ts';

/** A receipt of either kind: of a record in the log, or of evidence in a channel. */
export type AnyReceipt =
  | { readonly kind: 'record'; readonly receipt: Receipt }
  | { readonly kind: 'channel'; readonly receipt: ChannelReceipt };

/**
 * Reads a receipt and finds out which kind it is.
 * @throws NotariumError `file-unreadable`, `receipt-malformed`, `channel-receipt-malformed`.
 */
export async function readReceipt(path: string): Promise<AnyReceipt> {
  const form = await readEvidence(path, {
    malformed: 'receipt-malformed',
    maxBytes: maxReceiptChars,
    parse: (text) => {
      const value = parseStrictJson(text, { maxSize: maxReceiptChars, maxDepth: 5 });
      return isChannelReceipt(value) ? { value } : { receipt: parseReceipt(text) };
    },
  });
  return 'value' in form
    ? { kind: 'channel', receipt: asChannelReceipt(form.value) }
    : { kind: 'record', receipt: form.receipt };
}
