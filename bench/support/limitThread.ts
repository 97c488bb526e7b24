import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { acceptanceDigest } from '../../services/core/acceptance.ts';
import { toHex } from '../../services/core/bytes.ts';
import { recordDigest } from '../../services/core/record.ts';
import { parseSignature, recoverAddress } from '../../services/core/signature.ts';
import { loadCrypto } from '../../services/lib/nativeCrypto.ts';

/** `intake`: recover the submitter of a record and sign its acceptance. `recover`: only the first. */
export type LimitTask = { readonly work: 'intake' | 'recover'; readonly seconds: number };

const { work, seconds } = workerData as LimitTask;
const crypto = await loadCrypto();
const network = { chainId: 31337, contract: toHex(randomBytes(20)) };
const key = randomBytes(32);
const id = randomBytes(32);
const recordId = toHex(id);
const signature = crypto.sign(recordDigest(network, id, crypto.keccak256), key);
parseSignature(signature);

let count = 0;
const endMs = performance.now() + 1000 * seconds;
while (performance.now() < endMs) {
  for (let round = 0; round < 50; round++) {
    recoverAddress(crypto, recordDigest(network, id, crypto.keccak256), signature);
    if (work === 'recover') continue;
    const promise = { recordId, acceptedAt: count + round, includeBySlot: 1 };
    crypto.sign(acceptanceDigest(network, promise, crypto.keccak256), key);
  }
  count += 50;
}
parentPort!.postMessage(count / seconds);
