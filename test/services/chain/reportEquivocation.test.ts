import { expect } from 'chai';
import { Interface } from 'ethers';
import type { Chain } from '../../../services/chain/Chain.ts';
import { type BlockHeader, blockDigest, zeroHash } from '../../../services/core/block.ts';
import { type Address, fromHex, type Hash, toHex } from '../../../services/core/bytes.ts';
import type { SignedHeader } from '../../../services/core/equivocation.ts';
import { NotariumError } from '../../../services/core/errors.ts';
import { compactSignature } from '../../../services/core/signature.ts';
import { localSigner } from '../../../services/lib/localSigner.ts';
import { anvilControl } from '../../support/anvil.ts';
import { type ChainKind, devAddress, devKey, type RunningChain, startChain } from '../../support/chains.ts';
import { expectCode } from '../../support/expectCode.ts';
import { rpcProxy } from '../../support/rpcProxy.ts';
import { sharedHardhat } from '../../support/sharedHardhat.ts';
import { until } from '../../support/until.ts';
import { anchored, type ChainKit, chainKit, crypto, sent } from './chainKit.ts';

/** Two blocks of one slot under the signature of development account `member`. */
async function rivals(
  kit: ChainKit,
  member = 2,
  change: Partial<BlockHeader> = {},
): Promise<[SignedHeader, SignedHeader]> {
  const { network } = kit.chain.info;
  const first: BlockHeader = {
    height: 1,
    slot: 1000,
    treeSize: 3,
    root: `0x${'12'.repeat(32)}` as Hash,
    parent: zeroHash,
    epoch: 1,
    publisher: devAddress(0),
    ...change,
  };
  const signer = localSigner(devKey(member), crypto);
  const signed = async (header: BlockHeader): Promise<SignedHeader> => ({
    header,
    signature: toHex(await signer.sign(blockDigest(network, header))),
  });
  return [await signed(first), await signed({ ...first, treeSize: first.treeSize + 1 })];
}

const statusOf = async (chain: Chain, member: number): Promise<string | undefined> =>
  (await chain.nodes()).find(({ address }) => address === devAddress(member))?.status;

for (const kind of ['anvil', 'hardhat'] satisfies ChainKind[]) {
  describe(`reportEquivocation on ${kind}`, () => {
    let running: RunningChain;
    let kit: ChainKit;
    before(async () => {
      running = kind === 'hardhat' ? await sharedHardhat() : await startChain({ kind });
    });
    after(() => kind === 'anvil' && running.stop());
    beforeEach(async () => {
      kit = await chainKit(running.rpcUrl);
    });
    afterEach(() => kit.chain.close());

    it('suspends the culprit, once', async () => {
      const { chain } = kit;
      const [first, second] = await rivals(kit);
      expect(await chain.reportEquivocation(first, second)).to.equal('reported');
      expect(await statusOf(chain, 2)).to.equal('suspended');
      expect(await chain.committee()).to.deep.equal({ epoch: 2, members: [0, 1, 3].map(devAddress) });
      const balance = await chain.balance();
      expect(await chain.reportEquivocation(second, first)).to.equal('already');
      expect(await chain.balance()).to.equal(balance);
    });

    it('takes 64-byte signatures', async () => {
      const [first, { header, signature }] = await rivals(kit, 0);
      const second = { header, signature: toHex(compactSignature(fromHex(signature))) };
      expect(await kit.chain.reportEquivocation(first, second)).to.equal('reported');
      expect(await statusOf(kit.chain, 0)).to.equal('suspended');
    });

    it('sends nothing that proves nothing', async () => {
      const { chain } = kit;
      const [first, second] = await rivals(kit);
      const [other] = await rivals(kit, 1, { treeSize: 9 });
      const balance = await chain.balance();
      await expectCode('block-no-equivocation', chain.reportEquivocation(first, first));
      await expectCode('block-no-equivocation', chain.reportEquivocation(first, other));
      await expectCode(
        'signature-mismatch',
        chain.reportEquivocation(first, { ...second, signature: `0x${'00'.repeat(64)}` }),
      );
      expect(await chain.balance()).to.equal(balance);
    });

    it('says what the registry refuses', async () => {
      const { chain } = kit;
      const rejected = async (pair: [SignedHeader, SignedHeader]): Promise<unknown> =>
        (await expectCode('chain-report-rejected', chain.reportEquivocation(...pair))).data;
      expect(await rejected(await rivals(kit, 6))).to.deep.equal({
        error: 'TransitionRefused',
        args: { account: devAddress(6), have: 0, want: 3 },
      });
      for (const member of [0, 1, 2]) await chain.reportEquivocation(...(await rivals(kit, member)));
      expect(await rejected(await rivals(kit, 3))).to.deep.equal({
        error: 'LastActiveNode',
        args: { account: devAddress(3) },
      });
    });

    it('needs a signer', async () => {
      const chain = await kit.openReader();
      await expectCode('key-missing', chain.reportEquivocation(...(await rivals(kit))));
    });
  });
}

