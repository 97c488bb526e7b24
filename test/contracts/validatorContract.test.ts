import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { AbiCoder, type ContractFactory, getCreateAddress, id, JsonRpcProvider, ZeroAddress } from 'ethers';
import { network } from 'hardhat';
import { startChain } from '../../scripts/support/startChain.ts';
import type { NodeRegistry } from '../../types/ethers-contracts/index.ts';
import { applicationName, applicationOf, attestationDigest, attestedBy, strictRules } from './support/admissionKit.ts';
import { createKit, entryOf, memberOf, startSeconds } from './support/anchorKit.ts';

/** Of `getValidators()`; it stands in the code of the validator contract in Besu's documentation, too. */
const selector = '0xb7ab4db5';

type Rpc = { send(method: string, params: unknown[]): Promise<unknown> };

/**
 * What Besu's QBFT does for the block after `block`: a simulated call without arguments from the zero address, with the gas of
 * a block, whose answer must be one `address[]`. What it makes of them afterwards (it sorts them) is not done here.
 */
async function validatorsAfter(rpc: Rpc, registry: string, block: string | bigint = 'latest'): Promise<string[]> {
  const tag = typeof block === 'string' ? block : `0x${block.toString(16)}`;
  const answer = String(await rpc.send('eth_call', [{ from: ZeroAddress, to: registry, data: selector }, tag]));
  const [validators] = AbiCoder.defaultAbiCoder().decode(['address[]'], answer);
  expect(answer).to.equal(AbiCoder.defaultAbiCoder().encode(['address[]'], [[...validators]]));
  return [...validators];
}

