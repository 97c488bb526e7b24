import { expect } from 'chai';
import { type BaseContract, type ContractTransactionResponse, ZeroAddress, ZeroHash } from 'ethers';
import { type Channel, type ChannelKit, channelStatus, createChannelKit } from './support/channelKit.ts';
import { ether, evidenceOf, opened } from './support/openedChannel.ts';

/** What the tests call of support/ChannelDoubles.sol. */
type TestPayee = BaseContract & {
  setMood(mood: number, target: string, data: string): Promise<ContractTransactionResponse>;
  act(to: string, value: bigint, call: string, more?: { value: bigint }): Promise<ContractTransactionResponse>;
  wasAnswered(): Promise<boolean>;
};

/** Places in the enum of the double. */
const payeeMood = { taking: 0, reverting: 1, revertingMuch: 2, burning: 3, calling: 4 };

const closing = { requesterBalance: ether - 9n, verifierBalance: 9n, ...evidenceOf(5) };

describe('EvidenceChannels: payees', () => {
  /** The verifier's account has code, as an account of EIP-7702 does. */
  async function withPayee(differences: Partial<Channel> = {}) {
    const kit = await opened(differences);
    const double = await kit.ethers.deployContract('TestPayee');
    await kit.ethers.provider.send('hardhat_setCode', [
      kit.verifier.address,
      await kit.ethers.provider.getCode(await double.getAddress()),
    ]);
    const payee = (await kit.ethers.getContractAt('TestPayee', kit.verifier.address)) as unknown as TestPayee;
    const become = async (mood: number, target = ZeroAddress, data = '0x') => await payee.setMood(mood, target, data);
    const signatures = await kit.signClose(kit.channel, closing);
    const close = async (more: { gasLimit?: bigint } = {}) =>
      await kit.as(kit.stranger).closeTogether(kit.channel, closing, signatures, more);
    return { ...kit, payee, become, close, signatures };
  }
  const balanceOf = (kit: ChannelKit, account: string): Promise<bigint> => kit.ethers.provider.getBalance(account);

  it('that are contracts are paid', async () => {
    const kit = await withPayee();
    await expect(kit.close()).to.changeEtherBalance(kit.ethers, kit.verifier, 9n);
    expect(await balanceOf(kit, kit.contract)).to.equal(0n);
  });

  it('that refuse, burn gas or answer much hold nobody up, and withdraw later', async () => {
    for (const mood of [payeeMood.reverting, payeeMood.revertingMuch, payeeMood.burning]) {
      const kit = await withPayee();
      const { channels, payee, verifier, requester, contract, stranger, become, close } = kit;
      await become(mood);
      const sent = await close();
      await expect(sent).to.changeEtherBalance(kit.ethers, requester, ether - 9n);
      await expect(sent).to.emit(channels, 'Credited').withArgs(ZeroAddress, verifier.address, 9n);
      // What a payee can burn of somebody else's gas, and a credit beside.
      expect((await sent.wait())!.gasUsed < 62_000n + 50_000n + 26_000n).to.equal(true);
      const withdraw = channels.interface.encodeFunctionData('withdraw', [ZeroAddress, verifier.address]);
      if (mood === payeeMood.reverting) {
        await expect(payee.act(contract, 0n, withdraw)).to.be.revertedWithCustomError(channels, 'TransferFailed');
      }
      const elsewhere = channels.interface.encodeFunctionData('withdraw', [ZeroAddress, stranger.address]);
      await expect(payee.act(contract, 0n, elsewhere)).to.changeEtherBalance(kit.ethers, stranger, 9n);
      expect(await balanceOf(kit, contract)).to.equal(0n);
    }
  });

  it('that come back in find everything done', async () => {
    for (const isWithdrawal of [false, true]) {
      const kit = await withPayee();
      const { channels, channel, channelOf, open, payee, verifier, contract, become, close, signatures } = kit;
      await open(channelOf({ salt: 5n }));
      const data = isWithdrawal
        ? channels.interface.encodeFunctionData('withdraw', [ZeroAddress, verifier.address])
        : channels.interface.encodeFunctionData('closeTogether', [channel, closing, signatures]);
      await become(payeeMood.calling, contract, data);
      await expect(close()).to.changeEtherBalance(kit.ethers, verifier, 9n);
      expect(await payee.wasAnswered()).to.equal(false);
      expect(await balanceOf(kit, contract)).to.equal(ether);
    }
  });

  it('that withdraw while they are paid get their credit of before, and no more', async () => {
    const kit = await withPayee();
    const { channels, channelOf, open, payee, verifier, contract, become, close, as, stranger, signClose } = kit;
    await become(payeeMood.reverting);
    await close();
    const second = channelOf({ salt: 5n });
    await open(second);
    const withdraw = channels.interface.encodeFunctionData('withdraw', [ZeroAddress, verifier.address]);
    await become(payeeMood.calling, contract, withdraw);
    const sent = as(stranger).closeTogether(second, closing, await signClose(second, closing));
    // In the call that pays the credit it is called again, and finds none.
    await expect(sent).to.changeEtherBalance(kit.ethers, verifier, 18n);
    expect(await payee.wasAnswered()).to.equal(true);
    expect(await balanceOf(kit, contract)).to.equal(0n);
  });

  it('cannot be made to fail by too little gas', async () => {
    const kit = await withPayee();
    const { channels, contract, close, verifier, status } = kit;
    const taken: bigint[] = [];
    for (let gasLimit = 60_000n; gasLimit <= 200_000n; gasLimit += 2_000n) {
      const snapshot: unknown = await kit.ethers.provider.send('evm_snapshot', []);
      const sent = await close({ gasLimit }).catch(() => undefined);
      if (sent !== undefined && (await sent.wait())!.status === 1) {
        taken.push(gasLimit);
        expect(await channels.creditOf(ZeroAddress, verifier.address), `${gasLimit}`).to.equal(0n);
        expect(await balanceOf(kit, contract)).to.equal(0n);
      }
      await kit.ethers.provider.send('evm_revert', [snapshot]);
    }
    expect(taken.length).to.be.greaterThan(10);
    expect(taken[0]! > 90_000n).to.equal(true);
    await expect(close({ gasLimit: 100_000n })).to.be.revertedWithCustomError(channels, 'GasMissing');
    expect(await status()).to.equal(channelStatus.open);
    // What a node estimates is enough.
    await close();
  });

  it('that are contracts and open a channel get back what nobody signed for', async () => {
    const kit = await createChannelKit();
    const { channels, channelOf, contract, verifier, settle } = kit;
    const payee = (await kit.ethers.deployContract('TestPayee')) as unknown as TestPayee;
    const channel = channelOf({ requester: await payee.getAddress(), amount: 1_000n });
    const args = [channel.verifier, channel.token, channel.amount, channel.challengeSeconds, channel.salt] as const;
    const data = channels.interface.encodeFunctionData('open', [...args]);
    await payee.act(contract, 1_000n, data, { value: 1_000n });
    const first = { ...closing, version: 0n, locksHash: ZeroHash, verifierBalance: 0n, ...evidenceOf(0) };
    await kit.as(verifier).startClosing(channel, first, '0x');
    await settle(channel, first);
    expect(await balanceOf(kit, channel.requester)).to.equal(1_000n);
  });
});
