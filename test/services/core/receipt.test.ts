import { expect } from 'chai';
import type { NotariumError } from '../../../services/core/errors.ts';
import { asReceipt, parseReceipt, type Receipt, withInnerProof } from '../../../services/core/receipt.ts';
import { aggregateOf, receiptsOf, recordOf } from './receiptKit.ts';

const codeOf = (run: () => unknown): string | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as NotariumError).code;
  }
};

describe('core/receipt', () => {
  let receipt: Receipt;
  before(async () => {
    const { aggregate, record } = await aggregateOf(5);
    const [plain] = await receiptsOf([record, await recordOf(1), await recordOf(2)]);
    receipt = withInnerProof(plain!, { leafIndex: 3, treeSize: 5, path: aggregate.proofOf(3) });
  });

  it('comes back from its text, compact or pretty, as text or bytes', () => {
    expect(parseReceipt(JSON.stringify(receipt))).to.deep.equal(receipt);
    expect(parseReceipt(JSON.stringify(receipt, null, 2))).to.deep.equal(receipt);
    expect(parseReceipt(new TextEncoder().encode(JSON.stringify(receipt)))).to.deep.equal(receipt);
    const { inner: _, ...plain } = receipt;
    expect(parseReceipt(JSON.stringify(plain))).to.deep.equal(plain);
  });

  it('has the members of the format, in its order', () => {
    expect(Object.keys(receipt)).to.deep.equal(['format', 'entry', 'proof', 'block', 'signatures', 'anchor', 'inner']);
    expect(receipt.format).to.equal('notarium-receipt/1');
    expect(receipt.proof.path[0]).to.match(/^[0-9a-f]{64}$/);
  });

  it('refuses any member that is missing, of another type, or unknown, on every level', () => {
    const bad: unknown[] = [null, [], 'receipt', 1, { ...receipt, extra: 1 }];
    for (const key of Object.keys(receipt) as (keyof Receipt)[]) {
      const { [key]: value, ...rest } = receipt;
      if (key !== 'inner') bad.push(rest);
      bad.push({ ...receipt, [key]: null }, { ...receipt, [key]: 7 });
      if (typeof value !== 'object' || Array.isArray(value)) continue;
      bad.push({ ...receipt, [key]: { ...value, extra: 1 } });
      for (const member of Object.keys(value)) {
        const { [member]: _, ...lacking } = value as unknown as Record<string, unknown>;
        bad.push({ ...receipt, [key]: lacking }, { ...receipt, [key]: { ...value, [member]: null } });
        bad.push(
          { ...receipt, [key]: { ...value, [member]: -1 } },
          { ...receipt, [key]: { ...value, [member]: 2 ** 53 } },
        );
      }
    }
    for (const value of bad)
      expect(
        codeOf(() => asReceipt(value)),
        JSON.stringify(value).slice(0, 80),
      ).to.equal('receipt-malformed');
  });

  it('refuses what is out of bounds or not in the one form', () => {
    const { proof, signatures, block } = receipt;
    const hash = '0'.repeat(64);
    const changes: Partial<Record<keyof Receipt, unknown>>[] = [
      { format: 'notarium-receipt/2' },
      { entry: receipt.entry.slice(0, -1) },
      { entry: `${receipt.entry.slice(0, 4)}\n${receipt.entry.slice(4)}` },
      { entry: 'AB==' },
      { entry: 'A'.repeat(4 * 5462 + 4) },
      { proof: { ...proof, treeSize: 0 } },
      { proof: { ...proof, leafIndex: 0.5 } },
      { proof: { ...proof, path: Array(65).fill(hash) } },
      { proof: { ...proof, path: [hash.slice(1)] } },
      { proof: { ...proof, path: [`0x${hash}`] } },
      { proof: { ...proof, path: ['A'.repeat(64)] } },
      { signatures: Array(257).fill(signatures[0]) },
      { signatures: [{ ...signatures[0], signature: '0x00' }] },
      { signatures: [{ ...signatures[0], extra: 1 }] },
      { block: { ...block, root: block.root.toUpperCase() } },
      { block: { ...block, height: 0 } },
      { block: { ...block, publisher: `${block.publisher}00` } },
    ];
    for (const change of changes) {
      expect(
        codeOf(() => asReceipt({ ...receipt, ...change })),
        JSON.stringify(change).slice(0, 80),
      ).to.equal('receipt-malformed');
    }
    expect(asReceipt({ ...receipt, signatures: Array(256).fill(signatures[0]) }).signatures).to.have.length(256);
  });

  it('refuses text with more than one reading, too deep or too large', () => {
    const text = JSON.stringify(receipt);
    expect(codeOf(() => parseReceipt(''))).to.equal('json-malformed');
    expect(codeOf(() => parseReceipt(text.slice(0, -1)))).to.equal('json-malformed');
    expect(codeOf(() => parseReceipt(text.replace('{', '{"format":"notarium-receipt/1",')))).to.equal(
      'json-duplicate-key',
    );
    expect(codeOf(() => parseReceipt(text.replace('"leafIndex":0', '"leafIndex":0.0')))).to.equal(
      'json-number-not-canonical',
    );
    expect(codeOf(() => parseReceipt('[[[[[1]]]]]'))).to.equal('json-too-deep');
    expect(codeOf(() => parseReceipt(' '.repeat(300_000)))).to.equal('json-too-large');
    expect(codeOf(() => parseReceipt(Uint8Array.of(0x22, 0xff, 0x22)))).to.equal('text-not-utf8');
  });
});
