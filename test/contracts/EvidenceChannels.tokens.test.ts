import { expect } from 'chai';
import { type BaseContract, type ContractTransactionResponse, MaxUint256, ZeroAddress } from 'ethers';
import { channelStatus, createChannelKit } from './support/channelKit.ts';
import { ether, evidenceOf } from './support/openedChannel.ts';

/** What the tests call of support/ChannelDoubles.sol. */
type TestToken = BaseContract & {
  setMood(mood: number, target: string, data: string): Promise<ContractTransactionResponse>;
  approve(spender: string, amount: bigint): Promise<ContractTransactionResponse>;
  transfer(to: string, amount: bigint): Promise<ContractTransactionResponse>;
  balanceOf(account: string): Promise<bigint>;
};

/** Places in the enum of the double. */
const tokenMood = {
  honest: 0,
  takingFee: 1,
  answeringFalse: 2,
  answeringNothing: 3,
  answeringMuch: 4,
  lying: 5,
  reverting: 6,
  calling: 7,
  burning: 8,
};

const closing = { requesterBalance: ether - 9n, verifierBalance: 9n, ...evidenceOf(5) };

describe('EvidenceChannels: tokens', () => {
  async function withToken() {
    const kit = await createChannelKit();
    const token = (await kit.ethers.deployContract('TestToken', [], kit.requester)) as unknown as TestToken;
    const address = await token.getAddress();
    await token.approve(kit.contract, MaxUint256);
    const channel = kit.channelOf({ token: address });
    const become = async (mood: number, target = ZeroAddress, data = '0x') => await token.setMood(mood, target, data);
    const close = async (of = channel) =>
      await kit.as(kit.stranger).closeTogether(of, closing, await kit.signClose(of, closing));
    const balances = async () =>
      await Promise.all([kit.contract, kit.requester.address, kit.verifier.address].map((one) => token.balanceOf(one)));
    return { ...kit, token, address, channel, become, close, balances };
  }

  it('come in and go out as coins do, also those that answer nothing, or much', async () => {
    for (const mood of [tokenMood.honest, tokenMood.answeringNothing, tokenMood.answeringMuch]) {
      const { channel, channels, open, token, contract, verifier, become, close } = await withToken();
      await become(mood);
      await open(channel);
      expect(await token.balanceOf(contract)).to.equal(ether);
      await channels.deposit(channel, 5n, ether);
      expect(await channels.heldOf(channel)).to.equal(ether + 5n);
      await close();
      expect(await token.balanceOf(contract)).to.equal(0n);
      expect(await token.balanceOf(verifier.address)).to.equal(9n);
    }
  });

  it('that do not bring the amount open no channel, and add to none', async () => {
    const { channel, channels, open, become, channelOf, as, requester, stranger, token, contract } = await withToken();
    await open(channel);
    for (const [mood, error] of [
      [tokenMood.takingFee, 'ReceivedMismatch'],
      [tokenMood.lying, 'ReceivedMismatch'],
      [tokenMood.answeringFalse, 'TransferFailed'],
      [tokenMood.reverting, 'TransferFailed'],
    ] as const) {
      await become(mood);
      await expect(open(channelOf({ token: channel.token, salt: 1n })), error).to.be.revertedWithCustomError(
        channels,
        error,
      );
      await expect(as(requester).deposit(channel, 1_000n, ether)).to.be.revertedWithCustomError(channels, error);
    }
    await become(tokenMood.honest);
    expect(await channels.heldOf(channel)).to.equal(ether);
    expect(await token.balanceOf(contract)).to.equal(ether);
    // Neither without an allowance, nor with coins beside the token, nor where there is no contract.
    await expect(as(stranger).deposit(channel, 1n, ether)).to.be.revertedWithCustomError(channels, 'TransferFailed');
    await expect(as(requester).deposit(channel, 1n, ether, { value: 1n }))
      .to.be.revertedWithCustomError(channels, 'ReceivedMismatch')
      .withArgs(1n, 0n);
    await expect(open(channelOf({ token: stranger.address })))
      .to.be.revertedWithCustomError(channels, 'TransferFailed')
      .withArgs(stranger.address, ether);
  });

  it('that are not moved at the end become credits, which are withdrawn to wherever one likes', async () => {
    for (const mood of [tokenMood.reverting, tokenMood.answeringFalse, tokenMood.burning]) {
      const kit = await withToken();
      const { channels, channel, address, open, become, close, token, as, requester, verifier, stranger } = kit;
      await open(channel);
      await become(mood);
      const sent = close();
      await expect(sent).to.emit(channels, 'Credited').withArgs(address, verifier.address, 9n);
      await expect(sent)
        .to.emit(channels, 'Credited')
        .withArgs(address, requester.address, ether - 9n);
      expect((await kit.channels.statusOf(await channels.channelIdOf(channel))).status).to.equal(channelStatus.settled);
      expect(await channels.creditOf(address, verifier.address)).to.equal(9n);
      if (mood !== tokenMood.burning) {
        await expect(as(verifier).withdraw(address, verifier.address))
          .to.be.revertedWithCustomError(channels, 'TransferFailed')
          .withArgs(address, 9n);
      }
      await become(tokenMood.honest);
      await expect(as(stranger).withdraw(address, stranger.address))
        .to.be.revertedWithCustomError(channels, 'CreditEmpty')
        .withArgs(address, stranger.address);
      await expect(as(verifier).withdraw(address, stranger.address))
        .to.emit(channels, 'Withdrawn')
        .withArgs(address, verifier.address, stranger.address, 9n);
      expect(await token.balanceOf(stranger.address)).to.equal(9n);
      await expect(as(verifier).withdraw(address, verifier.address)).to.be.revertedWithCustomError(
        channels,
        'CreditEmpty',
      );
      await as(requester).withdraw(address, requester.address);
      expect(await token.balanceOf(kit.contract)).to.equal(0n);
    }
  });

  it('that come back in while they are taken count once', async () => {
    const kit = await withToken();
    const { channel, channels, channelOf, open, become, balances, address, token, contract } = kit;
    const other = channelOf({ token: address, salt: 1n });
    await open(other);
    // The token itself pays into the other channel while it is taken for this one: it has the means, and is refused.
    await token.transfer(address, 100n);
    const inner = channels.interface.encodeFunctionData('deposit', [other, 100n, ether]);
    await become(tokenMood.calling, contract, inner);
    await open(channel);
    expect(await channels.heldOf(channel)).to.equal(ether);
    expect(await channels.heldOf(other)).to.equal(ether);
    expect((await balances())[0]).to.equal(2n * ether);
  });

  it('that close the channel while they are taken for it get nothing out of it', async () => {
    const kit = await withToken();
    const { channel, channels, channelOf, open, become, signClose, balances, address, contract } = kit;
    await open(channelOf({ token: address, salt: 1n }));
    const before = await balances();
    const signatures = await signClose(channel, closing);
    const close = channels.interface.encodeFunctionData('closeTogether', [channel, closing, signatures]);
    await become(tokenMood.calling, contract, close);
    await expect(open(channel)).to.be.revertedWithCustomError(channels, 'ReceivedMismatch');
    expect(await balances()).to.deep.equal(before);
  });

  it('that withdraw again while a credit is withdrawn get nothing more', async () => {
    const kit = await withToken();
    const { channel, channels, channelOf, open, become, close, balances, address, contract, as, verifier } = kit;
    await open(channelOf({ token: address, salt: 1n }));
    await open(channel);
    await become(tokenMood.reverting);
    await close();
    await become(
      tokenMood.calling,
      contract,
      channels.interface.encodeFunctionData('withdraw', [address, verifier.address]),
    );
    await as(verifier).withdraw(address, verifier.address);
    expect(await balances().then((all) => [all[0], all[2]])).to.deep.equal([2n * ether - 9n, 9n]);
  });
});
