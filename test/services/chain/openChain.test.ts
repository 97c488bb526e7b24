import { expect } from 'chai';
import { encodeAnchor } from '../../../services/chain/anchorCall.ts';
import type { Hash, Hex } from '../../../services/core/bytes.ts';
import { chainBlockHash } from '../../../services/lib/ethCall.ts';
import { localSigner } from '../../../services/lib/localSigner.ts';
import { type ChainKind, devAddress, type RunningChain, startChain } from '../../support/chains.ts';
import { expectCode } from '../../support/expectCode.ts';
import { deployForwarder, forwarderCode, hidingForwarderCode, sendThrough } from '../../support/forwarder.ts';
import { sharedHardhat } from '../../support/sharedHardhat.ts';
import type { TestBlock } from '../../support/testLog.ts';
import { until } from '../../support/until.ts';
import { anchored, type ChainKit, chainKit, collect, crypto } from './chainKit.ts';

const hashOf = (byte: string): Hash => `0x${byte.repeat(32)}` as Hash;

for (const kind of ['anvil', 'hardhat'] satisfies ChainKind[]) {
  describe(`openChain on ${kind}`, () => {
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

    it('reads the deployment', async () => {
      const { chain, deployed } = kit;
      expect(chain.info).to.deep.include({
        chainId: 31337,
        contract: deployed.contract,
        registry: deployed.registry,
        periodSeconds: 1,
        graceSeconds: 86_400,
        network: { chainId: 31337, contract: deployed.contract },
      });
      expect(chain.info.genesisHash).to.match(/^0x[0-9a-f]{64}$/);
      const committee = { epoch: 1, members: [0, 1, 2, 3].map(devAddress) };
      expect(await chain.committee()).to.deep.equal(committee);
      expect(await chain.committee(1)).to.deep.equal(committee);
      expect(await chain.committees()).to.deep.equal([committee]);
      const nodes = await chain.nodes();
      expect(nodes.map(({ address }) => address)).to.deep.equal(committee.members);
      expect(nodes[0]).to.deep.equal({
        address: devAddress(0),
        name: 'Centre 1',
        endpoint: 'http://127.0.0.1:8080',
        encryptionKey: `0x${'01'.repeat(32)}`,
        noteKey: `0x${'65'.repeat(32)}`,
        status: 'active',
      });
      expect(await chain.head()).to.equal(0);
      expect(await chain.blockHash(1)).to.equal(undefined);
      expect(await chain.findAnchor(1, hashOf('11'))).to.equal(undefined);
      expect((await chain.balance()) > 10n ** 18n).to.equal(true);
      const time = await chain.chainTime();
      expect(time.latestSeconds).to.be.greaterThan(1_700_000_000);
      expect(time.pendingSeconds).to.be.at.least(time.latestSeconds);
    });

    it('anchors blocks and finds them again', async () => {
      const { chain, log, deployed } = kit;
      const blocks: TestBlock[] = [];
      for (let height = 1; height <= 3; height++) {
        const block = await log.seal();
        blocks.push(block);
        const hash = await anchored(chain, block);
        const status = await chain.transactionStatus(hash);
        expect(status).to.deep.include({ status: 'mined', succeeded: true, confirmations: 1 });
        const anchor = await chain.findAnchor(height, block.hash, { slot: block.header.slot });
        expect(anchor).to.deep.include({
          chainId: 31337,
          contract: deployed.contract,
          transactionHash: hash,
          confirmations: 1,
        });
        expect(await chain.head()).to.equal(height);
        const asked = { rpcUrl: running.rpcUrl, contract: deployed.contract, height };
        expect(await chainBlockHash({ ...asked, chainId: 31337 })).to.equal(block.hash);
      }
      const first = await chain.findAnchor(1, blocks[0]!.hash);
      expect(first?.confirmations).to.equal(3);
      expect(await chain.findAnchor(2, blocks[0]!.hash)).to.equal(undefined);
      expect(await chain.pendingCount()).to.equal(0);

      const rebuilt = await collect(chain.anchoredBlocks(1, 99));
      expect(rebuilt.map(({ header }) => header)).to.deep.equal(blocks.map(({ header }) => header));
      expect(rebuilt.map(({ blockHash }) => blockHash)).to.deep.equal(blocks.map(({ hash }) => hash));
      for (const [index, { signatures, anchor }] of rebuilt.entries()) {
        expect(signatures).to.have.deep.members(blocks[index]!.signatures as unknown[]);
        expect(anchor).to.deep.equal(await chain.findAnchor(index + 1, blocks[index]!.hash));
      }
      const middle = await collect(chain.anchoredBlocks(2, 2));
      expect(middle.map(({ header }) => header.height)).to.deep.equal([2]);
      expect(await collect(chain.anchoredBlocks(5, 9))).to.deep.equal([]);
    });

    it('sends nothing for a block that is anchored', async () => {
      const { chain, log } = kit;
      const block = await log.seal();
      await anchored(chain, block);
      const balance = await chain.balance();
      expect(await chain.submitAnchor(block)).to.deep.equal({ status: 'anchored' });
      expect(await chain.balance()).to.equal(balance);
    });

    it('names the contract error of each wrong block', async () => {
      const { chain, log } = kit;
      const rejected = async (block: TestBlock): Promise<unknown> =>
        (await expectCode('chain-anchor-rejected', chain.submitAnchor(block))).data;
      const second = await (async () => {
        await anchored(chain, await log.seal());
        return log.seal();
      })();
      const third = await log.seal();
      expect(await rejected(third)).to.deep.equal({ error: 'HeightGap', args: { have: 3, want: 2 } });
      log.rewind(1);
      const now = (await chain.chainTime()).latestSeconds;
      const wrong: Record<string, Parameters<typeof log.seal>[0]> = {
        QuorumMissed: { signers: 2 },
        PublisherMismatch: { publisher: devAddress(7) },
        ConsistencyProofInvalid: { proof: [new Uint8Array(32)] },
        ParentMismatch: { parent: hashOf('22') },
        TreeSizeNotGrown: { treeSize: 3 },
        SlotEarly: { slot: now + 10_000 },
        SlotLate: { slot: now - 200_000 },
        EpochUnknown: { epoch: 7 },
      };
      for (const [error, change] of Object.entries(wrong)) {
        expect(await rejected(await log.seal(change)), error).to.deep.include({ error });
      }
      const rival = await log.seal({ slot: second.header.slot + 4 });
      await anchored(chain, second);
      expect(await rejected(rival)).to.deep.equal({
        error: 'HeightTaken',
        args: { height: 2, have: rival.hash, want: second.hash },
      });
    });

    it('anchors in a slot that began after the newest chain block', async () => {
      const { chain, log } = kit;
      const slot = (await chain.chainTime()).latestSeconds + 1;
      await until('the slot begins', async () => ((await chain.chainTime()).pendingSeconds ?? 0) > slot);
      const block = await log.seal({ slot });
      await anchored(chain, block);
      expect(await chain.blockHash(1)).to.equal(block.hash);
    });

    it('says that the account has no funds', async () => {
      const poor = localSigner(crypto.sha256(Uint8Array.of(1)), crypto);
      const chain = await kit.open({ signer: poor });
      expect(await chain.balance()).to.equal(0n);
      await expectCode('chain-funds-missing', chain.submitAnchor(await kit.log.seal()));
    });

    it('keeps to the limit for gas', async () => {
      const chain = await kit.open({ maxFeePerGasWei: 1n });
      await expectCode('chain-fees-too-high', chain.submitAnchor(await kit.log.seal()));
    });

    it('refuses another chain and an address without the contract', async () => {
      await expectCode('chain-mismatch', kit.open({ chainId: 1 }));
      await expectCode('chain-mismatch', kit.open({ genesisHash: hashOf('33') }));
      await expectCode('chain-contract-missing', kit.open({ contract: devAddress(5) }));
      await expectCode('chain-contract-missing', kit.open({ contract: kit.deployed.registry }));
    });

    it('reads without a signer, and says so when it is to send', async () => {
      const chain = await kit.openReader();
      expect(chain.account).to.equal(undefined);
      expect(await chain.head()).to.equal(0);
      await expectCode('key-missing', chain.submitAnchor(await kit.log.seal()));
    });

    it('finds the signatures in a call that another contract passed on', async () => {
      const { chain, log } = kit;
      const block = await log.seal();
      const call = encodeAnchor(block, await chain.committee());
      await passOn(kit, forwarderCode(), call);
      const [found] = await collect(chain.anchoredBlocks(1, 1));
      expect(found?.blockHash).to.equal(block.hash);
      expect(found?.signatures).to.have.deep.members(block.signatures as unknown[]);
    });

    // Whoever anchors through a contract of their own puts into the data what they like. A quorum of four is three.
    const decoys: Record<string, (call: string) => string> = {
      'signatures that nobody can have made': (call) => call.slice(2, -384) + 'ff'.repeat(192),
      'signatures of strangers': (call) => call.slice(2, -384) + '01'.repeat(192),
      'signatures in the wrong order': (call) => call.slice(2, -384) + call.slice(-256) + call.slice(-384, -256),
      'fewer signatures': (call) => `${call.slice(2, 2 + 8 + 64 * 15)}${'0'.repeat(63)}1${call.slice(2 + 8 + 64 * 16)}`,
      'calls that are cut off': (call) => call.slice(2, 500).repeat(7),
      'thousands of selectors': (call) => call.slice(2, 10).repeat(7_000),
      'hundreds of headers of another epoch': (call) => {
        const beginning = call.slice(2, 10 + 5 * 64);
        return `${beginning}${'1'.padStart(64, '0')}${'5'.padStart(64, '0')}`.repeat(200);
      },
    };
    for (const [name, decoyOf] of Object.entries(decoys)) {
      it(`finds the signatures beside ${name}`, async () => {
        const { chain, log } = kit;
        const block = await log.seal();
        const call = encodeAnchor(block, await chain.committee());
        const decoy = decoyOf(call);
        await passOn(kit, forwarderCode(decoy.length / 2), `0x${decoy}${call.slice(2)}`);
        const before = process.cpuUsage();
        const [found] = await collect(chain.anchoredBlocks(1, 1));
        // With a decoding for each it was seventeen seconds; of this processor, whatever else it does.
        expect(process.cpuUsage(before).user).to.be.below(6e6);
        expect(found?.header).to.deep.equal(block.header);
        expect(found?.signatures).to.have.deep.members(block.signatures as unknown[]);
      });
    }

    it('gives no signatures rather than wrong ones, and looks at a few only', async () => {
      const { chain, log } = kit;
      const block = await log.seal();
      const call = encodeAnchor(block, await chain.committee());
      const decoy = (call.slice(2, -384) + '01'.repeat(192)).repeat(20);
      await passOn(kit, forwarderCode(decoy.length / 2), `0x${decoy}${call.slice(2)}`);
      const [found] = await collect(chain.anchoredBlocks(1, 1));
      expect(found?.header).to.deep.equal(block.header);
      expect(found?.signatures).to.deep.equal([]);
    });

    it('rebuilds the header where the call is hidden', async () => {
      const { chain, log } = kit;
      const block = await log.seal();
      const call = encodeAnchor(block, await chain.committee());
      const firstByte = call.slice(2, 4);
      await passOn(kit, hidingForwarderCode(firstByte), `0x00${call.slice(4)}`);
      const [found] = await collect(chain.anchoredBlocks(1, 1));
      expect(found?.header).to.deep.equal(block.header);
      expect(found?.signatures).to.deep.equal([]);
    });
  });
}

/** Deploys the forwarder and anchors through it. */
async function passOn({ rpc, chain }: ChainKit, code: Hex, call: Hex): Promise<void> {
  await sendThrough(rpc, await deployForwarder(rpc, code), chain.info.contract, call);
  expect(await chain.head()).to.equal(1);
}