describe('NodeRegistry as validator contract of Besu QBFT', () => {
  it('has the function as Besu calls it', async () => {
    const { ethers } = await network.create('hardhat');
    const factory = await ethers.getContractFactory('NodeRegistry');
    const fragment = factory.interface.getFunction('getValidators')!;
    expect(fragment.selector).to.equal(selector);
    expect(fragment.selector).to.equal(id('getValidators()').slice(0, 10));
    expect(fragment.format('full')).to.equal('function getValidators() view returns (address[] validators)');
  });

  it('answers with the committee in every state, in the block after the change, and never with nobody', async () => {
    const kit = await createKit({ size: 2 });
    const { ethers, registry, domain } = kit;
    const [, governor, candidate] = await ethers.getSigners();
    const { provider } = ethers;
    const address = await registry.getAddress();
    await registry.setGovernor(governor!.address);
    const governed = registry.connect(governor!) as unknown as NodeRegistry;
    const [zero, one] = kit.members as [(typeof kit.members)[0], (typeof kit.members)[0]];
    const [two, three] = [2, 3].map((index) => entryOf(memberOf(index), index)) as [
      ReturnType<typeof entryOf>,
      ReturnType<typeof entryOf>,
    ];
    let current = [zero.address, one.address];
    expect(await validatorsAfter(provider, address)).to.deep.equal(current);

    const step = async (act: () => Promise<unknown>, expected: string[]) => {
      await act();
      const mined = BigInt(await provider.getBlockNumber());
      expect(await validatorsAfter(provider, address, mined - 1n)).to.deep.equal(current);
      expect(await validatorsAfter(provider, address, mined)).to.deep.equal(expected);
      expect([...(await registry.committee()).members]).to.deep.equal(expected);
      current = expected;
    };
    await step(() => governed.enroll(two), [zero.address, one.address]);
    await step(() => governed.activate(two.account), [zero.address, one.address, two.account]);
    await step(() => governed.suspend(zero.address), [one.address, two.account]);
    await step(() => governed.activate(zero.address), [one.address, two.account, zero.address]);
    await step(() => governed.rotate(two.account, three), [one.address, three.account, zero.address]);
    await step(() => governed.ban(zero.address), [one.address, three.account]);
    await step(() => governed.unban(zero.address), [one.address, three.account]);
    await step(() => governed.update({ ...three, name: 'Another' }), [one.address, three.account]);

    await governed.setAdmissionRules({ ...strictRules, attestations: 1n });
    await governed.setAuthenticator(one.address, true);
    current = [one.address, three.account];
    const entry = { ...entryOf(memberOf(9), 9), account: candidate!.address };
    const application = applicationOf(entry, { expiry: BigInt(startSeconds) });
    const digest = attestationDigest({ ...domain, verifyingContract: address }, entry, application);
    const own = registry.connect(candidate!) as unknown as NodeRegistry;
    await step(() => own.applyFor(application, attestedBy([one], digest)), current);
    await step(() => registry.publish(entry, application), current);
    const name = applicationName(entry, application);
    await step(() => governed.admit(entry.account, name), [one.address, three.account, entry.account]);

    const first = kit.blockOn(undefined);
    const second = kit.blockOn(undefined, { root: id('another') });
    const signed = (block: typeof first) => one.key.sign(kit.digestOf(block.header)).serialized;
    await step(
      () => registry.reportEquivocation(first.header, signed(first), second.header, signed(second)),
      [three.account, entry.account],
    );
    await step(() => governed.remove(three.account), [entry.account]);
    for (const act of ['suspend', 'remove', 'ban'] as const) {
      await expect(governed[act](entry.account)).to.be.revertedWithCustomError(registry, 'LastActiveNode');
    }
    expect(await validatorsAfter(provider, address)).to.deep.equal([entry.account]);
  });

  it('has nothing to answer before the block of its deployment, so that a transition must come later', async () => {
    const { ethers, registry } = await createKit({ size: 1 });
    const { provider } = ethers;
    const address = await registry.getAddress();
    const { blockNumber } = (await registry.deploymentTransaction()!.wait())!;
    const call = { to: address, data: selector };
    expect(await provider.send('eth_call', [call, `0x${(blockNumber - 1).toString(16)}`])).to.equal('0x');
    expect(await validatorsAfter(provider, address, BigInt(blockNumber))).to.deep.equal([memberOf(0).address]);
  });

  it('answers for 256 validators with less than 100,000 gas', async () => {
    const { ethers } = await network.create({
      network: 'hardhat',
      override: { allowUnlimitedContractSize: true, hardfork: 'cancun', blockGasLimit: 1_000_000_000 },
    });
    const factory = await ethers.getContractFactory('NodeRegistry');
    const accounts = Array.from({ length: 256 }, (_, index) => memberOf(index).address);
    const entries = accounts.map((account) => ({ ...entryOf(memberOf(0), 0), account }));
    const registry = await factory.deploy(entries, { gasLimit: 500_000_000 });
    const address = await registry.getAddress();
    expect(await validatorsAfter(ethers.provider, address)).to.deep.equal(accounts);
    const call = { from: ZeroAddress, to: address, data: selector, gas: '0x186a0' };
    const answer = await ethers.provider.send('eth_call', [call, 'latest']);
    expect(answer).to.equal(AbiCoder.defaultAbiCoder().encode(['address[]'], [accounts]));
  });

  describe('allocated in the genesis of a chain', () => {
    let folder: string;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'notarium-genesis-'));
    });
    after(() => rm(folder, { recursive: true, force: true }));

    type Account = { nonce: number; code: string; storage: Record<string, string> };
    /** Registry and its first committee as they stand on a chain after the deployment, and how to speak to them. */
    async function deployed() {
      const { ethers } = await network.create('hardhat');
      const factory = (await ethers.getContractFactory('NodeRegistry')) as unknown as ContractFactory;
      await using chain = await startChain({ kind: 'anvil' });
      const provider = new JsonRpcProvider(chain.rpcUrl, undefined, { cacheTimeout: -1 });
      try {
        const deployer = await provider.getSigner(0);
        const entries = [0, 1].map((index) => entryOf(memberOf(index), index));
        const registry = await (await factory.connect(deployer).deploy(entries)).waitForDeployment();
        const address = await registry.getAddress();
        const dump = String(await provider.send('anvil_dumpState', []));
        const { accounts } = JSON.parse(gunzipSync(Buffer.from(dump.slice(2), 'hex')).toString());
        const blob = getCreateAddress({ from: address, nonce: 1 });
        const at = (account: string): Account => accounts[account.toLowerCase()];
        return { factory, address, blob, accounts: { [address]: at(address), [blob]: at(blob) } };
      } finally {
        provider.destroy();
      }
    }

    /** A chain whose genesis has these accounts. */
    async function chainWith(accounts: Record<string, Account>) {
      const alloc = Object.fromEntries(
        Object.entries(accounts).map(([account, { nonce, code, storage }]) => [
          account,
          { balance: '0x0', nonce: `0x${nonce.toString(16)}`, code, storage },
        ]),
      );
      const zeros = (bytes: number) => `0x${'00'.repeat(bytes)}`;
      const file = join(folder, 'genesis.json');
      const header = { nonce: '0x0', timestamp: '0x0', extraData: '0x', gasLimit: '0x1c9c380', difficulty: '0x1' };
      const config = { chainId: 31337, cancunTime: 0 };
      await writeFile(file, JSON.stringify({ config, ...header, mixHash: zeros(32), coinbase: zeros(20), alloc }));
      return await startChain({ kind: 'anvil', args: ['--init', file] });
    }

    /** The committee after each of three changes by the governor, as validators. */
    async function changed({ factory, address }: Awaited<ReturnType<typeof deployed>>, provider: JsonRpcProvider) {
      const deployer = await provider.getSigner(0);
      const registry = factory.attach(address).connect(deployer) as unknown as NodeRegistry;
      const sent = async (call: Promise<{ wait(): Promise<unknown> }>) => void (await (await call).wait());
      await sent(registry.setGovernor(await deployer.getAddress()));
      await sent(registry.enroll(entryOf(memberOf(2), 2)));
      await sent(registry.activate(memberOf(2).address));
      const three = await validatorsAfter(provider, address);
      await sent(registry.suspend(memberOf(0).address));
      return { registry, three, two: await validatorsAfter(provider, address) };
    }

    it('is right with its committee’s blob, its storage and the nonce of its next creation', async () => {
      const made = await deployed();
      const [zero, one, two] = [0, 1, 2].map((index) => memberOf(index).address);
      expect(made.accounts[made.address]!.nonce).to.equal(2);
      await using chain = await chainWith(made.accounts);
      const provider = new JsonRpcProvider(chain.rpcUrl, undefined, { cacheTimeout: -1 });
      try {
        expect(await provider.getBlockNumber()).to.equal(0);
        expect(await validatorsAfter(provider, made.address, '0x0')).to.deep.equal([zero, one]);
        const { registry, ...after } = await changed(made, provider);
        expect(after).to.deep.equal({ three: [zero, one, two], two: [one, two] });
        expect([...(await registry.committeeAt(1))]).to.deep.equal([zero, one]);
      } finally {
        provider.destroy();
      }
    });

    it('can never change its committee with the nonce left out, and has nobody without the blob', async () => {
      const made = await deployed();
      const { [made.address]: registry, [made.blob]: blob } = made.accounts;
      const wrong = { [made.address]: { ...registry!, nonce: 0 }, [made.blob]: blob! };
      await using chain = await chainWith(wrong);
      const provider = new JsonRpcProvider(chain.rpcUrl, undefined, { cacheTimeout: -1 });
      try {
        expect(await validatorsAfter(provider, made.address)).to.have.length(2);
        await expect(changed(made, provider)).to.be.revertedWithCustomError(made.factory, 'CommitteeMisplaced');
        await using without = await chainWith({ [made.address]: registry! });
        const other = new JsonRpcProvider(without.rpcUrl, undefined, { cacheTimeout: -1 });
        try {
          expect(await validatorsAfter(other, made.address)).to.deep.equal([]);
        } finally {
          other.destroy();
        }
      } finally {
        provider.destroy();
      }
    });
  });
});
