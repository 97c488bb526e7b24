/** What tests of channels and the gas table work with: a chain, both sides' keys, states and evidence trees. */
import {
  concat,
  id,
  keccak256,
  type SigningKey,
  sha256,
  TypedDataEncoder,
  toBeHex,
  ZeroAddress,
  ZeroHash,
} from 'ethers';
import { network } from 'hardhat';
import type { EvidenceChannels } from '../../../types/ethers-contracts/index.ts';
import { compact, startSeconds } from './anchorKit.ts';
import { hex, ReferenceTree } from './referenceTree.ts';

export const channelStatus = { none: 0n, open: 1n, closing: 2n, settled: 3n };

/** The contract's `Channel`. */
export type Channel = {
  requester: string;
  verifier: string;
  token: string;
  amount: bigint;
  challengeSeconds: bigint;
  salt: bigint;
};

/** The contract's `State`. */
export type State = {
  version: bigint;
  requesterBalance: bigint;
  verifierBalance: bigint;
  locksHash: string;
  evidenceRoot: string;
  evidenceCount: bigint;
};

/** The contract's `Closing`. */
export type Closing = Pick<State, 'requesterBalance' | 'verifierBalance' | 'evidenceRoot' | 'evidenceCount'>;

/** An open lock; `expiry` is the last second in which its key may become public. */
export type Lock = { key: string; digest: string; amount: bigint; expiry: bigint };

const balances = [
  { name: 'requesterBalance', type: 'uint128' },
  { name: 'verifierBalance', type: 'uint128' },
];
const evidence = [
  { name: 'evidenceRoot', type: 'bytes32' },
  { name: 'evidenceCount', type: 'uint64' },
];
const channelId = { name: 'channelId', type: 'bytes32' };
const stateTypes = {
  State: [
    channelId,
    { name: 'version', type: 'uint64' },
    ...balances,
    { name: 'locksHash', type: 'bytes32' },
    ...evidence,
  ],
};
const closeTypes = { Close: [channelId, ...balances, ...evidence] };

/** Digests of so many pieces of evidence. */
export const digestsOf = (count: number, name = 'evidence'): string[] =>
  Array.from({ length: count }, (_, index) => id(`${name} ${index}`));

const bytesOf = (text: string): Buffer => Buffer.from(text.slice(2), 'hex');

export const treeOf = (digests: readonly string[]): ReferenceTree => ReferenceTree.of(digests.map(bytesOf));

/** Roots of the perfect trees that a tree is made of, the largest first. */
export function frontierOf(digests: readonly string[]): string[] {
  const peaks: string[] = [];
  let start = 0;
  for (let bit = 2 ** 30; bit >= 1; bit /= 2) {
    if ((digests.length & bit) === 0) continue;
    peaks.push(treeOf(digests.slice(start, start + bit)).root(bit));
    start += bit;
  }
  return peaks;
}

export const keyHashOf = (key: string): string => sha256(key);

/** Locks as the contract takes them, and their hash. */
export function packed(locks: readonly Lock[]): { bytes: string; hash: string } {
  const bytes = concat(
    locks.map(({ key, digest, amount, expiry }) =>
      concat([keyHashOf(key), digest, toBeHex(amount, 16), toBeHex(expiry, 8)]),
    ),
  );
  return { bytes, hash: locks.length === 0 ? ZeroHash : keccak256(bytes) };
}

export const noEvidence = hex(bytesOf(sha256('0x')));

/** What nobody has signed. */
export const firstState = (amount: bigint): State => ({
  version: 0n,
  requesterBalance: amount,
  verifierBalance: 0n,
  locksHash: ZeroHash,
  evidenceRoot: noEvidence,
  evidenceCount: 0n,
});

