import { AbiCoder } from 'ethers';
import type { Address, Hash, Hex } from '../../core/bytes.ts';
import { aggregations, type ProposalKind, proposalKinds, supports } from '../../core/governance/names.ts';
import { proposalIdOf } from '../../core/governance/signing.ts';
import { hashPattern } from '../../core/schemas.ts';
import { invalidAnswer } from '../../lib/invalidAnswer.ts';
import type { GovernanceEvent } from '../Governance.ts';
import { governorInterface } from '../interfaces.ts';
import type { RawLog } from '../logPages.ts';
import { lenientText } from './lenientText.ts';
import { nameAt } from './readProposal.ts';

/** What an event says, without its place. */
export type Said<E = GovernanceEvent> = E extends unknown ? Omit<E, 'place'> : never;

const descriptionPattern = new RegExp(`^(${proposalKinds.join('|')}) (${hashPattern})#proposer=`);

/** `ProposalCreated` with the `ProposalSigned` that comes with it. */
export function createdEvent(log: RawLog, signed: RawLog): Said {
  const { args } = governorInterface.parseLog(log)!;
  const proof = governorInterface.parseLog(signed)!.args;
  const description = String(args.description);
  const [, kind, contentHash] = descriptionPattern.exec(description) ?? [];
  if (kind === undefined || proof.proposalId !== args.proposalId) throw invalidAnswer('a proposal of another contract');
  return {
    type: 'proposal.created',
    proposalId: proposalIdOf(args.proposalId),
    proposer: lowerCase(args.proposer),
    kind: kind as ProposalKind,
    contentHash: contentHash as Hash,
    voteStart: Number(args.voteStart),
    voteEnd: Number(args.voteEnd),
    validUntil: Number(proof.validUntil),
    signature: proof.signature as Hex,
    calls: [...args.calldatas] as Hex[],
    description,
  };
}

/** Any other event of the governor. */
export function governorEvent(log: RawLog): Said {
  const parsed = governorInterface.parseLog(log);
  const args = parsed?.args;
  switch (parsed?.name) {
    case 'VoteCast':
      return voteEvent(log);
    case 'ProposalCanceled':
      return { type: 'proposal.canceled', proposalId: proposalIdOf(args!.proposalId) };
    case 'ProposalExecuted':
      return { type: 'proposal.executed', proposalId: proposalIdOf(args!.proposalId) };
    case 'RuleSet':
      return {
        type: 'rule.set',
        kind: nameAt(proposalKinds, args!.kind),
        rule: {
          aggregation: nameAt(aggregations, args!.aggregation),
          quorumShare: Number(args!.quorumShare),
          delaySeconds: Number(args!.delaySeconds),
          periodSeconds: Number(args!.periodSeconds),
        },
      };
    case 'WeightsSet':
      return {
        type: 'weights.set',
        version: Number(args!.version),
        weights: [...args!.weights].map(({ account, votes }) => ({
          account: lowerCase(account),
          votes: Number(votes),
        })),
      };
    default:
      throw invalidAnswer('a log that was not asked for');
  }
}

// The reason is the voter's, and may be no text.
function voteEvent({ topics, data }: RawLog): Said {
  const types = ['uint256', 'uint8', 'uint256', 'bytes'];
  const [proposalId, support, votes, reason] = AbiCoder.defaultAbiCoder().decode(types, data);
  return {
    type: 'vote.cast',
    proposalId: proposalIdOf(proposalId),
    voter: lowerCase(`0x${topics[1]!.slice(-40)}`),
    support: nameAt(supports, support),
    votes: Number(votes),
    reason: lenientText(reason),
  };
}

function lowerCase(address: string): Address {
  return address.toLowerCase() as Address;
}
