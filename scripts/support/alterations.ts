import { fromBase64, fromUtf8, type Hex, toBase64, utf8 } from '../../services/core/bytes.ts';
import type { ErrorCode } from '../../services/core/errors.ts';
import type { Receipt } from '../../services/core/receipt.ts';

/** A content and a receipt with one thing changed, and the code that it must be refused by. */
export type Alteration = {
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly receipt: Receipt;
  readonly code: ErrorCode;
};

/** Another digit in the place of the last one: well formed, but not what it was. */
const other = <T extends string>(hex: T): T => `${hex.slice(0, -1)}${hex.endsWith('0') ? '1' : '0'}` as T;

/** Changes one byte of the content, and each field of the receipt of an aggregate's member, one at a time. */
export function alterations(content: Uint8Array, receipt: Receipt): Alteration[] {
  const { proof, block, anchor, signatures, inner } = receipt;
  if (!inner) throw new RangeError('the receipt of a member of an aggregate is needed');
  const flipped = Uint8Array.from(content);
  flipped[flipped.length >> 1]! ^= 1;
  const entry = (change: (text: string) => string): string =>
    toBase64(utf8(change(fromUtf8(fromBase64(receipt.entry)))));
  const [first] = signatures;
  const changed = (what: string, code: ErrorCode, fields: Partial<Receipt>): Alteration => ({
    what,
    bytes: content,
    code,
    receipt: { ...receipt, ...fields },
  });
  const firstPath = (path: readonly string[]): string[] => [other(path[0]!), ...path.slice(1)];
  const signer = (fields: { signer?: Hex; signature?: Hex }) => [{ ...first!, ...fields }, ...signatures.slice(1)];
  return [
    { what: 'one bit of the content', bytes: flipped, receipt, code: 'receipt-inner-proof-mismatch' },
    changed('format', 'receipt-malformed', { format: 'notarium-receipt/2' as string as Receipt['format'] }),
    changed('inner.leafIndex', 'receipt-inner-proof-mismatch', { inner: { ...inner, leafIndex: inner.leafIndex + 1 } }),
    changed('inner.treeSize', 'receipt-inner-proof-mismatch', { inner: { ...inner, treeSize: inner.treeSize + 1 } }),
    changed('inner.path', 'receipt-inner-proof-mismatch', { inner: { ...inner, path: firstPath(inner.path) } }),
    changed('entry: subject', 'receipt-record-signature-invalid', {
      entry: entry((text) => text.replace('urn:openzeppelin', 'urn:openzeppelim')),
    }),
    changed('entry: signature', 'receipt-record-signature-invalid', {
      entry: entry((text) =>
        text.replace(/"signature":"0x(.)/, (_, digit: string) => `"signature":"0x${other(digit)}`),
      ),
    }),
    changed('entry: a space more', 'receipt-record-invalid', { entry: entry((text) => text.replace('{', '{ ')) }),
    changed('entry: another field', 'receipt-record-invalid', { entry: entry((text) => text.replace('{', '{"a":1,')) }),
    changed('entry: another network', 'receipt-network-mismatch', {
      entry: entry((text) => text.replace('eip155:31337:', 'eip155:1:')),
    }),
    ...(proof.path.length > 0
      ? [changed('proof.path', 'receipt-inclusion-mismatch', { proof: { ...proof, path: firstPath(proof.path) } })]
      : []),
    // A tree so much larger has longer paths.
    changed('proof.treeSize', 'receipt-inclusion-mismatch', {
      proof: { ...proof, treeSize: 1024 * proof.treeSize },
    }),
    changed('proof.leafIndex', 'receipt-inclusion-mismatch', { proof: { ...proof, leafIndex: proof.leafIndex ^ 1 } }),
    changed('block.root', 'receipt-inclusion-mismatch', { block: { ...block, root: other(block.root) } }),
    changed('block.treeSize', 'receipt-block-mismatch', { block: { ...block, treeSize: block.treeSize + 1 } }),
    changed('block.height', 'receipt-quorum-missing', { block: { ...block, height: block.height + 1 } }),
    changed('block.slot', 'receipt-quorum-missing', { block: { ...block, slot: block.slot + 1 } }),
    changed('block.parent', 'receipt-quorum-missing', { block: { ...block, parent: other(block.parent) } }),
    changed('block.epoch', 'receipt-chain-mismatch', { block: { ...block, epoch: block.epoch + 1 } }),
    changed('block.publisher', 'receipt-publisher-not-turn', {
      block: { ...block, publisher: other(block.publisher) },
    }),
    changed('signatures: signer', 'receipt-quorum-missing', { signatures: signer({ signer: other(first!.signer) }) }),
    changed('signatures: signature', 'receipt-quorum-missing', {
      signatures: signer({
        signature:
          `${first!.signature.slice(0, 20)}${other(first!.signature.slice(20, 40))}${first!.signature.slice(40)}` as Hex,
      }),
    }),
    changed('signatures: none', 'receipt-quorum-missing', { signatures: [] }),
    changed('anchor.chainId', 'receipt-block-mismatch', { anchor: { ...anchor, chainId: anchor.chainId + 1 } }),
    changed('anchor.contract', 'receipt-block-mismatch', { anchor: { ...anchor, contract: other(anchor.contract) } }),
    changed('anchor.transactionHash', 'receipt-anchor-mismatch', {
      anchor: { ...anchor, transactionHash: other(anchor.transactionHash) },
    }),
    changed('anchor.blockNumber', 'receipt-anchor-mismatch', {
      anchor: { ...anchor, blockNumber: anchor.blockNumber + 1 },
    }),
    changed('anchor.timestamp', 'receipt-anchor-mismatch', { anchor: { ...anchor, timestamp: anchor.timestamp + 1 } }),
  ];
}
