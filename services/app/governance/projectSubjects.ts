import type { ChainBlock, Governance } from '../../chain/Governance.ts';
import { NotariumError } from '../../core/errors.ts';
import type { ProposalId } from '../../core/governance/signing.ts';
import type { NewNotice, Projection } from '../../store/GovernanceStore.ts';
import type { Store } from '../../store/Store.ts';
import { decisionNotice } from './noticeOf.ts';
import type { ProposalProjection } from './projections.ts';
import { type ProposalFacts, projectProposal } from './projectProposal.ts';
import { projectVersion } from './projectVersion.ts';

/** What subjects are computed from. */
export type SubjectSource = {
  readonly store: Pick<Store, 'noticesAbout' | 'projection'>;
  readonly governance: Pick<Governance, 'proposal'>;
};

/** What follows from notices: projections, and the decisions that are news. */
export type Projected = { readonly projections: Projection[]; readonly decisions: NewNotice[] };

/**
 * Computes subjects anew from the notices that are stored about them and those that have just been read.
 * @param confirmed Block up to which notices are there. Stored ones above it have been taken off the chain.
 */
export async function projectSubjects(
  source: SubjectSource,
  subjects: ReadonlySet<string>,
  read: readonly NewNotice[],
  confirmed: ChainBlock,
): Promise<Projected> {
  const readAbout = Map.groupBy(read, ({ subject }) => subject);
  const projections: Projection[] = [];
  const decisions: NewNotice[] = [];
  for (const subject of subjects) {
    if (!isProjected(subject)) continue;
    const stored = (await source.store.noticesAbout(subject)).filter(
      ({ place }) => place.blockNumber <= confirmed.number,
    );
    const notices = inChainOrder([...stored, ...(readAbout.get(subject) ?? [])]);
    if (subject.includes(':')) {
      projections.push({ subject, kind: 'version', body: projectVersion(notices) });
      continue;
    }
    const { projection, decision } = await projectOne(source, subject, notices, confirmed);
    projections.push(projection);
    if (decision && !stored.some(({ identity }) => identity === decision.identity)) decisions.push(decision);
  }
  return { projections, decisions };
}

async function projectOne(
  source: SubjectSource,
  subject: string,
  notices: readonly NewNotice[],
  confirmed: ChainBlock,
): Promise<{ readonly projection: Projection; readonly decision?: NewNotice }> {
  const created = notices.find(({ type }) => type === 'proposal.created');
  const projected = created && projectProposal(notices, await factsOf(source, created), confirmed.timestamp);
  if (!projected) return { projection: { subject, kind: 'proposal', body: undefined } };
  const { proposal, decidedIn } = projected;
  const { outcome, voteEnd } = proposal;
  if (!outcome) return { projection: { subject, kind: 'proposal', body: proposal, dueAt: voteEnd + 1 } };
  const byTime = {
    blockNumber: confirmed.number,
    blockHash: confirmed.hash,
    logIndex: 0,
    transactionHash: created.place.transactionHash,
    timestamp: confirmed.timestamp,
  };
  return {
    projection: { subject, kind: 'proposal', body: proposal },
    decision: decisionNotice(outcome, decidedIn ?? byTime),
  };
}

/** From the chain, once: in another block, a proposal may have got another rule and electorate. */
async function factsOf({ store, governance }: SubjectSource, created: NewNotice): Promise<ProposalFacts> {
  const { subject, place } = created;
  const known = (await store.projection(subject))?.body as ProposalProjection | undefined;
  const isSame = known?.created.blockHash === place.blockHash;
  const facts = isSame ? known : await governance.proposal(subject as ProposalId);
  if (!facts) throw new NotariumError('chain-answer-invalid', `the chain does not know proposal ${subject}`);
  const { epoch, aggregation, quorumVotes, totalVotes, electorate } = facts;
  return {
    epoch,
    aggregation,
    quorumVotes,
    totalVotes,
    electorate: electorate.map(({ account, votes }) => ({ account, votes })),
  };
}

/** Rules and weights follow from nothing but their last notice. */
function isProjected(subject: string): boolean {
  return subject.startsWith('0x');
}

function inChainOrder(notices: readonly NewNotice[]): NewNotice[] {
  // What is read again has its new place.
  const byIdentity = new Map(notices.map((notice) => [notice.identity, notice]));
  return [...byIdentity.values()].sort(
    ({ place: a }, { place: b }) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex,
  );
}
