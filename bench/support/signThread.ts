import { hash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { fromHex, hexDigits, sameBytes, toHex } from '../../services/core/bytes.ts';
import { type Network, networkName } from '../../services/core/eip712.ts';
import { checkRecordSignature, readRecord, recordDigest } from '../../services/core/record.ts';
import { publicKeyAddress } from '../../services/core/signature.ts';
import { loadCrypto } from '../../services/lib/nativeCrypto.ts';

/** What a signing thread makes: `count` records, one a line, and their ids, 32 bytes each. */
export type SignTask = {
  readonly network: Network;
  readonly count: number;
  /** How many submitters sign in turn. */
  readonly submitters: number;
  readonly linesFile: string;
  readonly idsFile: string;
};

const { network, count, submitters, linesFile, idsFile } = workerData as SignTask;
const crypto = await loadCrypto();
const keys = Array.from({ length: submitters }, () => {
  const key = randomBytes(32);
  return { key, address: publicKeyAddress(crypto, crypto.publicKey(key)) };
});
const name = networkName(network);
const run = hexDigits(randomBytes(4));
const lines: string[] = [];
const ids = new Uint8Array(32 * count);
for (let index = 0; index < count; index++) {
  const { key, address } = keys[index % submitters]!;
  const digest = hash('sha256', `${run} ${index}`, 'hex');
  const head = `{"digest":"sha-256:${digest}","kind":"evidence","network":"${name}",`;
  const tail = `"subject":"urn:bench:${run}:${index}","submitter":"${address}","time":"${new Date().toISOString()}","v":1}`;
  const id = fromHex(hash('sha256', head + tail, 'hex'));
  const signature = toHex(crypto.sign(recordDigest(network, id, crypto.keccak256), key));
  ids.set(id, 32 * index);
  lines.push(`${head}"signature":"${signature}",${tail}\n`);
}
// The lines above are put together by hand, for speed: what the product makes of the first one must be the same.
const first = readRecord(lines[0]!.trim(), crypto);
checkRecordSignature(first.record, first.idBytes, crypto);
if (!sameBytes(first.idBytes, ids.subarray(0, 32))) throw new Error('the record has another id');
writeFileSync(linesFile, lines.join(''));
writeFileSync(idsFile, ids);
parentPort!.postMessage('done');
