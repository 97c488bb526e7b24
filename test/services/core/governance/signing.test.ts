import { expect } from 'chai';
import { TypedDataEncoder } from 'ethers';
import { toHex } from '../../../../services/core/bytes.ts';
import { proposalKinds, supports } from '../../../../services/core/governance/names.ts';
import {
  ballotDigest,
  decisions,
  outcomeDigest,
  proposalDigest,
  proposalIdOf,
  reportDigest,
} from '../../../../services/core/governance/signing.ts';

const contract = `0x${'ab'.repeat(20)}` as const;
const verifier = { chainId: 31337, contract };
const domain = { name: 'Notarium', version: '1', chainId: 31337, verifyingContract: contract };
const hash = (byte: string) => `0x${byte.repeat(32)}` as const;
const account = `0x${'c1'.repeat(20)}` as const;

const fields = (type: string) =>
  type.split(',').map((field) => {
    const [kind, name] = field.split(' ') as [string, string];
    return { type: kind, name };
  });

/** What a wallet would sign. */
const typed = (name: string, type: string, value: Record<string, unknown>): string =>
  TypedDataEncoder.hash(domain, { [name]: fields(type) }, value);

describe('signed messages of proposals are those of EIP-712', () => {
  const proposalId = hash('12');

  it('Proposal, of every kind', () => {
    for (const [index, kind] of proposalKinds.entries()) {
      const digest = proposalDigest(verifier, { proposalId, kind, contentHash: hash('34'), validUntil: 1_763_700_000 });
      expect(toHex(digest)).to.equal(
        typed('Proposal', 'uint256 proposalId,uint8 kind,bytes32 contentHash,uint48 validUntil', {
          proposalId,
          kind: index,
          contentHash: hash('34'),
          validUntil: 1_763_700_000,
        }),
      );
    }
  });

  it('Ballot, with and without a reason', () => {
    for (const [index, support] of supports.entries()) {
      expect(toHex(ballotDigest(verifier, { proposalId, support, voter: account, reason: '' }))).to.equal(
        typed('Ballot', 'uint256 proposalId,uint8 support,address voter', {
          proposalId,
          support: index,
          voter: account,
        }),
      );
      expect(toHex(ballotDigest(verifier, { proposalId, support, voter: account, reason: 'café ☕' }))).to.equal(
        typed('ReasonedBallot', 'uint256 proposalId,uint8 support,address voter,string reason', {
          proposalId,
          support: index,
          voter: account,
          reason: 'café ☕',
        }),
      );
    }
  });

  it('ProposalOutcome, of every decision', () => {
    for (const [index, decision] of decisions.entries()) {
      const outcome = {
        proposalId,
        contentHash: hash('34'),
        forVotes: 3,
        againstVotes: 1,
        abstainVotes: 0,
        decidedAt: 17,
      };
      expect(toHex(outcomeDigest(verifier, { ...outcome, decision }))).to.equal(
        typed(
          'ProposalOutcome',
          'uint256 proposalId,bytes32 contentHash,uint8 decision,uint64 forVotes,uint64 againstVotes,uint64 abstainVotes,uint64 decidedAt',
          { ...outcome, decision: index },
        ),
      );
    }
  });

  it('Report', () => {
    const report = {
      resourceSet: hash('55'),
      version: 7,
      sequence: 2,
      actualHash: hash('66'),
      recordId: hash('77'),
      reporter: account,
    };
    const type =
      'bytes32 resourceSet,uint64 version,uint64 sequence,bytes32 actualHash,bytes32 recordId,address reporter';
    expect(toHex(reportDigest(verifier, report))).to.equal(typed('Report', type, report));
  });

  it('another chain or contract gives another digest', () => {
    const ballot = { proposalId, support: 'for', voter: account, reason: '' } as const;
    const digests = [verifier, { ...verifier, chainId: 1 }, { ...verifier, contract: account }].map((each) =>
      toHex(ballotDigest(each, ballot)),
    );
    expect(new Set(digests).size).to.equal(3);
  });

  it('a number is written with all of its digits', () => {
    expect(proposalIdOf(255n)).to.equal(`0x${'0'.repeat(62)}ff`);
    expect(proposalIdOf(2n ** 256n - 1n)).to.equal(`0x${'f'.repeat(64)}`);
  });
});
