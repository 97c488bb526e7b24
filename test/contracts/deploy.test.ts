import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EIP1193Provider } from '@nomicfoundation/ignition-core';
import { expect } from 'chai';
import { Contract, JsonRpcProvider } from 'ethers';
import { network } from 'hardhat';
import { type DeployOptions, deploy } from '../../scripts/deploy.ts';
import { rpcProvider } from '../../scripts/rpc-provider.ts';
import { DeployError } from '../../scripts/support/DeployError.ts';
import { deployParameters } from '../../scripts/support/deployParameters.ts';
import { startChain } from '../../scripts/support/startChain.ts';
import { entryOf, memberOf } from './support/anchorKit.ts';

/** Account 0 of every development chain: a well-known key. */
const developmentKey = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';

const parameters = {
  committee: [0, 1].map((index) => {
    const { account, ...info } = entryOf(memberOf(index), index);
    return { address: account, ...info };
  }),
  periodSeconds: 2,
  graceSeconds: 4,
};

type RunningChain = { url: string; stop(): Promise<void> };

async function hardhatChain(): Promise<RunningChain> {
  const server = await network.createServer('hardhat', '127.0.0.1', 0);
  const { address, port } = await server.listen();
  return { url: `http://${address}:${port}`, stop: () => server.close() };
}

async function anvilChain(): Promise<RunningChain> {
  const { rpcUrl, stop } = await startChain({ kind: 'anvil' });
  return { url: rpcUrl, stop };
}

describe('deploy parameters', () => {
  it('names file and field of what is wrong', () => {
    expect(deployParameters(parameters, 'file.json')).to.deep.equal(parameters);
    const [first] = parameters.committee;
    for (const [wrong, field] of [
      [{ ...parameters, committee: [] }, 'committee'],
      [{ ...parameters, committee: [{ ...first, noteKey: '0x12' }] }, 'committee.0.noteKey'],
      [{ ...parameters, periodSeconds: 0 }, 'periodSeconds'],
      [{ ...parameters, graceSecond: 1 }, 'the whole'],
    ] as const) {
      expect(() => deployParameters(wrong, 'file.json')).to.throw(DeployError, `file.json: ${field}: `);
    }
  });
});

for (const [name, start] of [
  ['hardhat', hardhatChain],
  ['anvil', anvilChain],
] as const) {
  describe(`deploy on ${name}`, function () {
    this.timeout(60_000);
    let chain: RunningChain;
    let folder: string;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'notarium deploy '));
      chain = await start();
    });
    after(async () => {
      await chain?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    const options = (more: Partial<DeployOptions> = {}): DeployOptions => ({
      chain: chain.url,
      privateKey: developmentKey,
      parameters,
      stateDir: join(folder, 'state'),
      ...more,
    });

    const sent = async (): Promise<number> =>
      Number(
        await rpcProvider(chain.url).request({
          method: 'eth_getTransactionCount',
          params: ['0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266', 'pending'],
        }),
      );

    it('deploys both contracts with their parameters, each knowing the other, and writes the file', async () => {
      const outFile = join(folder, 'out', 'chain.json');
      const deployment = await deploy(options({ outFile }));
      expect(JSON.parse(await readFile(outFile, 'utf8'))).to.deep.equal(deployment);
      const provider = new JsonRpcProvider(chain.url);
      try {
        const anchor = new Contract(
          deployment.blockAnchor,
          ['function registry() view returns (address)', 'function periodSeconds() view returns (uint64)'],
          provider,
        );
        const registry = new Contract(
          deployment.registry,
          ['function getValidators() view returns (address[])', 'function anchor() view returns (address)'],
          provider,
        );
        expect(await anchor.getFunction('registry')()).to.equal(deployment.registry);
        expect(await registry.getFunction('anchor')()).to.equal(deployment.blockAnchor);
        expect(await anchor.getFunction('periodSeconds')()).to.equal(2n);
        expect([...(await registry.getFunction('getValidators')())]).to.deep.equal(
          parameters.committee.map(({ address }) => address),
        );
        expect(deployment.chainId).to.equal(31337);
        expect(deployment.genesisHash).to.equal((await provider.getBlock(0))!.hash);
        const receipt = await provider.getTransactionReceipt(deployment.transactionHashes.blockAnchor);
        expect(receipt!.contractAddress).to.equal(deployment.blockAnchor);
        expect(receipt!.blockNumber).to.be.at.least(deployment.deployBlock);
      } finally {
        provider.destroy();
      }
    });

    it('a second time deploys nothing and says the same', async () => {
      const first = await deploy(options());
      const before = await sent();
      expect(await deploy(options())).to.deep.equal(first);
      expect(await sent()).to.equal(before);
    });

    // The second transaction deploys the anchor, the third makes it known to the registry.
    for (const [nth, when, reaches] of [
      [2, 'before', false],
      [2, 'after', true],
      [3, 'before', false],
      [3, 'after', true],
    ] as const) {
      it(`goes on where it was interrupted just ${when} transaction ${nth} reached the chain`, async () => {
        const stateDir = join(folder, `interrupted ${when} ${nth}`);
        const inner = rpcProvider(chain.url, developmentKey);
        let transactions = 0;
        const breaking: EIP1193Provider = {
          request: async (call) => {
            if (call.method === 'eth_sendTransaction') transactions += 1;
            if (transactions < nth) return await inner.request(call);
            if (reaches && call.method === 'eth_sendTransaction') await inner.request(call);
            throw new Error('connection lost');
          },
        };
        const before = await sent();
        let failure: unknown;
        await deploy(options({ chain: breaking, stateDir })).catch((error: unknown) => {
          failure = error;
        });
        expect(failure).to.be.an('error');
        expect(await sent()).to.equal(before + nth - (reaches ? 0 : 1));
        const deployment = await deploy(options({ stateDir }));
        expect(await sent()).to.equal(before + 3);
        expect(await deploy(options({ stateDir }))).to.deep.equal(deployment);
      });
    }

    it('deploys by the unlocked account of a development chain', async () => {
      const before = await sent();
      const { privateKey: _, ...unlocked } = options({ stateDir: join(folder, 'unlocked') });
      await deploy(unlocked);
      expect(await sent()).to.equal(before + 3);
    });

    it('reports what the contract refuses', async () => {
      const wrong = options({ stateDir: join(folder, 'refused'), parameters: { ...parameters, committee: [] } });
      let failure: unknown;
      await deploy(wrong).catch((error: unknown) => {
        failure = error;
      });
      expect(failure).to.be.an('error').with.property('name', 'DeployError');
    });

    it('says so when the chain is another instance than the state folder', async () => {
      await deploy(options());
      const other = await start();
      try {
        let failure: unknown;
        await deploy(options({ chain: other.url })).catch((error: unknown) => {
          failure = error;
        });
        expect(failure).to.be.an('error').with.property('name', 'DeployError');
      } finally {
        await other.stop();
      }
    });
  });
}
