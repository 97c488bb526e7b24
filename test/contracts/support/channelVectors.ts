/** What the contract itself says about some channels, states, locks and trees; see ../../../scripts/channel-vectors.ts. */
import { id, ZeroAddress } from 'ethers';
import { createChannelKit, digestsOf, frontierOf, keyHashOf, type Lock, packed, type State } from './channelKit.ts';
import { ether, evidenceOf } from './openedChannel.ts';

const token = '0x00112233445566778899aabbccddeeff00112233';
const most = (bits: bigint): bigint => 2n ** bits - 1n;

/** Numbers of digests whose trees are told: of one peak, of two and of three. */
const treeSizes = [1, 2, 3, 4, 7, 8, 13];

/** Written with amounts, times and all other integers as decimal text. */
export async function channelVectors() {
  const kit = await createChannelKit();
  const { channels, domain, channelOf } = kit;

  const kinds = [channelOf(), channelOf({ token, amount: most(128n), challengeSeconds: most(32n), salt: most(64n) })];
  const ids = await Promise.all(
    kinds.map(async (channel) => ({ channel, channelId: await channels.channelIdOf(channel) })),
  );

  // Each lock is paid in a channel of its own kind, so that packing and root are what the contract has accepted.
  const trees = [];
  for (const size of treeSizes) trees.push(await settledTree(kit, BigInt(size)));

  const lockLists = [[], locksOf(1), locksOf(3)].map((locks) => {
    const { bytes, hash } = packed(locks);
    return { locks: locks.map((lock) => ({ ...lock, keyHash: keyHashOf(lock.key) })), packed: bytes, hash };
  });

  const states = [];
  const closings = [];
  const first: State = {
    version: 1n,
    requesterBalance: ether - 3n,
    verifierBalance: 3n,
    locksHash: packed([]).hash,
    ...evidenceOf(3),
  };
  const last: State = {
    version: most(40n),
    requesterBalance: most(128n),
    verifierBalance: most(128n),
    locksHash: packed(locksOf(3)).hash,
    evidenceRoot: id('root'),
    evidenceCount: most(64n),
  };
  // The greatest count that a JSON number holds, and so a state of ours.
  const greatest: State = { ...last, evidenceRoot: id('greatest'), evidenceCount: most(53n) };
  for (const { channel, channelId } of ids) {
    for (const state of [first, greatest, last]) {
      const hash = await channels.hashState(channelId, state);
      states.push({ channelId, state, hash, signatures: kit.both(channel, hash) });
      const { requesterBalance, verifierBalance, evidenceRoot, evidenceCount } = state;
      const closing = { requesterBalance, verifierBalance, evidenceRoot, evidenceCount };
      const closeHash = await channels.hashClose(channelId, closing);
      closings.push({ channelId, closing, hash: closeHash, signatures: kit.both(channel, closeHash) });
    }
  }
  return {
    comment:
      'Said by the contract: made by scripts/channel-vectors.ts, checked by the tests. The keys are Hardhat’s own.',
    domain,
    ids,
    states,
    closings,
    locks: lockLists,
    trees,
  };
}

/** The committed text. */
export const vectorsText = (vectors: unknown): string =>
  `${JSON.stringify(vectors, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value), 2)}\n`;

function locksOf(count: number): Lock[] {
  return Array.from({ length: count }, (_, index) => ({
    key: id(`key ${index}`),
    digest: digestsOf(count)[index]!,
    amount: 10n ** BigInt(index) + 1n,
    expiry: 2n ** 40n + BigInt(index),
  }));
}

/** The tree that grows out of nothing when all of these locks are paid, and proofs that the contract takes. */
async function settledTree(kit: Awaited<ReturnType<typeof createChannelKit>>, size: bigint) {
  const { channels } = kit;
  const channel = kit.channelOf({ salt: size, token: ZeroAddress, challengeSeconds: 60n });
  await kit.open(channel);
  const channelId = await channels.channelIdOf(channel);
  const locks = locksOf(Number(size));
  const state: State = {
    version: 1n,
    requesterBalance: 0n,
    verifierBalance: 0n,
    locksHash: packed(locks).hash,
    ...evidenceOf(0),
  };
  await kit.as(kit.requester).startClosing(channel, state, await kit.signState(channel, state));
  await kit.as(kit.verifier).reveal(locks.map(({ key }) => key));
  await kit.settle(channel, state, { locks });
  const [settled] = await channels.queryFilter(channels.filters.ChannelSettled(channelId));
  const { evidenceRoot: root, evidenceCount } = settled!.args;
  if (evidenceCount !== size) throw new Error(`${evidenceCount} digests instead of ${size}`);
  const digests = locks.map(({ digest }) => digest);
  return { digests, root, frontier: frontierOf(digests) };
}
