import { attempt } from './attempt.ts';
import { fromBase64 } from './bytes.ts';
import { type Crypto, portableCrypto } from './crypto.ts';
import { asReceipt, type Receipt } from './receipt.ts';
import { parseEntry } from './record.ts';
import type { NotariumRecord } from './recordSchema.ts';

/** The record that a receipt is about; undefined for one that cannot be read: what is wrong with it, the receipt's own steps say. */
export function recordIn(receipt: Receipt, crypto: Crypto = portableCrypto): NotariumRecord | undefined {
  const reading = attempt(() => parseEntry(fromBase64(asReceipt(receipt).entry), { crypto }).record);
  return 'value' in reading ? reading.value : undefined;
}
