import { expect } from 'chai';
import { ProposalMemory } from '../../../../services/app/replication/ProposalMemory.ts';
import type { Hash } from '../../../../services/core/bytes.ts';

describe('ProposalMemory', () => {
  const hash = (digit: number): Hash => `0x${String(digit).repeat(64)}` as Hash;
  const proposal = { ids: new Uint8Array(0), seqs: new Float64Array(0), extras: new Map() };

  it('keeps the last four, one that came again among them', () => {
    const memory = new ProposalMemory();
    for (const digit of [1, 2, 3, 4]) memory.keep(hash(digit), proposal);
    memory.keep(hash(1), proposal);
    memory.keep(hash(5), proposal);
    expect([1, 2, 3, 4, 5].filter((digit) => memory.find(hash(digit)))).to.deep.equal([1, 3, 4, 5]);
    memory.forget(hash(3));
    expect(memory.find(hash(3))).to.equal(undefined);
  });
});
