import { expect } from 'chai';
import { id, Signature, ZeroAddress, ZeroHash } from 'ethers';
import { compact, memberOf } from './support/anchorKit.ts';
import { createGovernorKit, type GovernorKit, type Proposed, type Report } from './support/governorKit.ts';

const versionStates = { none: 0n, passed: 1n, applied: 2n, verified: 3n, failed: 4n };
const set = id('resource set');
const configuration = (version: number): string => id(`configuration ${version}`);
const uri = 'https://centre.example/c';

describe('ResourceRegistry', () => {
  let kit: GovernorKit;
  beforeEach(async () => {
    kit = await createGovernorKit();
  });

  const add = (base: bigint, version: number, resourceSet = set): Promise<Proposed> =>
    kit.pass('resource', [kit.call.addVersion(resourceSet, base, configuration(version))]);

  const reportOf = (version: bigint, sequence: bigint, matches: boolean, changes: Partial<Report> = {}): Report => ({
    resourceSet: set,
    version,
    sequence,
    actualHash: matches ? configuration(Number(version)) : id('something else'),
    recordId: id(`record ${sequence}`),
    ...changes,
  });

  const signed = (place: number, report: Report): object => {
    const { address, key } = kit.members[place]!;
    return { report, reporter: place, signature: compact(key, kit.reportDigest(report, address)) };
  };

  const submit = (reports: object[]) => kit.resources.submitReportsBySig(reports as never);

  /** These places report on a version, right or not. */
  const report = (version: bigint, places: number[], matches: boolean, sequence = 1n) =>
    submit(places.map((place) => signed(place, reportOf(version, sequence, matches))));

  const stateOf = async (version: bigint): Promise<bigint> => (await kit.resources.versionAt(set, version)).state;
  const standing = async () => [await kit.resources.head(set), await kit.resources.inForce(set)];

  it('gets versions from passed proposals, each on the one before', async () => {
    expect(await standing()).to.deep.equal([0n, 0n]);
    const proposed = await kit.propose('resource', [kit.call.addVersion(set, 0n, configuration(1))]);
    await kit.castBatch(proposed, [
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
    await expect(kit.execute(proposed))
      .to.emit(kit.resources, 'VersionAdded')
      .withArgs(set, 1n, proposed.id, 0n, 1n, configuration(1), uri);
    const version = await kit.resources.versionAt(set, 1);
    expect([...version]).to.deep.equal([
      versionStates.passed,
      0n,
      1n,
      await kit.now(),
      0n,
      0n,
      configuration(1),
      proposed.id,
      uri,
    ]);
    expect(await standing()).to.deep.equal([1n, 0n]);
    await add(1n, 2);
    await add(0n, 1, id('another set'));
    expect(await standing()).to.deep.equal([2n, 0n]);
    expect(await kit.resources.versionCount(set)).to.equal(2n);
    expect(await kit.resources.versionCount(id('another set'))).to.equal(1n);
    await expect(kit.resources.versionAt(set, 3))
      .to.be.revertedWithCustomError(kit.resources, 'VersionUnknown')
      .withArgs(set, 3n);
  });

  it('refuses a proposal against another version, when it is made and when it has been overtaken', async () => {
    await add(0n, 1);
    await expect(add(0n, 2)).to.be.revertedWithCustomError(kit.governor, 'BaseOutdated').withArgs(set, 0n, 1n);
    const [first, second] = [
      await kit.propose('resource', [kit.call.addVersion(set, 1n, configuration(2))]),
      await kit.propose('resource', [kit.call.addVersion(set, 1n, configuration(3))]),
    ];
    for (const proposed of [first, second])
      await kit.castBatch(proposed, [
        [0, 1],
        [1, 1],
        [2, 1],
      ]);
    await kit.execute(second);
    await expect(kit.execute(first)).to.be.revertedWithCustomError(kit.resources, 'BaseOutdated').withArgs(set, 1n, 2n);
  });

  it('refuses everybody but the governor, set once, and what is no configuration', async () => {
    const [deployer, stranger] = await kit.ethers.getSigners();
    const governor = await kit.governor.getAddress();
    await expect(kit.resources.addVersion(set, 0, configuration(1), ''))
      .to.be.revertedWithCustomError(kit.resources, 'NotGovernor')
      .withArgs(deployer!.address, governor);
    await expect(kit.resources.setGovernor(stranger!.address))
      .to.be.revertedWithCustomError(kit.resources, 'GovernorAlreadySet')
      .withArgs(governor, stranger!.address);
    await expect(kit.as(kit.resources, stranger!).setGovernor(stranger!.address))
      .to.be.revertedWithCustomError(kit.resources, 'NotDeployer')
      .withArgs(stranger!.address, deployer!.address);
    const fresh = await kit.ethers.deployContract('ResourceRegistry', [await kit.registry.getAddress()]);
    await expect(fresh.getFunction('setGovernor')(ZeroAddress)).to.be.revertedWithCustomError(fresh, 'AccountZero');
    const factory = await kit.ethers.getContractFactory('ResourceRegistry');
    await expect(factory.deploy(stranger!.address))
      .to.be.revertedWithCustomError(factory, 'RegistryMissing')
      .withArgs(stranger!.address);
    await expect(kit.pass('resource', [kit.call.addVersion(set, 0n, ZeroHash)])).to.be.revertedWithCustomError(
      kit.resources,
      'ConfigurationHashZero',
    );
    await expect(kit.pass('resource', [kit.call.addVersion(set, 0n, configuration(1), 'u'.repeat(513))]))
      .to.be.revertedWithCustomError(kit.resources, 'UriTooLong')
      .withArgs(513n, 512n);
    await kit.pass('resource', [kit.call.addVersion(set, 0n, configuration(1), 'u'.repeat(512))]);
  });

  it('goes from passed to applied to verified, and is in force from a quorum on', async () => {
    await add(0n, 1);
    await expect(report(1n, [0], false)).not.to.emit(kit.resources, 'VersionStateChanged');
    expect(await stateOf(1n)).to.equal(versionStates.passed);
    await expect(report(1n, [1], true))
      .to.emit(kit.resources, 'VersionStateChanged')
      .withArgs(set, 1n, versionStates.applied);
    await report(1n, [2], true);
    expect(await standing()).to.deep.equal([1n, 0n]);
    await expect(report(1n, [3], true))
      .to.emit(kit.resources, 'VersionStateChanged')
      .withArgs(set, 1n, versionStates.verified);
    expect(await standing()).to.deep.equal([1n, 1n]);
    const { matching, differing } = await kit.resources.versionAt(set, 1);
    expect([matching, differing]).to.deep.equal([3n, 1n]);
  });

  it('fails by a quorum that reports something else; the version before stays in force and is the next base', async () => {
    await add(0n, 1);
    await report(1n, [0, 1, 2], true);
    await add(1n, 2);
    await report(2n, [0, 1], false);
    expect(await stateOf(2n)).to.equal(versionStates.passed);
    expect(await standing()).to.deep.equal([2n, 1n]);
    await report(2n, [3], false);
    expect(await stateOf(2n)).to.equal(versionStates.failed);
    expect(await standing()).to.deep.equal([1n, 1n]);
    // Both are final, whatever is reported later; the counts show it.
    await report(2n, [0, 1, 2, 3], true, 2n);
    await report(1n, [0, 1, 2], false, 2n);
    expect([await stateOf(1n), await stateOf(2n)]).to.deep.equal([versionStates.verified, versionStates.failed]);
    expect((await kit.resources.versionAt(set, 1)).differing).to.equal(3n);
    expect(await standing()).to.deep.equal([1n, 1n]);
    await add(1n, 3);
    expect(await standing()).to.deep.equal([3n, 1n]);
  });

  it('goes back over several failed versions, and an older one verified late does not take the place of a newer', async () => {
    await add(0n, 1);
    await add(1n, 2);
    await add(2n, 3);
    await report(2n, [0, 1, 2], false);
    expect(await standing()).to.deep.equal([3n, 0n]);
    await report(3n, [0, 1, 2], false);
    expect(await standing()).to.deep.equal([1n, 0n]);
    await add(1n, 4);
    await report(4n, [0, 1, 2], true);
    await report(1n, [0, 1, 2], true);
    expect(await standing()).to.deep.equal([4n, 4n]);
    expect(await stateOf(1n)).to.equal(versionStates.verified);
  });

  it('counts the latest report of each node, and takes no older one again', async () => {
    await add(0n, 1);
    const early = signed(0, reportOf(1n, 5n, true));
    await submit([early]);
    await report(1n, [0], false, 6n);
    expect(await kit.resources.submitReportsBySig.staticCall([early] as never)).to.equal(0n);
    await submit([early]);
    expect([...(await kit.resources.reportOf(set, 1, kit.members[0]!.address))]).to.deep.equal([6n, false]);
    const { matching, differing } = await kit.resources.versionAt(set, 1);
    expect([matching, differing]).to.deep.equal([0n, 1n]);
    const own = kit.as(kit.resources, await kit.walletOf(0));
    await expect(own.submitReport(reportOf(1n, 6n, true)))
      .to.be.revertedWithCustomError(kit.resources, 'ReportStale')
      .withArgs(6n, 7n);
    await expect(own.submitReport(reportOf(1n, 7n, true)))
      .to.emit(kit.resources, 'Reported')
      .withArgs(set, 1n, kit.members[0]!.address, true, 7n, configuration(1), id('record 7'));
    expect((await kit.resources.versionAt(set, 1)).matching).to.equal(1n);
  });

  it('takes reports of the committee at the time of the version, and of nobody else', async () => {
    await add(0n, 1);
    await kit.pass('suspension', [kit.call.suspend(kit.members[3]!.address)]);
    // Suspended since, and still one of the four.
    await report(1n, [3, 0], true);
    expect(await stateOf(1n)).to.equal(versionStates.applied);
    await report(1n, [1], true);
    expect(await stateOf(1n)).to.equal(versionStates.verified);
    await add(1n, 2);
    const last = kit.as(kit.resources, await kit.walletOf(3));
    await expect(last.submitReport(reportOf(2n, 1n, true)))
      .to.be.revertedWithCustomError(kit.resources, 'NotReporter')
      .withArgs(kit.members[3]!.address, 2n);
    await expect(report(2n, [3], true))
      .to.be.revertedWithCustomError(kit.resources, 'PlaceUnknown')
      .withArgs(3n, 3n);
    await expect(report(3n, [0], true))
      .to.be.revertedWithCustomError(kit.resources, 'VersionUnknown')
      .withArgs(set, 3n);
  });

  it('refuses foreign, replayed and malleable signatures', async () => {
    await add(0n, 1);
    await add(1n, 2);
    const { address, key } = kit.members[0]!;
    const first = reportOf(1n, 1n, true);
    const of = (digest: string, by = key) => ({ report: first, reporter: 0, signature: compact(by, digest) });
    for (const wrong of [
      of(kit.reportDigest({ ...first, version: 2n }, address)),
      of(kit.reportDigest({ ...first, sequence: 2n }, address)),
      of(kit.reportDigest({ ...first, actualHash: ZeroHash }, address)),
      of(kit.reportDigest({ ...first, resourceSet: id('other') }, address)),
      of(kit.reportDigest({ ...first, recordId: ZeroHash }, address)),
      of(kit.reportDigest(first, kit.members[1]!.address)),
      of(kit.reportDigest(first, address, { ...kit.reportDomain, chainId: 1n })),
      of(kit.reportDigest(first, address, kit.governorDomain)),
      of(kit.reportDigest(first, address), memberOf(9).key),
      { ...of(ZeroHash), signature: '0x' },
    ]) {
      await expect(submit([wrong]))
        .to.be.revertedWithCustomError(kit.resources, 'SignatureInvalid')
        .withArgs(address);
    }
    const good = of(kit.reportDigest(first, address));
    await submit([{ ...good, signature: Signature.from(good.signature).serialized }]);
    expect((await kit.resources.versionAt(set, 1)).matching).to.equal(1n);
  });
});