describe('reportEquivocation beside anchors', () => {
  let running: RunningChain;
  let kit: ChainKit;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
  });
  after(() => running.stop());
  beforeEach(async () => {
    kit = await chainKit(running.rpcUrl, { replaceCallAfterMs: 600 });
    await kit.rpc('evm_setAutomine', [false]);
  });
  afterEach(async () => {
    kit.chain.close();
    await kit.rpc('evm_setAutomine', [true]);
    await kit.rpc('evm_mine', []);
  });

  const pending = async (): Promise<number> => (await anvilControl(running.rpcUrl).pending()).length;
  /** The report waits in the pool. */
  const pooled = (count: number) => until(`${count} wait`, async () => (await pending()) === count);

  it('gives each its nonce, whichever comes first', async () => {
    const { chain, log, rpc } = kit;
    const block = await log.seal();
    const before = sent(await chain.submitAnchor(block));
    const report = chain.reportEquivocation(...(await rivals(kit)));
    await pooled(2);
    // The anchor is known still: asking again sends nothing.
    expect(sent(await chain.submitAnchor(block))).to.deep.equal(before);
    expect(await pending()).to.equal(2);
    // Its place can be taken, and the report keeps its own.
    const raised = sent(await chain.replaceAnchor(before, block));
    expect(raised.nonce).to.equal(before.nonce);
    const other = await kit.open({ signer: localSigner(devKey(7), crypto) });
    log.rewind(0);
    const rival = await log.seal({ slot: block.header.slot + 4 });
    expect(sent(await other.submitAnchor(rival)).nonce).to.not.equal(raised.nonce + 1);
    const next = sent(await chain.submitAnchor(rival));
    expect(next.nonce).to.equal(before.nonce + 2);
    await rpc('evm_mine', []);
    expect(await report).to.equal('reported');
    expect(await chain.blockHash(1)).to.equal(block.hash);
    expect((await chain.transactionStatus(next.hash)).status).to.equal('mined');
    expect(await chain.pendingCount()).to.equal(0);
  });

  it('lets many of both through at once', async () => {
    const { chain, log, rpc } = kit;
    const block = await log.seal();
    // It waits first: with the committee that a report leaves behind, the contract would rightly refuse it.
    const anchor = sent(await chain.submitAnchor(block));
    const reports = [await rivals(kit, 1), await rivals(kit, 2), await rivals(kit, 2, { treeSize: 50 })].map((pair) =>
      chain.reportEquivocation(...pair),
    );
    await rpc('evm_setAutomine', [true]);
    await rpc('evm_mine', []);
    const outcomes = await Promise.all(reports);
    expect(anchor.nonce).to.be.a('number');
    expect(outcomes[0]).to.equal('reported');
    expect(outcomes.slice(1)).to.include('reported');
    expect(await chain.blockHash(1)).to.equal(block.hash);
    expect((await chain.committee()).members).to.deep.equal([devAddress(0), devAddress(3)]);
  });

  it('is sent once, however often it is told', async () => {
    const { chain, rpc } = kit;
    const [first, second] = await rivals(kit);
    const both = [chain.reportEquivocation(first, second), chain.reportEquivocation(second, first)];
    await pooled(1);
    await new Promise((done) => setTimeout(done, 300));
    expect(await pending()).to.equal(1);
    await rpc('evm_mine', []);
    expect(await Promise.all(both)).to.deep.equal(['reported', 'reported']);
  });

  it('is already there when somebody else was first, found out before or after it was sent', async () => {
    const { chain, rpc } = kit;
    const other = await kit.open({ signer: localSigner(devKey(7), crypto) });
    const pair = await rivals(kit);
    const theirs = other.reportEquivocation(...pair);
    await pooled(1);
    const ours = chain.reportEquivocation(...pair);
    await pooled(2);
    await rpc('evm_mine', []);
    expect((await Promise.all([theirs, ours])).sort()).to.deep.equal(['already', 'reported']);
    expect((await chain.committee()).epoch).to.equal(2);
    expect(await chain.reportEquivocation(...pair)).to.equal('already');
  });

  it('is sent again for more when it is stuck, so that anchors behind it go on', async () => {
    const { chain, log, rpc } = kit;
    const report = chain.reportEquivocation(...(await rivals(kit, 3)));
    await pooled(1);
    const [stuck] = await anvilControl(running.rpcUrl).pending();
    const anchor = sent(await chain.submitAnchor(await log.seal()));
    expect(anchor.nonce).to.equal(Number(stuck!.nonce) + 1);
    const raised = await until('it offers more', async () => {
      const waiting = await anvilControl(running.rpcUrl).pending();
      return waiting.find(({ nonce, hash }) => nonce === stuck!.nonce && hash !== stuck!.hash);
    });
    expect(BigInt(raised.maxFeePerGas) * 1000n >= BigInt(stuck!.maxFeePerGas) * 1125n).to.equal(true);
    expect(await pending()).to.equal(2);
    await rpc('evm_mine', []);
    expect(await report).to.equal('reported');
    expect((await chain.transactionStatus(anchor.hash)).status).to.equal('mined');
  });

  it('waits on when gas costs more than the limit', async () => {
    const { baseFeePerGas } = (await kit.rpc('eth_getBlockByNumber', ['latest', false])) as { baseFeePerGas: string };
    const tip = BigInt(String(await kit.rpc('eth_maxPriorityFeePerGas', [])));
    const capped = await kit.open({
      signer: localSigner(devKey(7), crypto),
      maxFeePerGasWei: ((2n * BigInt(baseFeePerGas) + tip) * 11n) / 10n,
      replaceCallAfterMs: 200,
    });
    const report = capped.reportEquivocation(...(await rivals(kit, 3)));
    await pooled(1);
    const [waiting] = await anvilControl(running.rpcUrl).pending();
    await new Promise((done) => setTimeout(done, 900));
    expect((await anvilControl(running.rpcUrl).pending()).map(({ hash }) => hash)).to.deep.equal([waiting!.hash]);
    await kit.rpc('evm_mine', []);
    expect(await report).to.equal('reported');
    capped.close();
  });

  it('leaves its nonce to the anchor that took it when the node lost the report, and reports again', async () => {
    const { chain, log, rpc } = kit;
    const report = chain.reportEquivocation(...(await rivals(kit, 3)));
    await pooled(1);
    const [lost] = await anvilControl(running.rpcUrl).pending();
    const block = await log.seal();
    await rpc('anvil_dropTransaction', [lost!.hash]);
    const anchor = sent(await chain.submitAnchor(block));
    expect(anchor.nonce).to.equal(Number(lost!.nonce));
    await pooled(2);
    expect(await chain.transactionStatus(anchor.hash)).to.deep.equal({ status: 'pending' });
    await rpc('evm_mine', []);
    expect(await report).to.equal('reported');
    expect(await chain.blockHash(1)).to.equal(block.hash);
    expect(await statusOf(chain, 3)).to.equal('suspended');
  });

  it('goes on waiting when it is told again after the RPC went away', async () => {
    let isDown = false;
    const proxy = await rpcProxy(running.rpcUrl, () => (isDown ? { raw: 'bad gateway', status: 502 } : undefined));
    const chain = await kit.open({ rpcUrl: proxy.rpcUrl });
    const pair = await rivals(kit);
    const first = chain.reportEquivocation(...pair);
    await pooled(1);
    isDown = true;
    await expectCode('chain-unreachable', first);
    isDown = false;
    const again = chain.reportEquivocation(...pair);
    await new Promise((done) => setTimeout(done, 300));
    expect(await pending()).to.equal(1);
    await kit.rpc('evm_mine', []);
    expect(await again).to.equal('reported');
    chain.close();
    await proxy.close();
  });

  it('ends when the chain is closed', async () => {
    const { chain } = kit;
    const report = chain.reportEquivocation(...(await rivals(kit)));
    await pooled(1);
    setTimeout(() => chain.close(), 50);
    await expectCode('shutting-down', report);
  });

  it('is waited for no longer than the caller likes, and goes on without it', async () => {
    const { chain, rpc } = kit;
    const pair = await rivals(kit);
    const stop = new AbortController();
    const report = chain.reportEquivocation(...pair, { signal: stop.signal });
    await pooled(1);
    stop.abort(new NotariumError('shutting-down'));
    await expectCode('shutting-down', report);
    expect(await chain.head()).to.equal(0);
    await rpc('evm_mine', []);
    expect(await chain.reportEquivocation(...pair)).to.equal('reported');
  });

  it('does not suspend again for the same what the governor has taken back', async () => {
    const { chain, rpc, deployed } = kit;
    await rpc('evm_setAutomine', [true]);
    const pair = await rivals(kit);
    expect(await chain.reportEquivocation(...pair)).to.equal('reported');
    const [deployer] = [devAddress(9)];
    const abi = new Interface(['function setGovernor(address)', 'function activate(address)']);
    const act = async (name: string, account: Address): Promise<void> => {
      const data = abi.encodeFunctionData(name, [account]);
      const hash = (await rpc('eth_sendTransaction', [{ from: deployer, to: deployed.registry, data }])) as Hash;
      await until('it is mined', async () => (await chain.transactionStatus(hash)).status === 'mined');
    };
    await act('setGovernor', deployer!);
    await act('activate', devAddress(2));
    expect(await statusOf(chain, 2)).to.equal('active');
    expect(await chain.reportEquivocation(...pair)).to.equal('already');
    expect(await statusOf(chain, 2)).to.equal('active');
    expect(await chain.reportEquivocation(...(await rivals(kit, 2, { epoch: 3 })))).to.equal('reported');
    expect(await statusOf(chain, 2)).to.equal('suspended');
  });

  it('ends the epoch: what the old committee signed is refused, and the rest goes on', async () => {
    const { chain, log, rpc } = kit;
    await rpc('evm_setAutomine', [true]);
    await anchored(chain, await log.seal());
    expect(await chain.reportEquivocation(...(await rivals(kit, 1)))).to.equal('reported');
    const late = await expectCode('chain-anchor-rejected', chain.submitAnchor(await log.seal()));
    expect(late.data).to.deep.equal({ error: 'EpochMismatch', args: { have: 1, want: 2 } });
  });
});
