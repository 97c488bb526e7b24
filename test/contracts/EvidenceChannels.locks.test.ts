import { expect } from 'chai';
import { id } from 'ethers';
import { frontierOf, keyHashOf, type Lock, noEvidence, packed, treeOf } from './support/channelKit.ts';
import { changes, digests, ether, opened } from './support/openedChannel.ts';

describe('EvidenceChannels: locks', () => {
  const lock = (name: string, amount: bigint, expiry: bigint): Lock => ({
    key: id(`key ${name}`),
    digest: id(`digest ${name}`),
    amount,
    expiry,
  });

  it("are the verifier's where the key was public in time, and their digests in the total digest", async () => {
    const kit = await opened();
    const { channels, channel, channelId, state, start, settle, as, stranger, now } = kit;
    const until = (await now()) + 1_000n;
    const locks = [lock('a', 100n, until), lock('b', 20n, until), lock('c', 7n, until)];
    const given = state({ locksHash: packed(locks).hash });
    await start(given);
    await as(stranger).reveal([locks[0]!.key, locks[2]!.key]);
    const settled = settle(channel, given, { locks, digests: digests.slice(0, 3) });
    await expect(settled).to.changeEtherBalances(kit.ethers, ...changes(kit, ether - 110n, 110n));
    const all = [...digests.slice(0, 3), locks[0]!.digest, locks[2]!.digest];
    const tree = treeOf(all);
    await expect(settled)
      .to.emit(channels, 'ChannelSettled')
      .withArgs(channelId, tree.root(5), 5n, ether - 110n, 110n);
    for (const [leafIndex, digest] of all.entries()) {
      const proof = { root: tree.root(5), leafIndex, treeSize: 5, path: tree.inclusion(leafIndex, 5) };
      expect(await channels.verifyEvidence(channelId, digest, proof)).to.equal(true);
      expect(await channels.verifyEvidence(channelId, locks[1]!.digest, proof)).to.equal(false);
    }
  });

  it('count up to the last second before their expiry, and not one later', async () => {
    for (const [late, want] of [
      [0n, 103n],
      [1n, 3n],
    ] as const) {
      const kit = await opened();
      const { channel, state, start, settle, as, stranger, now, setTime } = kit;
      const expiry = (await now()) + 1_000n;
      const locks = [lock('a', 100n, expiry)];
      const given = state({ locksHash: packed(locks).hash });
      await start(given);
      await setTime(expiry + late);
      await as(stranger).reveal([locks[0]!.key]);
      await expect(settle(channel, given, { locks, digests: digests.slice(0, 3) })).to.changeEtherBalances(
        kit.ethers,
        ...changes(kit, ether - want, want),
      );
    }
  });

  it('count no longer than challenges do, whatever their expiry', async () => {
    const kit = await opened();
    const { channel, state, start, settle, as, stranger, closingOf, setTime } = kit;
    const locks = [lock('a', 100n, 2n ** 64n - 1n), lock('b', 10n, 2n ** 64n - 1n)];
    const given = state({ locksHash: packed(locks).hash });
    await start(given);
    const { deadline } = await closingOf(channel);
    await setTime(deadline);
    await as(stranger).reveal([locks[0]!.key]);
    await as(stranger).reveal([locks[1]!.key]);
    await expect(settle(channel, given, { locks, digests: digests.slice(0, 3) })).to.changeEtherBalances(
      kit.ethers,
      ...changes(kit, ether - 103n, 103n),
    );
  });

  it('a key keeps the time at which it was public first, also before any closing', async () => {
    const { channels, as, stranger, now, setTime } = await opened();
    const key = id('a key');
    await expect(as(stranger).reveal([key, key]))
      .to.emit(channels, 'KeyRevealed')
      .withArgs(keyHashOf(key), key);
    const time = await now();
    expect(await channels.revealedAt(keyHashOf(key))).to.equal(time);
    await setTime(time + 500n);
    await as(stranger).reveal([key]);
    expect(await channels.revealedAt(keyHashOf(key))).to.equal(time);
  });

  it('a newer state takes nothing from a key that is public', async () => {
    const kit = await opened();
    const { channel, state, start, challenge, settle, as, verifier, now } = kit;
    const until = (await now()) + 1_000n;
    const [a, b] = [lock('a', 100n, until), lock('b', 10n, until)];
    await start(state({ locksHash: packed([a]).hash }));
    await as(verifier).reveal([a.key]);
    const newer = state({ version: 2n, locksHash: packed([b, a]).hash });
    await challenge(newer);
    await expect(settle(channel, newer, { locks: [b, a], digests: digests.slice(0, 3) })).to.changeEtherBalances(
      kit.ethers,
      ...changes(kit, ether - 103n, 103n),
    );
  });

  it('64, and 128, are settled at once, with all keys public; what is beyond 128 is not paid, and holds nothing up', async function () {
    this.timeout(120_000);
    for (const [count, paid] of [
      [64, 64],
      [128, 128],
      [129, 128],
      [400, 128],
    ] as const) {
      const kit = await opened();
      const { channel, state, start, settle, as, stranger, now } = kit;
      const until = (await now()) + 1_000n;
      const locks = Array.from({ length: count }, (_, index) => lock(`${index}`, 1_000n, until));
      const given = state({ locksHash: packed(locks).hash });
      await start(given);
      // The last ones: those that do not count are among them.
      await as(stranger).reveal(locks.slice(0, 200).map(({ key }) => key));
      await as(stranger).reveal(locks.slice(200).map(({ key }) => key));
      const settled = await settle(channel, given, { locks, digests: digests.slice(0, 3) });
      expect((await settled.wait())!.gasUsed < 100_000n + 5_000n * BigInt(paid) + 1_500n * BigInt(count)).to.equal(
        true,
      );
      const all = [...digests.slice(0, 3), ...locks.slice(0, paid).map(({ digest }) => digest)];
      const [found] = await kit.channels.queryFilter(kit.channels.filters.ChannelSettled(kit.channelId));
      expect(found!.args.evidenceRoot).to.equal(treeOf(all).root(all.length));
      expect(found!.args.evidenceCount).to.equal(BigInt(all.length));
      expect(found!.args.verifierPayout).to.equal(1_000n * BigInt(paid) + 3n);
    }
  });

  it('none of which is paid need no frontier', async () => {
    const kit = await opened();
    const { channel, channelId, channels, state, start, as, stranger, now, setTime, closingOf } = kit;
    const locks = [lock('a', 100n, (await now()) + 1_000n)];
    const given = state({ locksHash: packed(locks).hash });
    await start(given);
    const { deadline, salt } = await closingOf(channel);
    await setTime(deadline + 1n);
    await expect(as(stranger).settle(channel, given, salt, packed(locks).bytes, []))
      .to.emit(channels, 'ChannelSettled')
      .withArgs(channelId, given.evidenceRoot, 3n, ether - 3n, 3n);
  });

  it('that nobody has, or that are no locks, keep the money for a year at most', async () => {
    const kit = await opened();
    const { channels, channel, state, start, as, stranger, setTime, closingOf } = kit;
    const given = state({ locksHash: id('nothing that anybody knows') });
    await start(given);
    const { deadline, salt } = await closingOf(channel);
    const year = 31_536_000n;
    const tried = () => as(stranger).settle(channel, given, salt, '0x', []);
    await setTime(deadline + year);
    await expect(tried())
      .to.be.revertedWithCustomError(channels, 'LocksMismatch')
      .withArgs(`0x${'00'.repeat(32)}`, given.locksHash);
    await expect(as(stranger).settle(channel, given, salt, `0x${'11'.repeat(88)}`, [])).to.be.revertedWithCustomError(
      channels,
      'LocksMismatch',
    );
    await setTime(deadline + year + 10n);
    await expect(tried()).to.changeEtherBalances(kit.ethers, ...changes(kit, ether - 3n, 3n));
  });

  it('that are cut off in the middle count as far as they are whole', async () => {
    const kit = await opened();
    const { state, as, stranger, closingOf, setTime, now, ethers } = kit;
    const whole = lock('a', 100n, (await now()) + 1_000n);
    for (const bytes of [`0x${'11'.repeat(87)}`, `${packed([whole]).bytes}${'11'.repeat(87)}`]) {
      const other = kit.channelOf({ salt: BigInt(bytes.length) });
      await kit.open(other);
      const given = state({ locksHash: ethers.keccak256(bytes) });
      await as(kit.requester).startClosing(other, given, await kit.signState(other, given));
      await as(stranger).reveal([whole.key]);
      const { deadline, salt } = await closingOf(other);
      await setTime(deadline + 1n);
      const paid = bytes.length > 200 ? 103n : 3n;
      await expect(
        as(stranger).settle(other, given, salt, bytes, frontierOf(digests.slice(0, 3))),
      ).to.changeEtherBalances(ethers, ...changes(kit, ether - paid, paid));
    }
  });

  it('the frontier must be that of the tree; after 30 days money goes without', async () => {
    const kit = await opened();
    const { channels, channel, channelId, state, start, as, stranger, now, closingOf, setTime } = kit;
    const locks = [lock('a', 100n, (await now()) + 1_000n)];
    const given = state({ locksHash: packed(locks).hash });
    await start(given);
    await as(stranger).reveal([locks[0]!.key]);
    const { deadline, salt } = await closingOf(channel);
    const tried = (frontier: string[], bytes = packed(locks).bytes) =>
      as(stranger).settle(channel, given, salt, bytes, frontier);
    const right = frontierOf(digests.slice(0, 3));
    await setTime(deadline + 1n);
    const root = treeOf(digests).root(3);
    for (const wrong of [[], [...right].reverse(), [right[0]!], [root], [...right, right[1]!]]) {
      await expect(tried(wrong), wrong.join()).to.be.revertedWithCustomError(channels, 'FrontierMismatch');
    }
    await expect(tried(right, `${packed(locks).bytes}00`)).to.be.revertedWithCustomError(channels, 'LocksMismatch');
    await setTime(deadline + 2_592_000n);
    await expect(tried([])).to.be.revertedWithCustomError(channels, 'FrontierMismatch');
    await setTime(deadline + 2_592_001n);
    const settled = tried([]);
    await expect(settled).to.changeEtherBalances(kit.ethers, ...changes(kit, ether - 103n, 103n));
    await expect(settled)
      .to.emit(channels, 'ChannelSettled')
      .withArgs(channelId, root, 3n, ether - 103n, 103n);
  });

  it('the first digests of a channel can be those of locks', async () => {
    const kit = await opened();
    const { channels, channel, channelId, state, start, as, stranger, now, closingOf, setTime } = kit;
    const locks = [lock('a', 100n, (await now()) + 1_000n)];
    const given = state({ locksHash: packed(locks).hash, evidenceRoot: noEvidence, evidenceCount: 0n });
    await start(given);
    await as(stranger).reveal([locks[0]!.key]);
    // Also when nobody has to have a frontier any more: there is none.
    const { deadline, salt } = await closingOf(channel);
    await setTime(deadline + 2_592_001n);
    await as(stranger).settle(channel, given, salt, packed(locks).bytes, []);
    const root = treeOf([locks[0]!.digest]).root(1);
    const proof = { root, leafIndex: 0, treeSize: 1, path: [] };
    expect(await channels.verifyEvidence(channelId, locks[0]!.digest, proof)).to.equal(true);
  });
});
