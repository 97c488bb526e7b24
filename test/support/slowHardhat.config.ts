import { defineConfig } from 'hardhat/config';
import config from '../../hardhat.config.ts';

/** A Hardhat that took a minute from its configuration to its first block. */
export default defineConfig({
  ...config,
  networks: {
    ...config.networks,
    node: {
      type: 'edr-simulated',
      chainType: 'l1',
      allowBlocksWithSameTimestamp: true,
      initialDate: new Date(Date.now() - 60_000),
    },
  },
});
