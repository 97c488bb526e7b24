import { expect } from 'chai';
import { chainElectorate } from '../../../services/lib/chainElectorate.ts';
import { devAddress, type RunningChain, startChain } from '../../support/chains.ts';
import { expectCode } from '../../support/expectCode.ts';
import { chainKit } from '../chain/chainKit.ts';
import { governanceKit } from '../chain/governanceKit.ts';

const unknown = `0x${'12'.repeat(32)}` as const;

for (const kind of ['hardhat', 'anvil'] as const) {
  describe(`lib/chainElectorate on ${kind}`, () => {
    let chain: RunningChain;
    before(async () => {
      chain = await startChain({ kind });
    });
    after(() => chain?.stop());

    it('finds governor and electorate from the address of BlockAnchor alone', async () => {
      const { rpcUrl } = chain;
      const kit = await governanceKit(rpcUrl);
      const { contract } = kit.deployed;
      const { proposalId } = await kit.propose(kit.draft('general', {}));
      const asked = { rpcUrl, chainId: 31337, contract, proposalId };
      expect(await chainElectorate(asked)).to.deep.equal({
        governor: kit.governance.governor.contract,
        committee: { epoch: 1, members: [0, 1, 2, 3].map(devAddress) },
      });
      await expectCode('proposal-unknown', chainElectorate({ ...asked, proposalId: unknown }));
      await expectCode('chain-mismatch', chainElectorate({ ...asked, chainId: 1 }));
      await expectCode('chain-contract-missing', chainElectorate({ ...asked, contract: devAddress(5) }));
      await expectCode('chain-contract-missing', chainElectorate({ ...asked, contract: kit.deployed.registry }));
      kit.close();
    });

    it('says so where there is no governor yet', async () => {
      const { deployed, chain: opened } = await chainKit(chain.rpcUrl);
      const { contract } = deployed;
      const proposalId = unknown;
      const asked = chainElectorate({ rpcUrl: chain.rpcUrl, chainId: 31337, contract, proposalId });
      await expectCode('governance-missing', asked);
      opened.close();
    });
  });
}
