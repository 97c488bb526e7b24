import type { GovernanceEvent } from '../../chain/Governance.ts';
import type { EventType } from '../../core/eventTypes.ts';
import type { NewNotice } from '../../store/GovernanceStore.ts';
import type { NewEvent } from '../../store/WriteOptions.ts';

/** Longest reason of a vote that an event carries whole. */
const maxReasonCharacters = 1_000;

type Told = Exclude<GovernanceEvent['type'], 'rule.set' | 'weights.set'> | 'proposal.decided';

/** What clients are told of each type: its fields, and where it stands on the chain. Rules are asked for when they matter. */
const fields: Readonly<Record<Told, readonly string[]>> = {
  'proposal.created': ['proposalId', 'proposer', 'kind', 'contentHash', 'voteStart', 'voteEnd'],
  'vote.cast': ['proposalId', 'voter', 'support', 'votes', 'reason'],
  'proposal.canceled': ['proposalId'],
  'proposal.executed': ['proposalId'],
  'proposal.decided': [
    'proposalId',
    'contentHash',
    'decision',
    'forVotes',
    'againstVotes',
    'abstainVotes',
    'decidedAt',
  ],
  'version.added': ['resourceSet', 'version', 'proposalId', 'parent', 'configurationHash', 'uri'],
  'version.reported': ['resourceSet', 'version', 'reporter', 'matches', 'sequence', 'actualHash', 'recordId'],
  'version.state': ['resourceSet', 'version', 'state'],
};

/** The event by which clients are told of a notice; undefined for those that they are not told of. */
export function clientEvent({ type, place, data }: NewNotice, nowMs: number): NewEvent<EventType> | undefined {
  if (!(type in fields)) return undefined;
  const said = fields[type as Told].map((name) => [name, name === 'reason' ? cut(String(data[name])) : data[name]]);
  const { blockNumber, transactionHash, timestamp } = place;
  return {
    type: type as Told,
    time: new Date(nowMs).toISOString(),
    data: { ...Object.fromEntries(said), blockNumber, transactionHash, timestamp },
  };
}

function cut(reason: string): string {
  return reason.length <= maxReasonCharacters ? reason : reason.slice(0, maxReasonCharacters).toWellFormed();
}
