import type { Address, Hash } from '../../core/bytes.ts';
import type { ChannelState } from '../../core/channels/state.ts';
import { invalidAnswer } from '../../lib/invalidAnswer.ts';
import { channelsInterface } from '../interfaces.ts';
import type { RawLog } from '../logPages.ts';
import type { ChannelEvent } from './ChannelEvent.ts';

type Fact<E> = E extends unknown ? Omit<E, 'place'> : never;
type RawState = {
  version: bigint;
  requesterBalance: bigint;
  verifierBalance: bigint;
  locksHash: string;
  evidenceRoot: string;
  evidenceCount: bigint;
};

const account = (text: unknown): Address => String(text).toLowerCase() as Address;

/** What an event of `EvidenceChannels` says. Counts beyond 2^53 come out as rounded: no tree has so many leaves. */
export function parseEvent(log: RawLog): Fact<ChannelEvent> {
  const parsed = channelsInterface.parseLog(log);
  if (!parsed) throw invalidAnswer('an event that EvidenceChannels does not have');
  const { args } = parsed;
  const channelId = args.channelId as Hash;
  switch (parsed.name) {
    case 'ChannelOpened': {
      const { amount, salt } = args;
      const [requester, verifier, token] = [args.requester, args.verifier, args.token].map(account);
      const challengeSeconds = Number(args.challengeSeconds);
      return {
        type: 'opened',
        channelId,
        channel: { requester: requester!, verifier: verifier!, token: token!, amount, challengeSeconds, salt },
      };
    }
    case 'ChannelDeposited':
      return { type: 'deposited', channelId, held: args.held };
    case 'ChannelClosing':
      return {
        type: 'closing',
        channelId,
        deadline: Number(args.deadline),
        salt: args.salt,
        state: stateOf(args.state as RawState),
      };
    case 'ChannelSettled':
      return {
        type: 'settled',
        channelId,
        evidenceRoot: args.evidenceRoot,
        evidenceCount: Number(args.evidenceCount),
        requesterPayout: args.requesterPayout,
        verifierPayout: args.verifierPayout,
      };
    case 'EvidenceAnchored':
      return {
        type: 'anchored',
        channelId,
        evidenceRoot: args.evidenceRoot,
        evidenceCount: Number(args.evidenceCount),
      };
    case 'KeyRevealed':
      return { type: 'revealed', keyHash: args.keyHash, key: args.key };
    case 'Credited':
      return { type: 'credited', token: account(args.token), account: account(args.account), amount: args.amount };
    case 'Withdrawn': {
      const [token, owner, to] = [args.token, args.account, args.to].map(account);
      return { type: 'withdrawn', token: token!, account: owner!, to: to!, amount: args.amount };
    }
    default:
      throw invalidAnswer(`event ${parsed.name} was not asked for`);
  }
}

function stateOf(raw: RawState): ChannelState {
  return {
    version: Number(raw.version),
    requesterBalance: raw.requesterBalance,
    verifierBalance: raw.verifierBalance,
    locksHash: raw.locksHash as Hash,
    evidenceRoot: raw.evidenceRoot as Hash,
    evidenceCount: Number(raw.evidenceCount),
  };
}
