import { expect } from 'chai';
import { ZeroAddress } from 'ethers';
import { admissionSetting, refused, status } from './support/admissionSetting.ts';
import { memberOf } from './support/anchorKit.ts';

describe('NodeRegistry bans and new keys', () => {
  describe('ban', () => {
    it('keeps out whoever it is, until it is taken back', async () => {
      const setting = await admissionSetting();
      const { registry, governed, entry, members, other } = setting;
      const [first] = members;
      await expect(governed.ban(other!.address)).to.emit(registry, 'NodeBanned').withArgs(other!.address);
      await refused(setting, governed.ban(other!.address), 'TransitionRefused', [
        other!.address,
        status.banned,
        status.banned,
      ]);
      await refused(setting, governed.ban(ZeroAddress), 'AccountZero', []);
      await governed.ban(first!.address);
      expect((await registry.committee()).members).to.deep.equal(members.slice(1).map(({ address }) => address));
      expect(await registry.isAuthenticator(first!.address)).to.equal(false);
      const banned = { ...entry, account: first!.address };
      await refused(setting, governed.enroll(banned), 'TransitionRefused');
      await refused(setting, governed.activate(first!.address), 'TransitionRefused');
      await refused(setting, governed.remove(first!.address), 'TransitionRefused');
      await refused(setting, governed.update(banned), 'NodeUnknown');
      await refused(setting, governed.unban(members[1]!.address), 'TransitionRefused', [
        members[1]!.address,
        status.active,
        status.removed,
      ]);
      await expect(governed.unban(first!.address)).to.emit(registry, 'NodeUnbanned').withArgs(first!.address);
      expect((await registry.node(first!.address)).status).to.equal(status.removed);
      for (const attempt of [registry.ban(first!.address), registry.unban(first!.address)]) {
        await refused(setting, attempt, 'NotGovernor');
      }
    });

    it('never takes the last active node', async () => {
      const setting = await admissionSetting();
      const [first, ...others] = setting.members;
      for (const { address } of others) await setting.governed.ban(address);
      await refused(setting, setting.governed.ban(first!.address), 'LastActiveNode', [first!.address]);
      expect([...(await setting.registry.getValidators())]).to.deep.equal([first!.address]);
    });
  });

  describe('key rotation', () => {
    it('puts the new account into the place of the old one, with its rights', async () => {
      const setting = await admissionSetting();
      const { registry, governed, entry, members } = setting;
      const old = members[1]!.address;
      await expect(governed.rotate(old, entry))
        .to.emit(registry, 'NodeRotated')
        .withArgs(old, entry.account)
        .and.to.emit(registry, 'NodeRemoved')
        .withArgs(old);
      const { epoch, members: current } = await registry.committee();
      const expected = members.map(({ address }) => (address === old ? entry.account : address));
      expect([epoch, [...current]]).to.deep.equal([2n, expected]);
      const fresh = await registry.node(entry.account);
      expect([fresh.status, fresh.activeSince, fresh.name]).to.deep.equal([status.active, 2n, entry.name]);
      expect(await registry.isAuthenticator(entry.account)).to.equal(true);
      expect((await registry.node(old)).status).to.equal(status.removed);
      expect(await registry.isAuthenticator(old)).to.equal(false);
      expect([...(await registry.committeeAt(1))]).to.deep.equal(members.map(({ address }) => address));
    });

    it('is for active nodes, and to an account that is none yet', async () => {
      const setting = await admissionSetting();
      const { registry, governed, entry, members } = setting;
      const [first, second] = members.map(({ address }) => address) as [string, string];
      const to = (account: string) => ({ ...entry, account });
      await refused(setting, registry.rotate(first, entry), 'NotGovernor');
      await refused(setting, governed.rotate(first, to(ZeroAddress)), 'AccountZero', []);
      for (const account of [first, second]) {
        const values = [account, status.active, status.active];
        await refused(setting, governed.rotate(first, to(account)), 'TransitionRefused', values);
      }
      await governed.suspend(first);
      const values = [first, status.suspended, status.removed];
      await refused(setting, governed.rotate(first, entry), 'TransitionRefused', values);
      await governed.ban(entry.account);
      await refused(setting, governed.rotate(second, entry), 'TransitionRefused', [
        entry.account,
        status.banned,
        status.active,
      ]);
      await refused(
        setting,
        governed.rotate(second, { ...to(memberOf(40).address), name: 'n'.repeat(65) }),
        'TextTooLong',
      );
    });
  });
});
