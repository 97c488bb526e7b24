import { expect } from 'chai';
import { noticesOf } from '../../../../services/app/governance/noticeOf.ts';
import type { GovernanceEvent } from '../../../../services/chain/Governance.ts';

const hash = (byte: string) => `0x${byte.repeat(32)}` as const;
const account = `0x${'c1'.repeat(20)}` as const;
const placeIn = (transaction: string, logIndex = 0) => ({
  blockNumber: 4,
  blockHash: hash('b1'),
  logIndex,
  transactionHash: hash(transaction),
  timestamp: 17,
});

const rule = { aggregation: 'majority', quorumShare: 1, delaySeconds: 0, periodSeconds: 1 } as const;
const of = (place: GovernanceEvent['place']): GovernanceEvent[] => [
  { type: 'proposal.executed', proposalId: hash('01'), place },
  { type: 'vote.cast', proposalId: hash('01'), voter: account, support: 'for', votes: 1, reason: '', place },
  {
    type: 'version.reported',
    resourceSet: hash('05'),
    version: 2,
    reporter: account,
    matches: true,
    sequence: 3,
    actualHash: hash('06'),
    recordId: hash('07'),
    place,
  },
  { type: 'version.state', resourceSet: hash('05'), version: 2, state: 'verified', place },
];

const identities = (events: readonly GovernanceEvent[]) => noticesOf(events).map(({ identity }) => identity);

describe('noticesOf', () => {
  it('names an event by what it means: the same again in another block', () => {
    expect(identities(of(placeIn('a1')))).to.deep.equal(identities(of(placeIn('a2', 9))));
    expect(new Set(identities(of(placeIn('a1')))).size).to.equal(4);
  });

  it('keeps apart what differs: the voter’s support, the sequence of a report', () => {
    const [, vote, report] = of(placeIn('a1')) as [
      GovernanceEvent,
      Extract<GovernanceEvent, { type: 'vote.cast' }>,
      Extract<GovernanceEvent, { type: 'version.reported' }>,
      GovernanceEvent,
    ];
    const all = [vote, { ...vote, support: 'against' }, report, { ...report, sequence: 4 }] as const;
    expect(new Set(identities(all)).size).to.equal(4);
  });

  it('takes a rule that is set twice for two notices, in one transaction too', () => {
    const set = (transaction: string, logIndex: number): GovernanceEvent => ({
      type: 'rule.set',
      kind: 'general',
      rule,
      place: placeIn(transaction, logIndex),
    });
    const once = identities([set('a1', 0), set('a1', 1), set('a2', 0)]);
    expect(new Set(once).size).to.equal(3);
    // The place of the log in its block may change, the order in the transaction does not.
    expect(identities([set('a1', 5), set('a1', 6), set('a2', 0)])).to.deep.equal(once);
  });

  it('carries all of the event but its place', () => {
    const [{ subject, type, place, data }] = noticesOf(of(placeIn('a1'))) as [ReturnType<typeof noticesOf>[number]];
    expect({ subject, type, place, data }).to.deep.equal({
      subject: hash('01'),
      type: 'proposal.executed',
      place: placeIn('a1'),
      data: { proposalId: hash('01') },
    });
  });
});
