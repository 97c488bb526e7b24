import { expect } from 'chai';
import { concat, id, ZeroHash } from 'ethers';
import { type Closing, noEvidence, type State, treeOf } from './support/channelKit.ts';
import { digests, ether, evidenceOf, opened } from './support/openedChannel.ts';

describe('EvidenceChannels: evidence', () => {
  const tree = treeOf(digests);
  const proofOf = (leafIndex: number, treeSize: number) => ({
    root: tree.root(treeSize),
    leafIndex,
    treeSize,
    path: tree.inclusion(leafIndex, treeSize),
  });

  it('is anchored without closing, once for so many pieces, and stays provable', async () => {
    const kit = await opened();
    const { channels, channel, channelId, as, stranger, signState, signClose, state } = kit;
    const anchor = async (given: State) => as(stranger).anchorEvidence(channel, given, await signState(channel, given));
    expect(await channels.verifyEvidence(channelId, digests[1]!, proofOf(1, 3))).to.equal(false);
    await expect(anchor(state())).to.emit(channels, 'EvidenceAnchored').withArgs(channelId, tree.root(3), 3n);
    await expect(anchor(state({ version: 2n }))).not.to.emit(channels, 'EvidenceAnchored');
    await expect(anchor(state({ version: 3n, evidenceRoot: id('other') })))
      .to.be.revertedWithCustomError(channels, 'DigestWritten')
      .withArgs(tree.root(3), id('other'));
    const none = state({ evidenceRoot: noEvidence, evidenceCount: 0n });
    await expect(anchor(none)).to.be.revertedWithCustomError(channels, 'EvidenceEmpty');
    expect(await channels.anchoredEvidence(channelId, 3n)).to.equal(tree.root(3));
    expect(await channels.verifyEvidence(channelId, digests[1]!, proofOf(1, 3))).to.equal(true);
    expect(await channels.verifyEvidence(channelId, digests[1]!, proofOf(1, 5))).to.equal(false);
    const closing: Closing = { requesterBalance: ether, verifierBalance: 0n, ...evidenceOf(5) };
    await as(stranger).closeTogether(channel, closing, await signClose(channel, closing));
    for (const size of [3, 5]) {
      expect(await channels.verifyEvidence(channelId, digests[1]!, proofOf(1, size)), `${size}`).to.equal(true);
    }
    expect(await channels.verifyEvidence(channelId, digests[1]!, proofOf(1, 4))).to.equal(false);
  });

  it('of another channel, another digest or place, or by another path is not there', async () => {
    const kit = await opened();
    const { channels, channel, channelId, as, stranger, signClose } = kit;
    const closing: Closing = { requesterBalance: ether, verifierBalance: 0n, ...evidenceOf(5) };
    await as(stranger).closeTogether(channel, closing, await signClose(channel, closing));
    const good = proofOf(2, 5);
    const check = (digest: string, proof: typeof good, of = channelId) => channels.verifyEvidence(of, digest, proof);
    expect(await check(digests[2]!, good)).to.equal(true);
    expect(await check(digests[2]!, good, id('another'))).to.equal(false);
    expect(await check(digests[3]!, good)).to.equal(false);
    expect(await check(digests[2]!, { ...good, leafIndex: 3 })).to.equal(false);
    expect(await check(digests[2]!, { ...good, treeSize: 2 })).to.equal(false);
    expect(await check(digests[2]!, { ...good, root: id('root') })).to.equal(false);
    expect(await check(digests[2]!, { ...good, path: [...good.path].reverse() })).to.equal(false);
    expect(await check(digests[2]!, { ...good, path: [...good.path, ZeroHash] })).to.equal(false);
    // The last three bits of the root are not kept, so that a root which differs in them alone must fail by the path.
    const near = `${good.root.slice(0, -1)}${(Number.parseInt(good.root.at(-1)!, 16) ^ 1).toString(16)}`;
    expect(await check(digests[2]!, { ...good, root: near })).to.equal(false);
  });

  it('of a stranger to the contract cannot be anchored', async () => {
    const { channels, channelOf, as, stranger, signState, state } = await opened();
    const unknown = channelOf({ salt: 99n });
    await expect(
      as(stranger).anchorEvidence(unknown, state(), await signState(unknown, state())),
    ).to.be.revertedWithCustomError(channels, 'ChannelStatusMismatch');
    await expect(
      as(stranger).anchorEvidence(channelOf(), state(), concat([`0x${'00'.repeat(128)}`])),
    ).to.be.revertedWithCustomError(channels, 'SignatureInvalid');
  });
});
