import { type Hash, toHex } from '../../core/bytes.ts';
import { invalidAnswer } from '../../lib/invalidAnswer.ts';
import type { ChannelChain, ChannelStatus } from './ChannelChain.ts';
import type { ChannelSource } from './ChannelSource.ts';

const statuses = ['none', 'open', 'closing', 'settled'] as const;

type Views = Pick<ChannelChain, 'status' | 'held' | 'revealedAt' | 'credit' | 'anchoredEvidence' | 'verifyEvidence'>;

/** What reads something of the contract; see {@link ChannelChain}. */
export function viewsOf({ contract }: Pick<ChannelSource, 'contract'>): Views {
  return {
    async status(channelId): Promise<ChannelStatus> {
      const answer = await contract.statusOf(channelId);
      const status = statuses[Number(answer.status)];
      if (status === undefined) throw invalidAnswer(`status ${answer.status} of a channel`);
      if (status !== 'closing') return { status };
      return { status, deadline: Number(answer.deadline), version: Number(answer.version) };
    },
    held: (channel) => contract.heldOf(channel),
    async revealedAt(keyHash) {
      const time = Number(await contract.revealedAt(keyHash));
      return time === 0 ? undefined : time;
    },
    credit: (token, account) => contract.creditOf(token, account),
    async anchoredEvidence(channelId, evidenceCount) {
      const root = (await contract.anchoredEvidence(channelId, evidenceCount)) as Hash;
      return /^0x0*$/.test(root) ? undefined : root;
    },
    verifyEvidence: (channelId, digest, { root, leafIndex, treeSize, path }) =>
      contract.verifyEvidence(channelId, digest, { root, leafIndex, treeSize, path: path.map(toHex) }),
  };
}
