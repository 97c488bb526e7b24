import { expect } from 'chai';
import { brokenCeilings, committedGasTable, gasTable, measureGas } from '../../scripts/gas-table.ts';

describe('gas', () => {
  it('is what docs/gas.md says, and under every ceiling', async () => {
    const rows = await measureGas();
    expect(brokenCeilings(rows)).to.deep.equal([]);
    expect(gasTable(rows)).to.equal(await committedGasTable());
  });

  it('over its ceiling is reported', () => {
    expect(brokenCeilings([{ operation: 'anchor', gas: 75_001n, ceiling: 75_000n }])).to.deep.equal([
      'anchor: 75,001 gas, ceiling 75,000',
    ]);
  });
});
