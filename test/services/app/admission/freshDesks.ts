import { type RunningChain, startChain } from '../../../support/chains.ts';
import { type AdmissionKit, admissionKit, type KitDesk } from './admissionKit.ts';

/** Centres for each test that asks for them, on one chain; to be called in a `describe`. */
export function freshDesks() {
  let running: RunningChain;
  let kit: AdmissionKit;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
  });
  after(() => running.stop());
  afterEach(() => kit.dispose());
  return {
    /** Those of this test. */
    get kit(): AdmissionKit {
      return kit;
    },
    /** The first of them. */
    async fresh(options?: Parameters<typeof admissionKit>[1]): Promise<KitDesk> {
      kit = await admissionKit(running.rpcUrl, options);
      return kit.desks[0]!;
    },
  };
}
