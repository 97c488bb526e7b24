import { type Address, type Hash, utf8 } from '../bytes.ts';
import { portableCrypto } from '../crypto.ts';
import { addressWord, hashWord, type Network, structHasher, uintWord } from '../eip712.ts';
import { type ProposalKind, proposalKinds, type Support, supports } from './names.ts';

/** Number of a proposal, `IGovernor.hashProposal`, as 32 bytes in hexadecimal. */
export type ProposalId = Hash;

/**
 * A contract that signed messages are bound to: `ConsortiumGovernor` for proposals, votes and results, `ResourceRegistry` for
 * reports, `NodeRegistry` for attestations of candidates. Not `BlockAnchor`, which knows nothing of them.
 */
export type Verifier = Network;

const proposalHasher = structHasher('Proposal(uint256 proposalId,uint8 kind,bytes32 contentHash,uint48 validUntil)');

/** What a proposer signs: EIP-712 `Proposal` under the governor. */
export function proposalDigest(
  governor: Verifier,
  proposal: { proposalId: ProposalId; kind: ProposalKind; contentHash: Hash; validUntil: number },
  keccak256 = portableCrypto.keccak256,
): Uint8Array {
  const { proposalId, kind, contentHash, validUntil } = proposal;
  const words = [
    hashWord(proposalId),
    uintWord(proposalKinds.indexOf(kind)),
    hashWord(contentHash),
    uintWord(validUntil),
  ];
  return proposalHasher.digest(governor, words, keccak256);
}

/** A vote. */
export type Ballot = {
  readonly proposalId: ProposalId;
  readonly support: Support;
  readonly voter: Address;
  /** Kept in the chain's events; empty for none. */
  readonly reason: string;
};

const ballotHasher = structHasher('Ballot(uint256 proposalId,uint8 support,address voter)');
const reasonedBallotHasher = structHasher(
  'ReasonedBallot(uint256 proposalId,uint8 support,address voter,string reason)',
);

/** What a voter signs under the governor: EIP-712 `Ballot`, or `ReasonedBallot` where there is a reason. */
export function ballotDigest(governor: Verifier, ballot: Ballot, keccak256 = portableCrypto.keccak256): Uint8Array {
  const { proposalId, support, voter, reason } = ballot;
  const words = [hashWord(proposalId), uintWord(supports.indexOf(support)), addressWord(voter)];
  if (reason === '') return ballotHasher.digest(governor, words, keccak256);
  return reasonedBallotHasher.digest(governor, [...words, keccak256(utf8(reason))], keccak256);
}

/** What came of the votes. */
export const decisions = ['passed', 'defeated', 'canceled'] as const;

/** See {@link decisions}. */
export type Decision = (typeof decisions)[number];

/** The outcome of a proposal as it follows from the chain's events alone; all centres sign the same. */
export type ProposalOutcome = {
  readonly proposalId: ProposalId;
  readonly contentHash: Hash;
  readonly decision: Decision;
  readonly forVotes: number;
  readonly againstVotes: number;
  readonly abstainVotes: number;
  /** Unix seconds: of the chain block with the vote that decided it or the cancellation, else the first second after the vote. */
  readonly decidedAt: number;
};

const outcomeHasher = structHasher(
  'ProposalOutcome(uint256 proposalId,bytes32 contentHash,uint8 decision,uint64 forVotes,uint64 againstVotes,uint64 abstainVotes,uint64 decidedAt)',
);

/** What centres sign to confirm a result: EIP-712 `ProposalOutcome` under the governor; `decision` is its place in {@link decisions}. */
export function outcomeDigest(
  governor: Verifier,
  outcome: ProposalOutcome,
  keccak256 = portableCrypto.keccak256,
): Uint8Array {
  const words = [
    hashWord(outcome.proposalId),
    hashWord(outcome.contentHash),
    uintWord(decisions.indexOf(outcome.decision)),
    uintWord(outcome.forVotes),
    uintWord(outcome.againstVotes),
    uintWord(outcome.abstainVotes),
    uintWord(outcome.decidedAt),
  ];
  return outcomeHasher.digest(governor, words, keccak256);
}

/** A node's finding about a version of a resource set, as the contract takes it. */
export type ResourceReport = {
  readonly resourceSet: Hash;
  readonly version: number;
  /** Greater than that of the node's report before on this version. */
  readonly sequence: number;
  /** SHA-256 of the canonical configuration that is really there. */
  readonly actualHash: Hash;
  /** Record id of the full report in the log; zero where there is none. */
  readonly recordId: Hash;
  readonly reporter: Address;
};

const reportHasher = structHasher(
  'Report(bytes32 resourceSet,uint64 version,uint64 sequence,bytes32 actualHash,bytes32 recordId,address reporter)',
);

/** What a node signs to report: EIP-712 `Report` under the resource registry. */
export function reportDigest(
  resources: Verifier,
  report: ResourceReport,
  keccak256 = portableCrypto.keccak256,
): Uint8Array {
  const words = [
    hashWord(report.resourceSet),
    uintWord(report.version),
    uintWord(report.sequence),
    hashWord(report.actualHash),
    hashWord(report.recordId),
    addressWord(report.reporter),
  ];
  return reportHasher.digest(resources, words, keccak256);
}

/** A proposal's number as the contract and IGovernor's tools write it. */
export function proposalIdOf(number: bigint): ProposalId {
  return `0x${number.toString(16).padStart(64, '0')}` as const;
}
