import { expect } from 'chai';
import { Interface } from 'ethers';
import type { Address, Hex } from '../../../../../services/core/bytes.ts';
import { sendAsDeployer } from '../../../../support/chains.ts';
import { deployToken, payeeCode, payeeMoods, setMood, tokenMoods } from '../../../../support/channels.ts';
import { expectCode } from '../../../../support/expectCode.ts';
import { coin } from '../../../chain/channels/channelKit.ts';
import {
  deposit,
  digestOf,
  type EndingsKit,
  endingsKit,
  endOf,
  expectProof,
  preserveAll,
  price,
  type VerifierProcess,
} from './endingsKit.ts';

const calls = new Interface([
  'function withdraw(address token, address to)',
  'function deposit((address requester,address verifier,address token,uint128 amount,uint32 challengeSeconds,uint64 salt) channel, uint256 amount, uint256 expectedHeld)',
  'function act(address to, uint256 value, bytes call)',
  'function balanceOf(address account) view returns (uint256)',
]);

describe('endings with payees and tokens that misbehave', () => {
  let kit: EndingsKit;
  let verifier: VerifierProcess;
  let token: Address;
  let made = 0;
  before(async () => {
    kit = await endingsKit();
    token = await deployToken(kit.rpcUrl, kit.chain.requester.account!, 100n * deposit);
    verifier = await kit.verifier(1, 'verifier', { tokens: [coin, token] });
  });
  after(() => kit?.[Symbol.asyncDispose]());

  /** Two contents are preserved; ends together. */
  async function exchanged(inToken: Address, beforeTheEnd: () => Promise<void>) {
    const channel = await kit.open(1, inToken);
    const channelId = kit.idOf(channel);
    const side = await kit.requester(channel, `requester ${++made}`, verifier.desk);
    const names = [`first ${made}`, `second ${made}`];
    await preserveAll(verifier, channelId, side, names);
    await beforeTheEnd();
    void side.requester.closeTogether().catch(() => undefined);
    expect(await endOf(kit, channelId)).to.deep.equal({ paid: 2n * price, count: 2 });
    for (const name of names) await expectProof(kit, await side.receipt(digestOf(name)), name);
    await side.stop();
    return channel;
  }
  const balanceOf = async (account: Address): Promise<bigint> => {
    const data = calls.encodeFunctionData('balanceOf', [account]);
    return BigInt((await kit.chain.rpc('eth_call', [{ to: token, data }, 'latest'])) as string);
  };

  for (const mood of ['reverting', 'revertingMuch', 'burning'] as const) {
    it(`a verifier that is a contract, and is ${mood} when it is paid, holds nobody up and has a credit`, async () => {
      const { requester, stranger } = kit.chain;
      const payee = kit.chain.verifier.account!;
      const code = await payeeCode();
      const coinsOf = async (account: Address): Promise<bigint> =>
        BigInt((await kit.chain.rpc('eth_getBalance', [account, 'latest'])) as string);
      const had = await stranger.credit(coin, payee);
      await exchanged(coin, async () => {
        await kit.chain.rpc('anvil_setCode', [payee, code]);
        await setMood(kit.rpcUrl, payee, payeeMoods[mood]);
      });
      expect(await stranger.credit(coin, payee)).to.equal(had + 2n * price);
      // It is not stuck: the payee takes it to wherever it likes.
      const elsewhere = `0x${'e1'.repeat(19)}${made.toString(16).padStart(2, '0')}` as Address;
      const { contract } = requester.network;
      const withdraw = calls.encodeFunctionData('withdraw', [coin, elsewhere]);
      const data = calls.encodeFunctionData('act', [contract, 0n, withdraw]) as Hex;
      await sendAsDeployer(kit.rpcUrl, 'withdrawal', { to: payee, data });
      expect(await coinsOf(elsewhere)).to.equal(had + 2n * price);
      expect(await stranger.credit(coin, payee)).to.equal(0n);
      await kit.chain.rpc('anvil_setCode', [payee, '0x']);
    });
  }

  it('a token that takes a fee, lies, or answers false opens no channel', async () => {
    const had = await balanceOf(kit.chain.requester.account!);
    for (const mood of ['takingFee', 'lying', 'answeringFalse', 'reverting'] as const) {
      await setMood(kit.rpcUrl, token, tokenMoods[mood]);
      await expectCode('channel-invalid', kit.open(1, token));
    }
    await setMood(kit.rpcUrl, token, tokenMoods.honest);
    expect(await balanceOf(kit.chain.requester.account!)).to.equal(had);
  });

  for (const mood of ['answeringFalse', 'reverting', 'burning'] as const) {
    it(`a token that is ${mood} at the end leaves credits, which are paid when it moves again`, async () => {
      const { requester, verifier: payee, stranger } = kit.chain;
      const had = await balanceOf(payee.account!);
      await exchanged(token, () => setMood(kit.rpcUrl, token, tokenMoods[mood]));
      expect(await stranger.credit(token, payee.account!)).to.equal(2n * price);
      expect(await stranger.credit(token, requester.account!)).to.equal(deposit - 2n * price);
      await setMood(kit.rpcUrl, token, tokenMoods.honest);
      await payee.withdraw(token, payee.account!);
      await requester.withdraw(token, requester.account!);
      expect(await balanceOf(payee.account!)).to.equal(had + 2n * price);
      expect(await balanceOf(requester.network.contract)).to.equal(0n);
    });
  }

  it('a token that re-enters while it is moved takes nothing out of other channels', async () => {
    const { requester, verifier: payee } = kit.chain;
    const { contract } = requester.network;
    const other = await kit.open(1, token);
    const had = await balanceOf(payee.account!);
    await exchanged(token, () =>
      setMood(kit.rpcUrl, token, tokenMoods.calling, {
        target: contract,
        data: calls.encodeFunctionData('deposit', [other, 1n, deposit]) as Hex,
      }),
    );
    await setMood(kit.rpcUrl, token, tokenMoods.honest);
    expect(await balanceOf(payee.account!)).to.equal(had + 2n * price);
    expect(await balanceOf(contract)).to.equal(deposit);
    expect(await requester.held(other)).to.equal(deposit);
  });
});
