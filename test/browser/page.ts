// Runs in the browser: the whole of core, as it is. Writes its findings into the page.
import { buildAggregate, verifyInnerProof } from '../../services/core/aggregate.ts';
import { fromHex, toHex } from '../../services/core/bytes.ts';
import { treeRoot } from '../../services/core/log/compactRange.ts';
import { parseReceipt, type Receipt } from '../../services/core/receipt.ts';
import { bulkSha256Name, hashNodes, sha256, useBulkSha256 } from '../../services/core/sha256.ts';
import { verifyReceiptOffline } from '../../services/core/verifyReceipt.ts';

type Given = {
  readonly receipt: Receipt;
  readonly committee: { epoch: number; members: `0x${string}`[] };
  readonly contentDigest: string;
};

const given = (globalThis as unknown as { given: Given }).given;
const options = { committees: [given.committee], contentDigest: fromHex(given.contentDigest) };
const receipt = parseReceipt(JSON.stringify(given.receipt));
const altered = { ...receipt, proof: { ...receipt.proof, leafIndex: receipt.proof.leafIndex + 1 } };
const leaves = sha256(new TextEncoder().encode('leaves'));
const many = new Uint8Array(32 * 1000);
for (let index = 0; index < 1000; index++) many.set(sha256(Uint8Array.of(index & 255, index >> 8)), 32 * index);
const bulk = bulkSha256Name();
const root = toHex(treeRoot(many));
useBulkSha256('noble');
const findings = {
  verdict: verifyReceiptOffline(receipt, options).ok,
  alteredCode: verifyReceiptOffline(altered, options).steps.find(({ status }) => status === 'failed')?.code,
  bulk,
  root,
  rootByNoble: toHex(treeRoot(many)),
  node: toHex(hashNodes(new Uint8Array([...leaves, ...leaves]))),
  aggregate: (() => {
    const { root: aggregate, count, proofOf } = buildAggregate(many);
    const inner = { leafIndex: 7, treeSize: count, path: proofOf(7) };
    return verifyInnerProof(many.subarray(32 * 7, 32 * 8), inner, aggregate);
  })(),
};
document.title = 'done';
document.body.textContent = JSON.stringify(findings);
