import { type RunningChain, startChain } from '../../support/chains.ts';
import { type GovernanceKit, governanceKit } from './governanceKit.ts';

/** A governance for each test that asks for one, on one chain; to be called in a `describe`. */
export function freshGovernance(kind: 'anvil' | 'hardhat') {
  let running: RunningChain;
  let kit: GovernanceKit | undefined;
  before(async () => {
    running = await startChain({ kind });
  });
  after(() => running.stop());
  afterEach(() => kit?.close());
  return {
    get running(): RunningChain {
      return running;
    },
    /** That of this test. */
    get kit(): GovernanceKit {
      return kit!;
    },
    async fresh(rules?: Parameters<typeof governanceKit>[1]): Promise<GovernanceKit> {
      kit?.close();
      kit = await governanceKit(running.rpcUrl, rules);
      return kit;
    },
  };
}