/** A fresh chain in this process with the contract. */
export async function createChannelKit() {
  const connection = await network.create({
    network: 'hardhat',
    override: { initialDate: new Date((startSeconds - 86_400) * 1000) } as never,
  });
  const { ethers } = connection;
  const channels = (await ethers.deployContract('EvidenceChannels')) as unknown as EvidenceChannels;
  const contract = await channels.getAddress();
  const { chainId } = await ethers.provider.getNetwork();
  const domain = { name: 'Notarium', version: '1', chainId, verifyingContract: contract };
  // Hardhat's own accounts, whose keys everybody knows.
  const wallets = Array.from({ length: 4 }, (_, index) =>
    ethers.HDNodeWallet.fromPhrase(
      'test test test test test test test test test test test junk',
      undefined,
      `m/44'/60'/0'/0/${index}`,
    ),
  );
  const [requester, verifier, stranger] = await ethers.getSigners();
  const keyOf = (account: string): SigningKey => {
    const wallet = wallets.find(({ address }) => address === account);
    if (!wallet) throw new Error(`${account} has no key here`);
    return wallet.signingKey;
  };
  const as = (signer: typeof requester) => channels.connect(signer!) as unknown as EvidenceChannels;

  const channelOf = (changes: Partial<Channel> = {}): Channel => ({
    requester: requester!.address,
    verifier: verifier!.address,
    token: ZeroAddress,
    amount: 1_000_000_000_000_000_000n,
    challengeSeconds: 3_600n,
    salt: 0n,
    ...changes,
  });
  const open = async (channel: Channel, opener = requester) => {
    const value = channel.token === ZeroAddress ? channel.amount : 0n;
    const { verifier: payee, token, amount, challengeSeconds, salt } = channel;
    return await as(opener).open(payee, token, amount, challengeSeconds, salt, { value });
  };
  const both = (channel: Channel, digest: string): string =>
    concat([compact(keyOf(channel.requester), digest), compact(keyOf(channel.verifier), digest)]);
  const stateDigest = (id: string, state: State, of = domain): string =>
    TypedDataEncoder.hash(of, stateTypes, { channelId: id, ...state });
  const closeDigest = (id: string, closing: Closing, of = domain): string =>
    TypedDataEncoder.hash(of, closeTypes, { channelId: id, ...closing });
  const signState = async (channel: Channel, state: State, of = domain): Promise<string> =>
    both(channel, stateDigest(await channels.channelIdOf(channel), state, of));
  const signClose = async (channel: Channel, closing: Closing, of = domain): Promise<string> =>
    both(channel, closeDigest(await channels.channelIdOf(channel), closing, of));

  const now = async (): Promise<bigint> => BigInt((await ethers.provider.getBlock('latest'))!.timestamp);
  /** The next chain block has this time. */
  const setTime = (seconds: bigint): Promise<unknown> =>
    ethers.provider.send('evm_setNextBlockTimestamp', [`0x${seconds.toString(16)}`]);
  /** What the last `ChannelClosing` of a channel says beside the state. */
  const closingOf = async (channel: Channel): Promise<{ deadline: bigint; salt: string }> => {
    const found = await channels.queryFilter(channels.filters.ChannelClosing(await channels.channelIdOf(channel)));
    const { deadline, salt } = found.at(-1)!.args;
    return { deadline, salt };
  };
  /** Settles after the time for challenges, with all that is needed. */
  const settle = async (
    channel: Channel,
    state: State,
    { locks = [], digests = [] }: { locks?: readonly Lock[]; digests?: readonly string[] } = {},
  ) => {
    const { deadline, salt } = await closingOf(channel);
    if ((await now()) <= deadline) await setTime(deadline + 1n);
    const frontier = locks.length === 0 ? [] : frontierOf(digests);
    return await as(stranger).settle(channel, state, salt, packed(locks).bytes, frontier);
  };

  return {
    connection,
    ethers,
    channels,
    contract,
    domain,
    requester: requester!,
    verifier: verifier!,
    stranger: stranger!,
    as,
    channelOf,
    open,
    both,
    stateDigest,
    closeDigest,
    signState,
    signClose,
    now,
    setTime,
    closingOf,
    settle,
  };
}

export type ChannelKit = Awaited<ReturnType<typeof createChannelKit>>;
