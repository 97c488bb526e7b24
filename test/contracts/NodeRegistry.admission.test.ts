import { expect } from 'chai';
import { concat, id } from 'ethers';
import type { NodeRegistry } from '../../types/ethers-contracts/index.ts';
import { applicationName, applicationOf, attestationDigest, attestedBy, strictRules } from './support/admissionKit.ts';
import { admissionSetting, published, refused, status } from './support/admissionSetting.ts';
import { compact, type Member, memberOf } from './support/anchorKit.ts';
import { fieldsOf } from './support/governorKit.ts';

describe('NodeRegistry admission', () => {
  it('goes from an attested application over its publication to the vote', async () => {
    const setting = await admissionSetting();
    const { registry, governed, entry, expiry, make, name, domain } = setting;
    const application = make();
    expect(await registry.hashApplication(entry.account, application)).to.deep.equal([
      attestationDigest(domain, entry, application),
      name(application),
    ]);
    await expect(setting.apply(application)).to.emit(registry, 'Applied').withArgs(entry.account, name(application));
    const applied = await registry.node(entry.account);
    expect(applied.status).to.equal(status.candidate);
    expect(applied.application).to.equal(name(application));
    expect(applied.appliedAt).to.equal(await setting.now());
    expect(applied.name).to.equal('');
    // Applications alone are on no list, however many there are.
    expect(await registry.nodeCount()).to.equal(4n);
    await refused(setting, governed.admit(entry.account, name(application)), 'ApplicationUnpublished', [
      entry.account,
      name(application),
    ]);
    await expect(registry.publish(entry, application))
      .to.emit(registry, 'NodeEnrolled')
      .withArgs(entry.account, entry.name, entry.endpoint, entry.encryptionKey, entry.noteKey)
      .and.to.emit(registry, 'ApplicationPublished')
      .withArgs(entry.account, name(application), application.profileDigest, 700n, expiry);
    await registry.publish(entry, application);
    const [last] = (await registry.nodes(4, 9)).infos;
    expect(last).to.deep.equal(await registry.node(entry.account));
    const { account: _, ...info } = entry;
    expect(fieldsOf(last)).to.deep.include({
      ...info,
      status: status.candidate,
      published: name(application),
      expiry,
      score: 700n,
      profileDigest: application.profileDigest,
    });
    expect((await registry.committee()).members).to.have.length(4);
    await expect(governed.admit(entry.account, name(application)))
      .to.emit(registry, 'NodeActivated')
      .withArgs(entry.account);
    const { epoch, members } = await registry.committee();
    expect([epoch, members[4]]).to.deep.equal([2n, entry.account]);
    expect((await registry.node(entry.account)).activeSince).to.equal(2n);
    expect(await registry.nodeCount()).to.equal(5n);
  });

  describe('refuses an application', () => {
    it('while the rules ask for no attestation', async () => {
      const setting = await admissionSetting({ ...strictRules, attestations: 0n });
      await refused(setting, setting.apply(setting.make()), 'ApplicationsClosed', []);
    });

    it('that is expired, for another manifest, or not good enough', async () => {
      const setting = await admissionSetting();
      const time = (await setting.now()) + 10n;
      await setting.setTime(time);
      await refused(setting, setting.apply(setting.make({ expiry: time - 1n })), 'AttestationExpired', [
        time,
        time - 1n,
      ]);
      const manifestHash = id('other');
      await refused(setting, setting.apply(setting.make({ manifestHash })), 'ManifestMismatch', [
        manifestHash,
        strictRules.manifestHash,
      ]);
      await refused(setting, setting.apply(setting.make({ score: 499n })), 'ScoreTooLow', [499n, 500n]);
      const last = setting.make({ score: 500n, expiry: time + 20n });
      await setting.setTime(time + 20n);
      await setting.apply(last);
    });

    it('by an active, suspended or banned node', async () => {
      const setting = await admissionSetting();
      const { governed, entry, make, apply } = setting;
      const admitted = await published(setting);
      await governed.admit(entry.account, setting.name(admitted));
      const again = async () => apply(make({ nonce: await setting.appliedAt() }));
      const expected = (from: keyof typeof status) => [entry.account, status[from], status.candidate];
      await refused(setting, again(), 'TransitionRefused', expected('active'));
      await governed.suspend(entry.account);
      await refused(setting, again(), 'TransitionRefused', expected('suspended'));
      await governed.ban(entry.account);
      await refused(setting, again(), 'TransitionRefused', expected('banned'));
      await governed.unban(entry.account);
      await setting.wait(3_600n);
      await again();
    });

    it('whose attestation was used, or was made for another one than the next', async () => {
      const setting = await admissionSetting();
      const first = setting.make();
      await refused(setting, setting.apply(setting.make({ nonce: 1n })), 'NonceMismatch', [1n, 0n]);
      await setting.apply(first);
      const appliedAt = await setting.appliedAt();
      await setting.wait(3_600n);
      await refused(setting, setting.apply(first), 'NonceMismatch', [0n, appliedAt]);
      await setting.apply(setting.make({ nonce: appliedAt }));
      expect(await setting.appliedAt()).to.not.equal(appliedAt);
    });

    it('a short time after the last one', async () => {
      const setting = await admissionSetting();
      await setting.apply(setting.make());
      const appliedAt = await setting.appliedAt();
      const next = setting.make({ nonce: appliedAt });
      await setting.setTime(appliedAt + 3_599n);
      await refused(setting, setting.apply(next), 'ApplicationEarly', [appliedAt + 3_599n, appliedAt + 3_600n]);
      await setting.setTime(appliedAt + 3_600n);
      await setting.apply(next);
    });

    it('of another account, chain or registry, or changed afterwards', async () => {
      const setting = await admissionSetting();
      const { make, sign, apply, members, registry, entry, contract } = setting;
      const application = make();
      const mine = sign(application);
      const strange = registry.connect(setting.other!) as unknown as NodeRegistry;
      await refused(setting, strange.applyFor(application, mine), 'AttesterRefused');
      const attesters = members.slice(0, 2);
      for (const changes of [{ chainId: 1n }, { verifyingContract: contract }]) {
        const signatures = sign(application, attesters, { ...setting.domain, ...changes });
        await refused(setting, apply(application, signatures), 'AttesterRefused');
      }
      for (const changes of [
        { profileDigest: id('other') },
        { score: 701n },
        { expiry: setting.expiry + 1n },
        applicationOf({ ...entry, endpoint: 'https://other.example' }, { expiry: setting.expiry }),
      ]) {
        // Signed by nobody it knows; in which order the recovered addresses come, chance decides.
        const attempt = apply(make(changes), mine.slice(0, 130) + mine.slice(2, 130));
        await expect(attempt).to.be.revertedWithCustomError(registry, 'AttesterRefused');
      }
    });

    it('with too few attestations, one twice, by strangers, or by who is an authenticator no more', async () => {
      const setting = await admissionSetting();
      const { make, sign, apply, members, governed } = setting;
      const application = make();
      const [first, second, third, fourth] = members as [Member, Member, Member, Member];
      await refused(setting, apply(application, '0x'), 'AttestationsMissed', [0n, 2n]);
      await refused(setting, apply(application, sign(application, [first])), 'AttestationsMissed', [1n, 2n]);
      await refused(setting, apply(application, `${sign(application)}00`), 'SignatureLength', [129n, 128n]);
      const one = sign(application, [first]);
      await refused(setting, apply(application, concat([one, one])), 'AttesterOrder', [first.address, first.address]);
      const sorted = sign(application);
      const turned = `0x${sorted.slice(130)}${sorted.slice(2, 130)}`;
      await refused(setting, apply(application, turned), 'AttesterOrder');
      await refused(setting, apply(application, sign(application, [first, fourth])), 'AttesterRefused', [
        fourth.address,
      ]);
      await refused(setting, apply(application, sign(application, [first, memberOf(50)])), 'AttesterRefused', [
        memberOf(50).address,
      ]);
      // One more than needed must be one as well.
      const withStranger = sign(application, [first, second, fourth]);
      await refused(setting, apply(application, withStranger), 'AttesterRefused', [fourth.address]);
      for (const act of [
        () => governed.setAuthenticator(second.address, false),
        () => governed.suspend(second.address),
        () => governed.remove(second.address),
      ]) {
        await governed.setAuthenticator(second.address, true);
        await act();
        await refused(setting, apply(application), 'AttesterRefused', [second.address]);
        if ((await setting.registry.node(second.address)).status === status.suspended) {
          await governed.activate(second.address);
        }
      }
      await apply(application, sign(application, [first, third]));
    });

    it('with a signature of nobody, or in the upper half', async () => {
      const setting = await admissionSetting({ ...strictRules, attestations: 1n });
      const application = setting.make();
      const digest = attestationDigest(setting.domain, setting.entry, application);
      // Few values of the upper half fit the 255 bits: this is the least.
      const high = '0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1';
      await refused(setting, setting.apply(application, concat([id('r'), high])), 'SignatureMalleable', [high]);
      const nobody = concat([`0x${'ff'.repeat(32)}`, `0x${'01'.padStart(64, '0')}`]);
      await refused(setting, setting.apply(application, nobody), 'SignatureInvalid', [digest]);
      await setting.apply(application, compact(setting.members[0]!.key, digest));
    });
  });

  it('publishes just what was applied with', async () => {
    const setting = await admissionSetting();
    const { registry, entry, make, name } = setting;
    const application = make();
    await refused(setting, registry.publish(entry, application), 'TransitionRefused', [
      entry.account,
      status.none,
      status.candidate,
    ]);
    await setting.apply(application);
    const named = { ...entry, name: 'Another' };
    const other = applicationOf(named, { expiry: setting.expiry });
    await refused(setting, registry.publish(named, application), 'EntryMismatch', [
      other.entryHash,
      application.entryHash,
    ]);
    await refused(setting, registry.publish(named, other), 'ApplicationMismatch', [
      entry.account,
      applicationName(named, other),
      name(application),
    ]);
    await refused(setting, registry.publish(entry, make({ score: 701n })), 'ApplicationMismatch');
    const long = { ...entry, endpoint: 'e'.repeat(257) };
    const wordy = applicationOf(long, { expiry: setting.expiry, nonce: await setting.appliedAt() });
    await setting.wait(3_600n);
    const signatures = attestedBy(setting.members.slice(0, 2), attestationDigest(setting.domain, long, wordy));
    await setting.apply(wordy, signatures);
    await refused(setting, registry.publish(long, wordy), 'TextTooLong', [257n, 256n]);
    // The one that it replaced is no more.
    await refused(setting, registry.publish(entry, application), 'ApplicationMismatch');
  });

  it('admits the last application only, in time, and no candidate without one', async () => {
    const setting = await admissionSetting();
    const { registry, governed, entry, name } = setting;
    const none = `0x${'00'.repeat(20)}`;
    const stranger = [entry.account, status.none, status.active];
    await refused(setting, governed.admit(entry.account, none), 'TransitionRefused', stranger);
    await governed.enroll(entry);
    await refused(setting, governed.admit(entry.account, none), 'ApplicationMismatch', [entry.account, none, none]);
    await refused(setting, governed.activate(entry.account), 'AttestationRequired', [entry.account, 2n]);
    const first = await published(setting);
    await setting.wait(3_600n);
    const second = setting.make({ nonce: await setting.appliedAt() });
    await setting.apply(second);
    await refused(setting, governed.admit(entry.account, name(first)), 'ApplicationMismatch', [
      entry.account,
      name(first),
      name(second),
    ]);
    await refused(setting, governed.admit(entry.account, name(second)), 'ApplicationUnpublished');
    await registry.publish(entry, second);
    await refused(setting, registry.admit(entry.account, name(second)), 'NotGovernor');
    await setting.setTime(setting.expiry + 1n);
    await refused(setting, governed.admit(entry.account, name(second)), 'AttestationExpired', [
      setting.expiry + 1n,
      setting.expiry,
    ]);
    const third = await published(setting, { nonce: await setting.appliedAt(), expiry: setting.expiry + 100n });
    await setting.setTime(setting.expiry + 100n);
    await governed.admit(entry.account, name(third));
    await refused(setting, governed.admit(entry.account, name(third)), 'TransitionRefused', [
      entry.account,
      status.active,
      status.active,
    ]);
  });

  it('takes an application back with a removal or a ban', async () => {
    const setting = await admissionSetting();
    const { registry, governed, entry, name } = setting;
    const application = await published(setting);
    await governed.remove(entry.account);
    await refused(setting, governed.admit(entry.account, name(application)), 'TransitionRefused');
    const { application: kept, appliedAt } = await registry.node(entry.account);
    expect([kept, appliedAt === 0n]).to.deep.equal([`0x${'00'.repeat(20)}`, false]);
    await refused(setting, setting.apply(application), 'NonceMismatch');
  });

  describe('rules', () => {
    it('are set by the governor', async () => {
      const { registry, governed, governor } = await admissionSetting();
      await expect(registry.setAdmissionRules(strictRules))
        .to.be.revertedWithCustomError(registry, 'NotGovernor')
        .withArgs((await registry.deployer()).toString(), governor!.address);
      const changed = { ...strictRules, attestations: 1n, minReadMiBPerSecond: 7n };
      await expect(governed.setAdmissionRules(changed)).to.emit(registry, 'AdmissionRulesSet');
      expect(fieldsOf(await registry.admissionRules())).to.deep.equal(changed);
      await expect(governed.setAdmissionRules({ ...changed, reapplySeconds: 0n })).to.be.revertedWithCustomError(
        registry,
        'ReapplyZero',
      );
    });

    it('without attestations leave it to the vote alone', async () => {
      const setting = await admissionSetting({ ...strictRules, attestations: 0n });
      await setting.governed.enroll(setting.entry);
      await setting.governed.activate(setting.entry.account);
      expect(await setting.registry.isActive(setting.entry.account)).to.equal(true);
    });

    it('without attestations make no member of who has applied under others, but has published nothing', async () => {
      const setting = await admissionSetting();
      const { registry, governed, entry } = setting;
      const application = setting.make();
      await setting.apply(application);
      await governed.setAdmissionRules({ ...strictRules, attestations: 0n });
      const values = [entry.account, setting.name(application)];
      await refused(setting, governed.activate(entry.account), 'ApplicationUnpublished', values);
      await registry.publish(entry, application);
      await governed.activate(entry.account);
      const { accounts } = await registry.nodes(0, 99);
      expect(accounts).to.include(entry.account);
    });
  });
});
