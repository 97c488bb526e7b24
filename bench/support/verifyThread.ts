import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { Committee } from '../../services/core/committee.ts';
import type { Network } from '../../services/core/eip712.ts';
import { parseReceipt, type Receipt } from '../../services/core/receipt.ts';
import { verifyReceiptOffline } from '../../services/core/verifyReceipt.ts';
import { loadCrypto } from '../../services/lib/nativeCrypto.ts';
import { median } from './Row.ts';

/** Receipts in a file, one a line, and what the verifier knows. */
export type VerifyTask = {
  readonly file: string;
  readonly network: Network;
  readonly committees: readonly Committee[];
};

/** Receipts verified a second, and what they were. */
export type VerifyAnswer = {
  readonly withParsing: number;
  readonly withoutParsing: number;
  readonly blocks: number;
  readonly receipts: number;
  readonly cryptoName: string;
};

const { file, network, committees } = workerData as VerifyTask;
const crypto = await loadCrypto();
const texts = readFileSync(file, 'utf8').split('\n');
const parsed = texts.map((text) => parseReceipt(text));

function check(receipt: Receipt): void {
  if (!verifyReceiptOffline(receipt, { network, committees, crypto }).ok) throw new Error('a receipt is not valid');
}

function perSecond(run: () => void): number {
  const rates = Array.from({ length: 3 }, () => {
    const startMs = performance.now();
    run();
    return (1000 * texts.length) / (performance.now() - startMs);
  });
  return median(rates);
}

const answer: VerifyAnswer = {
  withParsing: perSecond(() => {
    for (const text of texts) check(parseReceipt(text));
  }),
  withoutParsing: perSecond(() => {
    for (const receipt of parsed) check(receipt);
  }),
  blocks: new Set(parsed.map(({ block }) => block.height)).size,
  receipts: texts.length,
  cryptoName: crypto.name,
};
parentPort!.postMessage(answer);
