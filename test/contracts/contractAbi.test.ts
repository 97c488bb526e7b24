import { expect } from 'chai';
import { syncAbis } from '../../scripts/contract-abi.ts';

describe('services/chain/abi', () => {
  it('holds the ABI of the contracts as they are compiled', async () => {
    expect(await syncAbis({ write: false })).to.deep.equal([]);
  });
});
