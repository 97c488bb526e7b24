/** A channel of one coin that is open, with short ways to end it. */
import { ZeroHash } from 'ethers';
import { type Channel, type ChannelKit, createChannelKit, digestsOf, type State, treeOf } from './channelKit.ts';

export const ether = 10n ** 18n;

/** Evidence of a channel; states have the first so many. */
export const digests: readonly string[] = digestsOf(5);

export const evidenceOf = (count: number): Pick<State, 'evidenceRoot' | 'evidenceCount'> => ({
  evidenceRoot: treeOf(digests).root(count),
  evidenceCount: BigInt(count),
});

/** What `changeEtherBalances` takes. */
export const changes = (
  kit: ChannelKit,
  requester: bigint,
  verifier: bigint,
): [ChannelKit['requester'][], bigint[]] => [
  [kit.requester, kit.verifier],
  [requester, verifier],
];

export async function opened(differences: Partial<Channel> = {}) {
  const kit = await createChannelKit();
  const channel = kit.channelOf(differences);
  await kit.open(channel);
  const channelId = await kit.channels.channelIdOf(channel);
  /** After three pieces of evidence, a unit each. */
  const state = (more: Partial<State> = {}): State => ({
    version: 1n,
    requesterBalance: ether - 3n,
    verifierBalance: 3n,
    locksHash: ZeroHash,
    ...evidenceOf(3),
    ...more,
  });
  const start = async (given: State, by = kit.requester) =>
    await kit.as(by).startClosing(channel, given, await kit.signState(channel, given));
  const challenge = async (given: State) =>
    await kit.as(kit.stranger).challenge(channel, given, await kit.signState(channel, given));
  const status = async () => (await kit.channels.statusOf(channelId)).status;
  return { ...kit, channel, channelId, state, start, challenge, status };
}
