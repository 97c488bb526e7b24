import { expect } from 'chai';
import { getCreateAddress, id, ZeroAddress } from 'ethers';
import { network } from 'hardhat';
import type { NodeRegistry } from '../../types/ethers-contracts/index.ts';
import { entryOf, memberOf } from './support/anchorKit.ts';

const status = { none: 0n, candidate: 1n, active: 2n, suspended: 3n, removed: 4n };
const entries = (count: number) => Array.from({ length: count }, (_, index) => entryOf(memberOf(index), index));
const addresses = (...indexes: number[]): string[] => indexes.map((index) => memberOf(index).address);

describe('NodeRegistry', () => {
  async function setUp(count = 3) {
    const connection = await network.create('hardhat');
    const { ethers } = connection;
    const [deployer, governor, stranger] = await ethers.getSigners();
    const registry = (await ethers.deployContract('NodeRegistry', [entries(count)])) as unknown as NodeRegistry;
    await registry.setGovernor(governor!.address);
    const governed = registry.connect(governor!) as unknown as NodeRegistry;
    return { ethers, registry, governed, deployer: deployer!, governor: governor!, stranger: stranger! };
  }
  type Setting = Awaited<ReturnType<typeof setUp>>;

  const statusOf = async ({ registry }: Setting, account: string) => (await registry.node(account)).status;
  const members = async ({ registry }: Setting) => [...(await registry.committee()).members];

  describe('genesis', () => {
    it('makes the entries, in order, the committee of epoch 1', async () => {
      const setting = await setUp(4);
      const { registry } = setting;
      const expected = addresses(0, 1, 2, 3);
      const { epoch, members: current } = await registry.committee();
      expect(epoch).to.equal(1n);
      expect([...current]).to.deep.equal(expected);
      expect([...(await registry.getValidators())]).to.deep.equal(expected);
      expect([...(await registry.committeeAt(1))]).to.deep.equal(expected);
      expect(await registry.nodeCount()).to.equal(4n);
      const [pointerEpoch, pointer] = await registry.committeePointer();
      expect(pointerEpoch).to.equal(1n);
      expect(pointer).to.equal(getCreateAddress({ from: await registry.getAddress(), nonce: 1 }));
      const packed = expected.map((address) => address.slice(2).toLowerCase()).join('');
      expect(await setting.ethers.provider.getCode(pointer)).to.equal(`0x00${packed}`);
      const { account, ...info } = entryOf(memberOf(2), 2);
      const node = await registry.node(account);
      const { status: kept, name, endpoint, encryptionKey, noteKey } = node;
      expect({ status: kept, name, endpoint, encryptionKey, noteKey }).to.deep.equal({
        status: status.active,
        ...info,
      });
      expect(await registry.isActive(account)).to.equal(true);
      expect(await registry.deployer()).to.equal(setting.deployer.address);
    });

    it('is refused when empty, with the zero address, a duplicate, or a text too long', async () => {
      const { ethers } = await network.create('hardhat');
      const factory = await ethers.getContractFactory('NodeRegistry');
      const [first, second] = entries(2);
      const refusals: [object[], string, unknown[]][] = [
        [[], 'CommitteeEmpty', []],
        [[first!, { ...second!, account: ZeroAddress }], 'AccountZero', []],
        [[first!, second!, first!], 'DuplicateNode', [first!.account]],
        [[{ ...first!, name: 'n'.repeat(65) }], 'TextTooLong', [65n, 64n]],
        [[{ ...first!, endpoint: 'e'.repeat(257) }], 'TextTooLong', [257n, 256n]],
      ];
      for (const [genesis, error, values] of refusals) {
        await expect(factory.deploy(genesis))
          .to.be.revertedWithCustomError(factory, error)
          .withArgs(...values);
      }
      await factory.deploy([{ ...first!, name: 'n'.repeat(64), endpoint: 'e'.repeat(256) }]);
    });

    it('holds 256 nodes and refuses one more', async function () {
      this.timeout(60_000);
      const { ethers } = await network.create({
        network: 'hardhat',
        override: { allowUnlimitedContractSize: true, hardfork: 'cancun', blockGasLimit: 1_000_000_000 },
      });
      const factory = await ethers.getContractFactory('NodeRegistry');
      const many = Array.from({ length: 257 }, (_, index) => ({
        account: `0x${(index + 1).toString(16).padStart(40, '0')}`,
        name: '',
        endpoint: '',
        encryptionKey: id(`${index}`),
        noteKey: id(`${index}`),
      }));
      const gasLimit = 500_000_000;
      const registry = (await factory.deploy(many.slice(0, 256), { gasLimit })) as unknown as NodeRegistry;
      expect(await registry.getValidators()).to.have.length(256);
      await expect(factory.deploy(many, { gasLimit }))
        .to.be.revertedWithCustomError(factory, 'CommitteeFull')
        .withArgs(257n, 256n);
      const [governor] = await ethers.getSigners();
      await registry.setGovernor(governor!.address);
      await registry.enroll(many[256]!);
      await expect(registry.activate(many[256]!.account))
        .to.be.revertedWithCustomError(factory, 'CommitteeFull')
        .withArgs(257n, 256n);
    });
  });

  describe('authenticators', () => {
    it('are nodes that the governor allows, as long as they are active, and lose it with their removal', async () => {
      const { registry, governed, stranger } = await setUp();
      const { address } = memberOf(1);
      await expect(registry.setAuthenticator(address, true)).to.be.revertedWithCustomError(registry, 'NotGovernor');
      await expect(governed.setAuthenticator(stranger.address, true))
        .to.be.revertedWithCustomError(registry, 'NodeUnknown')
        .withArgs(stranger.address);
      await expect(governed.setAuthenticator(address, true))
        .to.emit(registry, 'AuthenticatorSet')
        .withArgs(address, true);
      expect(await registry.isAuthenticator(address)).to.equal(true);
      expect(await registry.isAuthenticator(memberOf(0).address)).to.equal(false);
      await governed.suspend(address);
      expect(await registry.isAuthenticator(address)).to.equal(false);
      await governed.activate(address);
      expect(await registry.isAuthenticator(address)).to.equal(true);
      await governed.setAuthenticator(address, false);
      expect(await registry.isAuthenticator(address)).to.equal(false);
      await governed.setAuthenticator(address, true);
      await governed.remove(address);
      await governed.enroll(entryOf(memberOf(1), 1));
      await governed.activate(address);
      expect(await registry.isAuthenticator(address)).to.equal(false);
    });
  });

  describe('governor', () => {
    it('is set once, by the deployer, and not to zero', async () => {
      const { ethers } = await network.create('hardhat');
      const [deployer, governor, stranger] = await ethers.getSigners();
      const registry = (await ethers.deployContract('NodeRegistry', [entries(1)])) as unknown as NodeRegistry;
      expect(await registry.governor()).to.equal(ZeroAddress);
      await expect((registry.connect(stranger!) as NodeRegistry).setGovernor(stranger!.address))
        .to.be.revertedWithCustomError(registry, 'NotDeployer')
        .withArgs(stranger!.address, deployer!.address);
      await expect(registry.setGovernor(ZeroAddress)).to.be.revertedWithCustomError(registry, 'AccountZero');
      await expect(registry.enroll(entryOf(memberOf(7), 7)))
        .to.be.revertedWithCustomError(registry, 'NotGovernor')
        .withArgs(deployer!.address, ZeroAddress);
      await expect(registry.setGovernor(governor!.address))
        .to.emit(registry, 'GovernorSet')
        .withArgs(governor!.address);
      await expect(registry.setGovernor(stranger!.address))
        .to.be.revertedWithCustomError(registry, 'GovernorAlreadySet')
        .withArgs(governor!.address, stranger!.address);
    });

    it('alone may change the committee', async () => {
      const { registry, stranger, governor } = await setUp();
      const other = registry.connect(stranger) as NodeRegistry;
      const entry = entryOf(memberOf(9), 9);
      const [first] = addresses(0);
      for (const attempt of [
        other.enroll(entry),
        other.activate(entry.account),
        other.suspend(first!),
        other.remove(first!),
        other.update(entry),
      ]) {
        await expect(attempt)
          .to.be.revertedWithCustomError(registry, 'NotGovernor')
          .withArgs(stranger.address, governor.address);
      }
    });
  });

  describe('transitions', () => {
    const acts = ['enroll', 'activate', 'suspend', 'remove'] as const;
    type Act = (typeof acts)[number];
    const act = ({ governed }: Setting, name: Act, index: number) =>
      name === 'enroll' ? governed.enroll(entryOf(memberOf(index), index)) : governed[name](memberOf(index).address);

    /** How to bring a new node into each status, and which acts it then allows. */
    const table: { from: keyof typeof status; path: Act[]; allowed: Partial<Record<Act, keyof typeof status>> }[] = [
      { from: 'none', path: [], allowed: { enroll: 'candidate' } },
      { from: 'candidate', path: ['enroll'], allowed: { activate: 'active', remove: 'removed' } },
      { from: 'active', path: ['enroll', 'activate'], allowed: { suspend: 'suspended', remove: 'removed' } },
      {
        from: 'suspended',
        path: ['enroll', 'activate', 'suspend'],
        allowed: { activate: 'active', remove: 'removed' },
      },
      { from: 'removed', path: ['enroll', 'remove'], allowed: { enroll: 'candidate' } },
    ];
    const target = { enroll: 'candidate', activate: 'active', suspend: 'suspended', remove: 'removed' } as const;

    for (const { from, path, allowed } of table) {
      for (const name of acts) {
        const to = allowed[name];
        it(`${from} + ${name} = ${to ?? 'refused'}`, async () => {
          const setting = await setUp();
          const account = memberOf(5).address;
          for (const step of path) await act(setting, step, 5);
          expect(await statusOf(setting, account)).to.equal(status[from]);
          const { epoch } = await setting.registry.committee();
          if (to === undefined) {
            await expect(act(setting, name, 5))
              .to.be.revertedWithCustomError(setting.registry, 'TransitionRefused')
              .withArgs(account, status[from], status[target[name]]);
            return;
          }
          await act(setting, name, 5);
          expect(await statusOf(setting, account)).to.equal(status[to]);
          expect(await setting.registry.isActive(account)).to.equal(to === 'active');
          expect((await members(setting)).includes(account)).to.equal(to === 'active');
          const changed = from === 'active' || to === 'active';
          expect((await setting.registry.committee()).epoch).to.equal(epoch + (changed ? 1n : 0n));
        });
      }
    }

    it('never enter the zero address', async () => {
      const { registry, governed } = await setUp();
      await expect(governed.enroll({ ...entryOf(memberOf(9), 9), account: ZeroAddress })).to.be.revertedWithCustomError(
        registry,
        'AccountZero',
      );
    });

    it('keep the order, and every epoch readable', async () => {
      const setting = await setUp(4);
      const { registry, governed } = setting;
      await governed.suspend(memberOf(1).address);
      expect(await members(setting)).to.deep.equal(addresses(0, 2, 3));
      await governed.enroll(entryOf(memberOf(8), 8));
      await expect(governed.activate(memberOf(8).address))
        .to.emit(registry, 'CommitteeChanged')
        .withArgs(3n, getCreateAddress({ from: await registry.getAddress(), nonce: 3 }), 4n)
        .and.to.emit(registry, 'NodeActivated')
        .withArgs(memberOf(8).address);
      await governed.activate(memberOf(1).address);
      await expect(governed.remove(memberOf(0).address))
        .to.emit(registry, 'NodeRemoved')
        .withArgs(memberOf(0).address);
      const epochs = await Promise.all([1, 2, 3, 4, 5].map(async (epoch) => [...(await registry.committeeAt(epoch))]));
      expect(epochs).to.deep.equal([
        addresses(0, 1, 2, 3),
        addresses(0, 2, 3),
        addresses(0, 2, 3, 8),
        addresses(0, 2, 3, 8, 1),
        addresses(2, 3, 8, 1),
      ]);
      expect([...(await registry.getValidators())]).to.deep.equal(epochs[4]);
      for (const epoch of [0n, 6n]) {
        await expect(registry.committeeAt(epoch))
          .to.be.revertedWithCustomError(registry, 'EpochUnknown')
          .withArgs(epoch, 5n);
      }
    });

    it('never take the last active node', async () => {
      const setting = await setUp(2);
      const [first, second] = addresses(0, 1);
      await setting.governed.suspend(first!);
      for (const name of ['suspend', 'remove'] as const) {
        await expect(setting.governed[name](second!))
          .to.be.revertedWithCustomError(setting.registry, 'LastActiveNode')
          .withArgs(second);
      }
      expect(await members(setting)).to.deep.equal([second]);
      await setting.governed.remove(first!);
      expect(await members(setting)).to.deep.equal([second]);
    });
  });

  describe('information', () => {
    it('of a node is changed by the governor', async () => {
      const { registry, governed } = await setUp();
      const entry = { ...entryOf(memberOf(1), 1), name: 'New', endpoint: 'https://new.example', noteKey: id('new') };
      await expect(governed.update(entry))
        .to.emit(registry, 'NodeUpdated')
        .withArgs(entry.account, 'New', 'https://new.example', entry.encryptionKey, entry.noteKey);
      const node = await registry.node(entry.account);
      expect([node.name, node.endpoint, node.noteKey, node.status]).to.deep.equal([
        'New',
        'https://new.example',
        entry.noteKey,
        status.active,
      ]);
      await expect(governed.update({ ...entry, name: 'n'.repeat(65) })).to.be.revertedWithCustomError(
        registry,
        'TextTooLong',
      );
      await expect(governed.update(entryOf(memberOf(9), 9)))
        .to.be.revertedWithCustomError(registry, 'NodeUnknown')
        .withArgs(memberOf(9).address);
    });

    it('a node changes its own endpoint, nobody else does, nor a removed one', async () => {
      const { registry, governed, stranger } = await setUp();
      const own = registry.connect(stranger) as NodeRegistry;
      await expect(own.setEndpoint('https://x.example'))
        .to.be.revertedWithCustomError(registry, 'NodeUnknown')
        .withArgs(stranger.address);
      const entry = { ...entryOf(memberOf(9), 9), account: stranger.address };
      await governed.enroll(entry);
      await expect(own.setEndpoint('https://x.example'))
        .to.emit(registry, 'NodeUpdated')
        .withArgs(stranger.address, entry.name, 'https://x.example', entry.encryptionKey, entry.noteKey);
      expect((await registry.node(stranger.address)).endpoint).to.equal('https://x.example');
      await expect(own.setEndpoint('e'.repeat(257)))
        .to.be.revertedWithCustomError(registry, 'TextTooLong')
        .withArgs(257n, 256n);
      await governed.remove(stranger.address);
      await expect(own.setEndpoint('https://y.example')).to.be.revertedWithCustomError(registry, 'NodeUnknown');
    });

    it('comes in pages, each node once, also one that came back', async () => {
      const { registry, governed } = await setUp(5);
      await governed.remove(memberOf(1).address);
      await governed.enroll(entryOf(memberOf(1), 1));
      const pages = await Promise.all([0, 2, 4, 5, 99].map((offset) => registry.nodes(offset, 2)));
      expect(pages.map(({ accounts }) => [...accounts])).to.deep.equal([
        addresses(0, 1),
        addresses(2, 3),
        addresses(4),
        [],
        [],
      ]);
      expect(pages[0]!.infos.map((info) => info.status)).to.deep.equal([status.active, status.candidate]);
      expect((await registry.nodes(0, 2n ** 256n - 1n)).accounts).to.have.length(5);
      expect((await registry.node(memberOf(77).address)).status).to.equal(status.none);
    });
  });
});
