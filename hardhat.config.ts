import { fileURLToPath } from 'node:url';
import hardhatToolboxMochaEthers from '@nomicfoundation/hardhat-toolbox-mocha-ethers';
import { configVariable, defineConfig } from 'hardhat/config';

const solidityVersion = '0.8.37';

export default defineConfig({
  plugins: [hardhatToolboxMochaEthers],
  solidity: {
    version: solidityVersion,
    // The compiler comes out of the npm package of the same version: nothing is downloaded.
    path: fileURLToPath(import.meta.resolve('solc/soljson.js')),
    settings: { evmVersion: 'cancun', viaIR: true, optimizer: { enabled: true, runs: 1_000_000 } },
  },
  networks: {
    hardhat: { type: 'edr-simulated', chainType: 'l1' },
    // Of `hardhat node`: else each further block within a second would set its clock a second ahead, for good.
    node: { type: 'edr-simulated', chainType: 'l1', allowBlocksWithSameTimestamp: true },
    localhost: { type: 'http', chainType: 'l1', url: 'http://127.0.0.1:8545' },
    rpc: {
      type: 'http',
      chainType: 'l1',
      url: configVariable('NOTARIUM_RPC_URL'),
      // Without a key the chain's own unlocked accounts sign.
      accounts: process.env.NOTARIUM_DEPLOYER_KEY === undefined ? 'remote' : [configVariable('NOTARIUM_DEPLOYER_KEY')],
    },
  },
  paths: {
    tests: { mocha: 'test/contracts', solidity: 'test/contracts' },
  },
  typechain: { outDir: 'types/ethers-contracts' },
  test: {
    mocha: { timeout: 60_000 },
    solidity: {
      // The seed is pinned so that a red run can be repeated, and a green one says the same everywhere.
      fuzz: { seed: '0x4e6f74617269756d', runs: 256 },
      invariant: { runs: 24, depth: 48, failOnRevert: true },
    },
  },
});
