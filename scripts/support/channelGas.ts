/** Rows of the gas table about evidence channels; see ../gas-table.ts for how they are measured. */
import { id, MaxUint256, type TransactionResponse, ZeroAddress } from 'ethers';
import {
  type Channel,
  type ChannelKit,
  createChannelKit,
  digestsOf,
  type Lock,
  packed,
  type State,
  treeOf,
} from '../../test/contracts/support/channelKit.ts';
import type { GasRow } from './GasRow.ts';

const limits = {
  open: { coin: 50_000n, token: 71_000n },
  together: { coin: 62_000n, token: 69_000n },
  start: 46_000n,
  challenge: 48_000n,
  settle: 54_000n,
  lock: 3_000n,
  claim: 48_000n,
};
const peers = {
  open: { coin: 'Perun 45,580', token: 'Raiden 172,436' },
  together: { coin: 'Nitro 94,905', token: 'Raiden 141,743' },
  start: 'Perun 109,267',
  settle: 'Nitro 63,762',
  claim: 'Raiden 105,204',
};

const lockReason =
  'the 88 bytes of a lock in calldata are about 1,240 gas, and the first look at when its key was revealed 2,100: 3,340 before anything ' +
  'is computed. Leaf and node of the tree (two calls of the SHA-256 precompile) add about 450, the loop the rest. Hashing in ' +
  'assembly, one check of the frontier for all locks and no check of each field took it down from 5,915; a time for many keys in ' +
  'one slot would save the look, but then who settles could leave out a key that was revealed.';

const digests = digestsOf(1_000);
const tree = treeOf(digests);
const amount = 10n ** 18n;
const manyLocks = 64;

const gasOf = async (sent: Promise<TransactionResponse>): Promise<bigint> => (await (await sent).wait())!.gasUsed;

/** A state after a thousand pieces of evidence. */
const stateOf = (version: bigint, locks: readonly Lock[] = []): State => ({
  version,
  requesterBalance: amount - 123_456_789_012_345n * version,
  verifierBalance: 123_456_789_012_345n * version,
  locksHash: packed(locks).hash,
  evidenceRoot: tree.root(digests.length),
  evidenceCount: BigInt(digests.length),
});

/** Ends one channel alone, after a challenge; the gas of each step. */
async function alone(kit: ChannelKit, channel: Channel, locks: readonly Lock[]) {
  await kit.open(channel);
  const [first, second] = [stateOf(700n), stateOf(701n, locks)];
  const [one, two] = [await kit.signState(channel, first), await kit.signState(channel, second)];
  const start = await gasOf(kit.as(kit.requester).startClosing(channel, first, one));
  const challenge = await gasOf(kit.as(kit.stranger).challenge(channel, second, two));
  if (locks.length > 0) await gasOf(kit.as(kit.verifier).reveal(locks.map(({ key }) => key)));
  const settle = await gasOf(kit.settle(channel, second, { locks, digests }));
  return { start, challenge, settle };
}

/** What channels cost, with both payees' accounts in use and the token in the hands of all. */
export async function channelRows(): Promise<GasRow[]> {
  const kit = await createChannelKit();
  const { ethers, requester, verifier, stranger, as, contract } = kit;
  const token = await ethers.deployContract('PlainToken', [], requester);
  const tokenAddress = await token.getAddress();
  const send = async (name: string, args: unknown[]) => gasOf(token.getFunction(name).send(...args));
  await send('approve', [contract, MaxUint256]);
  for (const account of [contract, verifier.address]) await send('transfer', [account, 1n]);

  const rows: GasRow[] = [];
  for (const [kind, address] of [
    ['coin', ZeroAddress],
    ['token', tokenAddress],
  ] as const) {
    const name = kind === 'coin' ? 'ETH' : 'ERC-20';
    const channel = kit.channelOf({ token: address, amount, salt: 1n });
    const opened = await gasOf(kit.open(channel));
    rows.push({
      operation: `open a channel, ${name}`,
      gas: opened,
      ceiling: limits.open[kind],
      peer: peers.open[kind],
    });
    const { version: _, locksHash: __, ...closing } = stateOf(700n);
    const signatures = await kit.signClose(channel, closing);
    const together = await gasOf(as(stranger).closeTogether(channel, closing, signatures));
    const operation = `close it together, both paid, total digest written, ${name}`;
    rows.push({ operation, gas: together, ceiling: limits.together[kind], peer: peers.together[kind] });
  }

  const { start, challenge, settle } = await alone(kit, kit.channelOf({ amount, salt: 2n }), []);
  const expiry = (await kit.now()) + 3_000n;
  const locks = Array.from({ length: manyLocks }, (_, index) => ({
    key: id(`key ${index}`),
    digest: id(`digest ${index}`),
    amount: 1_234_567_890_123n,
    expiry,
  }));
  const withLocks = await alone(kit, kit.channelOf({ amount, salt: 3n }), locks);
  const reveal = await gasOf(as(verifier).reveal([id('another key')]));
  const reveals = await gasOf(
    as(verifier).reveal(Array.from({ length: 11 }, (_, index) => id(`one of many ${index}`))),
  );

  const anchored = kit.channelOf({ amount, salt: 4n });
  await kit.open(anchored);
  const state = stateOf(700n);
  const anchor = await gasOf(as(stranger).anchorEvidence(anchored, state, await kit.signState(anchored, state)));
  const deposit = await gasOf(as(requester).deposit(anchored, amount, amount, { value: amount }));

  rows.push(
    { operation: 'begin to close it alone', gas: start, ceiling: limits.start, peer: peers.start },
    { operation: 'challenge by a newer state', gas: challenge, ceiling: limits.challenge },
    {
      operation: 'settle after it, both paid, total digest written',
      gas: settle,
      ceiling: limits.settle,
      peer: peers.settle,
    },
    {
      operation: `each of ${manyLocks} locks in a settlement, paid and its digest added`,
      gas: (withLocks.settle - settle) / BigInt(manyLocks),
      ceiling: limits.lock,
      missed: lockReason,
    },
    { operation: 'make the key of a lock public', gas: reveal, ceiling: limits.claim, peer: peers.claim },
    { operation: 'make each further key in one transaction public', gas: (reveals - reveal) / 10n },
    { operation: 'anchor the total digest without closing', gas: anchor },
    { operation: 'pay more into a channel, ETH', gas: deposit },
  );
  return rows;
}
