import type { GovernanceEvent } from '../../chain/Governance.ts';
import type { ProposalOutcome } from '../../core/governance/signing.ts';
import type { NewNotice } from '../../store/GovernanceStore.ts';

/**
 * Events of the chain as notices. The identity is what an event means and not where it stands, so that one that comes again
 * in another block is the same.
 */
export function noticesOf(events: readonly GovernanceEvent[]): NewNotice[] {
  const times = new Map<string, number>();
  const timesBefore = (what: string): number => {
    const before = times.get(what) ?? 0;
    times.set(what, before + 1);
    return before;
  };
  return events.map((event) => {
    const { place, type, ...data } = event;
    return { ...nameOf(event, timesBefore), type, place, data };
  });
}

/** The event that a notice of {@link noticesOf} was made from. */
export function eventOf({ type, place, data }: Pick<NewNotice, 'type' | 'place' | 'data'>): GovernanceEvent {
  return { type, place, ...data } as unknown as GovernanceEvent;
}

/** That a proposal is decided, which no event of the chain says. */
export function decisionNotice(outcome: ProposalOutcome, place: NewNotice['place']): NewNotice {
  const { proposalId, decision } = outcome;
  return {
    identity: `proposal.decided:${proposalId}:${decision}`,
    subject: proposalId,
    type: 'proposal.decided',
    place,
    data: { ...outcome },
  };
}

function nameOf(event: GovernanceEvent, timesBefore: (what: string) => number): { identity: string; subject: string } {
  switch (event.type) {
    case 'proposal.created':
    case 'proposal.canceled':
    case 'proposal.executed':
      return { identity: `${event.type}:${event.proposalId}`, subject: event.proposalId };
    case 'vote.cast':
      return { identity: `vote:${event.proposalId}:${event.voter}:${event.support}`, subject: event.proposalId };
    case 'version.added':
      return named('version', subjectOf(event));
    case 'version.reported':
      return named('report', subjectOf(event), event.reporter, event.sequence);
    // A version reaches each state but once.
    case 'version.state':
      return named('state', subjectOf(event), event.state);
    // Whatever was set may be set again: only the place tells two apart.
    case 'rule.set':
    case 'weights.set': {
      const what = `${event.type}:${event.place.transactionHash}`;
      return { identity: `${what}:${timesBefore(what)}`, subject: event.type };
    }
  }
}

/** The subject of a version of a resource set. */
export function subjectOf({ resourceSet, version }: { resourceSet: string; version: number }): string {
  return `${resourceSet}:${version}`;
}

function named(what: string, subject: string, ...more: (string | number)[]): { identity: string; subject: string } {
  return { identity: [what, subject, ...more].join(':'), subject };
}
