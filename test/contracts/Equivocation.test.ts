import { expect } from 'chai';
import { concat, dataSlice, hexlify, Signature, type SigningKey, TypedDataEncoder, toBeHex, ZeroAddress } from 'ethers';
import { network } from 'hardhat';
import type { NodeRegistry } from '../../types/ethers-contracts/index.ts';
import {
  compact,
  createKit,
  entryOf,
  type Header,
  type Kit,
  type Member,
  memberOf,
  mirrored,
} from './support/anchorKit.ts';
import { changed, refused, turned } from './support/blockCases.ts';

const status = { none: 0n, candidate: 1n, active: 2n, suspended: 3n, removed: 4n };

describe('NodeRegistry.reportEquivocation', () => {
  /** A committee with one block anchored, and two rivals for the next slot. */
  async function setUp(size = 4) {
    const kit = await createKit({ size });
    const [deployer, governor, reporter] = await kit.ethers.getSigners();
    await kit.registry.setGovernor(governor!.address);
    const first = kit.blockOn(undefined);
    await kit.mined(first);
    const next = kit.blockOn(first.header);
    const rival = changed(kit, next, { root: turned(next.header.root) });
    return {
      kit,
      first,
      next,
      a: next.header,
      b: rival.header,
      deployer: deployer!,
      reporter: reporter!,
      governed: kit.registry.connect(governor!) as unknown as NodeRegistry,
    };
  }
  type Setting = Awaited<ReturnType<typeof setUp>>;

  const full = (key: SigningKey, digest: string): string => key.sign(digest).serialized;

  /** Reports two headers as signed by the member, compactly where nothing else is given. */
  const report = (
    { kit, a, b, reporter }: Setting,
    member: Member,
    more: { first?: string; second?: string; a?: Header; b?: Header } = {},
  ) => {
    const [one, two] = [more.a ?? a, more.b ?? b];
    const { first = compact(member.key, kit.digestOf(one)), second = compact(member.key, kit.digestOf(two)) } = more;
    return (kit.registry.connect(reporter) as NodeRegistry).reportEquivocation(one, first, two, second);
  };

  const refusedReport = (setting: Setting, sent: ReturnType<typeof report>, error: string, values: unknown[]) =>
    expect(sent)
      .to.be.revertedWithCustomError(setting.kit.registry, error)
      .withArgs(...values);

  const publisherOf = (kit: Kit, header: Header): Member =>
    kit.members.find(({ address }) => address === header.publisher)!;
  const voterOf = (kit: Kit, header: Header): Member =>
    kit.members.find(({ address }) => address !== header.publisher)!;

  describe('takes', () => {
    const lengths = {
      '64 and 64': [compact, compact],
      '65 and 65': [full, full],
      '64 and 65': [compact, full],
      '65 and 64': [full, compact],
    } as const;
    for (const [who, memberFrom] of Object.entries({ publisher: publisherOf, voter: voterOf })) {
      for (const [name, [one, two]] of Object.entries(lengths)) {
        it(`two signatures of a ${who}, ${name} bytes`, async () => {
          const setting = await setUp();
          const { kit, a, b, reporter } = setting;
          const { registry } = kit;
          const member = memberFrom(kit, a);
          const [hashA, hashB] = [kit.digestOf(a), kit.digestOf(b)];
          await expect(report(setting, member, { first: one(member.key, hashA), second: two(member.key, hashB) }))
            .to.emit(registry, 'EquivocationReported')
            .withArgs(member.address, a.slot, hashA, hashB, reporter.address)
            .and.to.emit(registry, 'NodeSuspended')
            .withArgs(member.address)
            .and.to.emit(registry, 'CommitteeChanged');
          const rest = kit.members.map(({ address }) => address).filter((address) => address !== member.address);
          const { epoch, members } = await registry.committee();
          expect(epoch).to.equal(2n);
          expect([...members]).to.deep.equal(rest);
          expect((await registry.node(member.address)).status).to.equal(status.suspended);
          expect(await registry.isActive(member.address)).to.equal(false);
        });
      }
    }

    it('any two different blocks of the slot, whatever else they say, in either order', async () => {
      const fields: Partial<Header>[] = [
        { height: 99n },
        { treeSize: 1n },
        { parent: toBeHex(5, 32) },
        { epoch: 0n },
        { epoch: 7n },
        { publisher: ZeroAddress },
      ];
      for (const [index, field] of fields.entries()) {
        const setting = await setUp();
        const { kit, a } = setting;
        const other = { ...a, ...field };
        const member = kit.members[index % 4]!;
        await report(setting, member, index % 2 === 0 ? { b: other } : { a: other, b: a });
        expect(await kit.registry.isActive(member.address)).to.equal(false);
      }
    });

    it('one that was anchored, and its rival', async () => {
      const setting = await setUp();
      const { kit, first } = setting;
      const member = publisherOf(kit, first.header);
      await report(setting, member, { a: first.header, b: { ...first.header, treeSize: 77n } });
      expect(await kit.anchor.head()).to.equal(1n);
      expect(await kit.registry.isActive(member.address)).to.equal(false);
    });
  });

  describe('refuses', () => {
    let setting: Setting;
    let member: Member;
    beforeEach(async () => {
      setting = await setUp();
      member = setting.kit.members[2]!;
    });
    afterEach(async () => {
      expect((await setting.kit.registry.committee()).epoch).to.equal(1n);
    });

    it('the same block twice, also under two signatures', async () => {
      const { kit, a } = setting;
      const hash = kit.digestOf(a);
      await refusedReport(setting, report(setting, member, { b: a }), 'SameBlock', [hash]);
      const second = full(member.key, hash);
      await refusedReport(setting, report(setting, member, { b: a, second }), 'SameBlock', [hash]);
    });

    it('blocks of two slots', async () => {
      const b = { ...setting.b, slot: setting.b.slot + 1n };
      await refusedReport(setting, report(setting, member, { b }), 'SlotMismatch', [b.slot, setting.a.slot]);
    });

    it('signatures of two members', async () => {
      const { kit, b } = setting;
      const other = kit.members[1]!;
      const second = compact(other.key, kit.digestOf(b));
      await refusedReport(setting, report(setting, member, { second }), 'SignerMismatch', [
        other.address,
        member.address,
      ]);
    });

    it('s in the upper half, in both forms', async () => {
      const { kit, a } = setting;
      const { r, s, yParity } = mirrored(compact(member.key, kit.digestOf(a)));
      const word = toBeHex(s, 32);
      const long = concat([r, word, toBeHex(27 + yParity, 1)]);
      await refusedReport(setting, report(setting, member, { first: long }), 'SignatureMalleable', [word]);
      // The parity takes the top bit of s away: what is left of an s below 2^255 may still be in the upper half.
      const half = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
      const high = toBeHex(half + 1n, 32);
      const short = concat([r, high]);
      await refusedReport(setting, report(setting, member, { second: short }), 'SignatureMalleable', [high]);
    });

    it('signatures of other lengths', async () => {
      const { kit, a } = setting;
      const long = full(member.key, kit.digestOf(a));
      for (const [first, have] of [
        ['0x', 0n],
        [dataSlice(long, 0, 63), 63n],
        [concat([long, '0x00']), 66n],
        [concat([long, long]), 130n],
      ] as const) {
        await refusedReport(setting, report(setting, member, { first }), 'SignatureLength', [have, 65n]);
      }
    });

    it('a signature that nobody made', async () => {
      const { kit, a, b } = setting;
      const nothing = `0x${'00'.repeat(64)}`;
      await refusedReport(setting, report(setting, member, { first: nothing }), 'SignatureInvalid', [kit.digestOf(a)]);
      await refusedReport(setting, report(setting, member, { second: nothing }), 'SignatureInvalid', [kit.digestOf(b)]);
      const v0 = concat([dataSlice(full(member.key, kit.digestOf(a)), 0, 64), '0x00']);
      await refusedReport(setting, report(setting, member, { first: v0 }), 'SignatureInvalid', [kit.digestOf(a)]);
    });

    it('what was signed for another chain or another contract', async () => {
      const { kit, a, b } = setting;
      const types = {
        Block: [
          'uint64 height',
          'uint64 slot',
          'uint64 treeSize',
          'bytes32 root',
          'bytes32 parent',
          'uint64 epoch',
          'address publisher',
        ].map((field) => ({ type: field.split(' ')[0]!, name: field.split(' ')[1]! })),
      };
      for (const domain of [
        { ...kit.domain, chainId: 1n },
        { ...kit.domain, verifyingContract: await kit.registry.getAddress() },
        { ...kit.domain, name: 'Other' },
        { ...kit.domain, version: '2' },
      ]) {
        const sign = (header: Header) => compact(member.key, TypedDataEncoder.hash(domain, types, header));
        const sent = report(setting, member, { first: sign(a), second: sign(b) });
        // Over other bytes a signature recovers to somebody, but to nobody in particular.
        await expect(sent).to.be.revertedWithCustomError(kit.registry, 'SignerMismatch');
      }
    });

    it('one changed byte of a signature', async () => {
      const { kit, a } = setting;
      const right = Signature.from(compact(member.key, kit.digestOf(a))).compactSerialized;
      const bytes = Buffer.from(right.slice(2), 'hex');
      bytes[40]! ^= 1;
      await expect(report(setting, member, { first: hexlify(bytes) })).to.be.revertedWithCustomError(
        kit.registry,
        'SignerMismatch',
      );
    });

    it('a stranger', async () => {
      const stranger = memberOf(50);
      await refusedReport(setting, report(setting, stranger), 'TransitionRefused', [
        stranger.address,
        status.none,
        status.suspended,
      ]);
    });
  });

  it('refuses a node that is a candidate, suspended already, or removed', async () => {
    const setting = await setUp();
    const { kit, governed } = setting;
    const [candidate, culprit, leaver] = [memberOf(50), kit.members[1]!, kit.members[2]!];
    await governed.enroll(entryOf(candidate, 50));
    await governed.remove(leaver.address);
    await report(setting, culprit);
    for (const [member, have] of [
      [candidate, status.candidate],
      [culprit, status.suspended],
      [leaver, status.removed],
    ] as const) {
      const values = [member.address, have, status.suspended];
      await refusedReport(setting, report(setting, member), 'TransitionRefused', values);
    }
    expect((await kit.registry.committee()).epoch).to.equal(3n);
  });

  it('never takes the last active node', async () => {
    const setting = await setUp(2);
    const { kit } = setting;
    await report(setting, kit.members[0]!);
    const last = kit.members[1]!;
    await refusedReport(setting, report(setting, last), 'LastActiveNode', [last.address]);
    expect([...(await kit.registry.getValidators())]).to.deep.equal([last.address]);
    expect(await kit.registry.isActive(last.address)).to.equal(true);
  });

  it('counts a proof once: not against a node that the governor took back, until it does it again', async () => {
    const setting = await setUp();
    const { kit, governed, a, b } = setting;
    const member = kit.members[1]!;
    expect((await kit.registry.node(member.address)).activeSince).to.equal(1n);
    await report(setting, member);
    await governed.activate(member.address);
    expect((await kit.registry.node(member.address)).activeSince).to.equal(3n);
    await refusedReport(setting, report(setting, member), 'EvidenceStale', [1n, 3n]);
    const old = [
      { ...a, epoch: 2n },
      { ...b, epoch: 2n },
    ] as const;
    await refusedReport(setting, report(setting, member, { a: old[0], b: old[1] }), 'EvidenceStale', [2n, 3n]);
    expect(await kit.registry.isActive(member.address)).to.equal(true);
    // One block of the new term is enough, on either side.
    await report(setting, member, { a: { ...a, epoch: 3n } });
    expect(await kit.registry.isActive(member.address)).to.equal(false);
    await governed.activate(member.address);
    await report(setting, member, { b: { ...b, epoch: 5n } });
    expect(await kit.registry.isActive(member.address)).to.equal(false);
  });

  it('ends the epoch: blocks go on with the rest, the new quorum and the new turns', async () => {
    const setting = await setUp(5);
    const { kit, first, next } = setting;
    const culprit = publisherOf(kit, next.header);
    expect(await kit.anchor.quorum()).to.equal(4n);
    await report(setting, culprit);
    expect(await kit.anchor.quorum()).to.equal(3n);
    await refused(kit, next, 'EpochMismatch', [1n, 2n]);
    const committee = kit.members.filter(({ address }) => address !== culprit.address);
    const few = kit.blockOn(first.header, { epoch: 2n }, { committee, signers: [0, 1] });
    await expect(kit.send(few)).to.be.revert(kit.ethers);
    let last = first.header;
    for (let count = 0; count < 5; count++) {
      const block = kit.blockOn(last, { epoch: 2n }, { committee });
      expect(block.header.publisher).to.not.equal(culprit.address);
      expect(await kit.anchor.publisherOf(block.header.slot)).to.equal(block.header.publisher);
      await kit.mined(block);
      last = block.header;
    }
    expect(await kit.anchor.head()).to.equal(6n);
    // The culprit's signature counts no more.
    const turn = Number((last.slot + 1n) % 4n);
    const withCulprit = committee.map((member, index) =>
      index === (turn + 1) % 4 ? { ...member, key: culprit.key } : member,
    );
    const block = kit.blockOn(last, { epoch: 2n }, { committee: withCulprit });
    await expect(kit.send(block)).to.be.revertedWithCustomError(kit.anchor, 'SignerMismatch');
  });
});

