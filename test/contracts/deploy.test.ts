import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildModule, type EIP1193Provider, deploy as ignite } from '@nomicfoundation/ignition-core';
import { expect } from 'chai';
import { Contract, JsonRpcProvider } from 'ethers';
import { network } from 'hardhat';
import { artifactsIn, type DeployOptions, deploy } from '../../scripts/deploy.ts';
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

const rules = {
  general: { aggregation: 'unanimity', quorumShare: 10_000, delaySeconds: 60, periodSeconds: 600 },
} as const;

/** Transactions of a whole deployment. */
const wholeCount = 8;

/** What was deployed before there was a governor. */
const earlierModule = buildModule('Notarium', (m) => {
  const registry = m.contract('NodeRegistry', [m.getParameter('committee')]);
  const args = [registry, m.getParameter<number>('periodSeconds'), m.getParameter<number>('graceSeconds')];
  const blockAnchor = m.contract('BlockAnchor', args);
  m.call(registry, 'setAnchor', [blockAnchor]);
  return { registry, blockAnchor };
});

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
    expect(deployParameters({ ...parameters, rules }, 'file.json')).to.deep.equal({ ...parameters, rules });
    const [first] = parameters.committee;
    for (const [wrong, field] of [
      [{ ...parameters, committee: [] }, 'committee'],
      [{ ...parameters, committee: [{ ...first, noteKey: '0x12' }] }, 'committee.0.noteKey'],
      [{ ...parameters, periodSeconds: 0 }, 'periodSeconds'],
      [{ ...parameters, graceSecond: 1 }, 'the whole'],
      [{ ...parameters, rules: { general: { ...rules.general, periodSeconds: 0 } } }, 'rules.general.periodSeconds'],
      [{ ...parameters, rules: { general: { ...rules.general, quorumShare: 10_001 } } }, 'rules.general.quorumShare'],
      [{ ...parameters, rules: { other: rules.general } }, 'rules'],
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
      parameters: { ...parameters, rules },
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

    it('deploys the contracts with their parameters, each knowing the others, and writes the file', async () => {
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
          [
            'function getValidators() view returns (address[])',
            'function anchor() view returns (address)',
            'function governor() view returns (address)',
          ],
          provider,
        );
        const governor = new Contract(
          deployment.governor,
          [
            'function registry() view returns (address)',
            'function resources() view returns (address)',
            'function rule(uint8) view returns ((uint8,uint16,uint24,uint24))',
          ],
          provider,
        );
        const resources = new Contract(
          deployment.resources,
          ['function registry() view returns (address)', 'function governor() view returns (address)'],
          provider,
        );
        expect(await anchor.getFunction('registry')()).to.equal(deployment.registry);
        expect(await registry.getFunction('anchor')()).to.equal(deployment.blockAnchor);
        expect(await registry.getFunction('governor')()).to.equal(deployment.governor);
        expect(await resources.getFunction('governor')()).to.equal(deployment.governor);
        expect(await resources.getFunction('registry')()).to.equal(deployment.registry);
        expect(await governor.getFunction('registry')()).to.equal(deployment.registry);
        expect(await governor.getFunction('resources')()).to.equal(deployment.resources);
        const channels = new Contract(
          deployment.channels,
          [
            'function eip712Domain() view returns (bytes1, string, string, uint256, address, bytes32, uint256[])',
            'function statusOf(bytes32) view returns (uint8, uint256, uint256)',
          ],
          provider,
        );
        const domain = await channels.getFunction('eip712Domain')();
        expect([...domain].slice(1, 5)).to.deep.equal(['Notarium', '1', 31_337n, deployment.channels]);
        expect([...(await channels.getFunction('statusOf')(deployment.genesisHash))]).to.deep.equal([0n, 0n, 0n]);
        // What is given, and the default: a majority, and two thirds.
        expect([...(await governor.getFunction('rule')(6))]).to.deep.equal([2n, 10_000n, 60n, 600n]);
        expect([...(await governor.getFunction('rule')(5))]).to.deep.equal([0n, 5_000n, 0n, 259_200n]);
        expect([...(await governor.getFunction('rule')(4))]).to.deep.equal([1n, 5_000n, 0n, 259_200n]);
        expect(await anchor.getFunction('periodSeconds')()).to.equal(2n);
        expect([...(await registry.getFunction('getValidators')())]).to.deep.equal(
          parameters.committee.map(({ address }) => address),
        );
        expect(deployment.chainId).to.equal(31337);
        expect(deployment.genesisHash).to.equal((await provider.getBlock(0))!.hash);
        for (const field of ['registry', 'blockAnchor', 'resources', 'governor', 'channels'] as const) {
          const receipt = await provider.getTransactionReceipt(deployment.transactionHashes[field]);
          expect(receipt!.contractAddress).to.equal(deployment[field]);
          expect(receipt!.blockNumber).to.be.at.least(deployment.deployBlock);
        }
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

    // Deployed: registry, anchor, (made known,) resource registry, governor; then it is made known to both registries; then channels.
    // The chain is another one, not the journal: there two of them are enough.
    const places = (name === 'hardhat' ? [2, 3, 4, 5, 6, 7, 8] : [3, 8]).flatMap((nth) => [
      [nth, 'before', false] as const,
      [nth, 'after', true] as const,
    ]);
    for (const [nth, when, reaches] of places) {
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
        expect(await sent()).to.equal(before + wholeCount);
        expect(await deploy(options({ stateDir }))).to.deep.equal(deployment);
      });
    }

    it('deploys by the unlocked account of a development chain', async () => {
      const before = await sent();
      const { privateKey: _, ...unlocked } = options({ stateDir: join(folder, 'unlocked') });
      await deploy(unlocked);
      expect(await sent()).to.equal(before + wholeCount);
    });

    it('adds the governor and channels to what was deployed without them', async () => {
      const stateDir = join(folder, 'earlier');
      await mkdir(stateDir, { recursive: true });
      const provider = rpcProvider(chain.url, developmentKey);
      const { committee, ...seconds } = parameters;
      const before = await sent();
      const earlier = await ignite({
        ignitionModule: earlierModule,
        deploymentParameters: {
          Notarium: { ...seconds, committee: committee.map(({ address: account, ...info }) => ({ account, ...info })) },
        },
        deploymentDir: stateDir,
        artifactResolver: artifactsIn(join(import.meta.dirname, '../../artifacts')),
        provider,
        accounts: (await provider.request({ method: 'eth_accounts' })) as string[],
        config: { requiredConfirmations: 1, blockPollingInterval: 100 },
      });
      if (earlier.type !== 'SUCCESSFUL_DEPLOYMENT') throw new Error(earlier.type);
      expect(await sent()).to.equal(before + 3);
      const { registry, blockAnchor, governor, channels } = await deploy(options({ stateDir }));
      expect(await sent()).to.equal(before + wholeCount);
      expect(registry).to.equal(earlier.contracts['Notarium#NodeRegistry']!.address);
      expect(blockAnchor).to.equal(earlier.contracts['Notarium#BlockAnchor']!.address);
      expect(await provider.request({ method: 'eth_getCode', params: [channels, 'latest'] })).not.to.equal('0x');
      const call = new Contract(registry, ['function governor() view returns (address)']).interface;
      const answer = await provider.request({
        method: 'eth_call',
        params: [{ to: registry, data: call.encodeFunctionData('governor') }, 'latest'],
      });
      expect(call.decodeFunctionResult('governor', answer as string)[0]).to.equal(governor);
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