describe('NodeRegistry.setAnchor', () => {
  async function setUp() {
    const { ethers } = await network.create('hardhat');
    const [deployer, stranger] = await ethers.getSigners();
    const deployRegistry = async () =>
      (await ethers.deployContract('NodeRegistry', [
        [0, 1].map((index) => entryOf(memberOf(index), index)),
      ])) as unknown as NodeRegistry;
    const deployAnchor = async (registry: NodeRegistry) =>
      await (await ethers.deployContract('BlockAnchor', [await registry.getAddress(), 2, 4])).getAddress();
    const registry = await deployRegistry();
    return { registry, deployRegistry, deployAnchor, deployer: deployer!, stranger: stranger! };
  }

  it('is for the deployer, once', async () => {
    const { registry, deployAnchor, deployer, stranger } = await setUp();
    const anchor = await deployAnchor(registry);
    expect(await registry.anchor()).to.equal(ZeroAddress);
    await expect((registry.connect(stranger) as NodeRegistry).setAnchor(anchor))
      .to.be.revertedWithCustomError(registry, 'NotDeployer')
      .withArgs(stranger.address, deployer.address);
    await expect(registry.setAnchor(anchor)).to.emit(registry, 'AnchorSet').withArgs(anchor);
    expect(await registry.anchor()).to.equal(anchor);
    const other = await deployAnchor(registry);
    await expect(registry.setAnchor(other))
      .to.be.revertedWithCustomError(registry, 'AnchorAlreadySet')
      .withArgs(anchor, other);
  });

  it('takes an anchor of this registry only', async () => {
    const { registry, deployRegistry, deployAnchor, stranger } = await setUp();
    for (const nothing of [ZeroAddress, stranger.address]) {
      await expect(registry.setAnchor(nothing))
        .to.be.revertedWithCustomError(registry, 'AnchorMissing')
        .withArgs(nothing);
    }
    const otherRegistry = await deployRegistry();
    await expect(registry.setAnchor(await deployAnchor(otherRegistry)))
      .to.be.revertedWithCustomError(registry, 'AnchorForeign')
      .withArgs(await otherRegistry.getAddress(), await registry.getAddress());
    await registry.setAnchor(await deployAnchor(registry));
  });

  it('comes before any report', async () => {
    const { registry } = await setUp();
    const header = {
      height: 1,
      slot: 1,
      treeSize: 1,
      root: toBeHex(1, 32),
      parent: toBeHex(0, 32),
      epoch: 1,
      publisher: ZeroAddress,
    };
    await expect(registry.reportEquivocation(header, '0x', header, '0x')).to.be.revertedWithCustomError(
      registry,
      'AnchorUnset',
    );
  });
});
