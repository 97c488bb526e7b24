import { expect } from 'chai';
import { type Address, type Hash, toHex } from '../../../../services/core/bytes.ts';
import { networkName } from '../../../../services/core/eip712.ts';
import { readProposalContent } from '../../../../services/core/governance/proposalContent.ts';
import {
  type ProposalResult,
  type ResultBasis,
  verifyProposalResult,
  verifyProposalResultByChain,
} from '../../../../services/core/governance/proposalResult.ts';
import { outcomeDigest, type ProposalOutcome, proposalDigest } from '../../../../services/core/governance/signing.ts';
import type { Signer } from '../../../../services/core/signature.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { randomSigner } from '../../../support/recordKit.ts';

const chainId = 31337;
const network = networkName({ chainId, contract: `0x${'ab'.repeat(20)}` as Address });
const governor = { chainId, contract: `0x${'cd'.repeat(20)}` as Address };
const hash = (byte: string): Hash => `0x${byte.repeat(32)}` as Hash;
const proposalId = hash('12');
const centres = [randomSigner(), randomSigner(), randomSigner(), randomSigner()];
const committee = { epoch: 3, members: centres.map(({ address }) => address) };
const basis: ResultBasis = { governor, committee, network };
const proposer = centres[0]!;

const { content, hash: contentHash } = readProposalContent({
  format: 'notarium-proposal/1',
  network,
  kind: 'general',
  title: 'A window',
  text: 'On Sunday.',
  time: '2026-11-21T01:30:00.000Z',
  proposer: proposer.address,
  effect: {},
});
const outcome: ProposalOutcome = {
  proposalId,
  contentHash,
  decision: 'passed',
  forVotes: 3,
  againstVotes: 1,
  abstainVotes: 0,
  decidedAt: 1_763_000_100,
};

async function confirmation(centre: Signer, over = outcome): Promise<{ centre: Address; signature: `0x${string}` }> {
  return { centre: centre.address, signature: toHex(await centre.sign(outcomeDigest(governor, over))) };
}

async function resultOf(changes: Partial<ProposalResult['data']> = {}): Promise<ProposalResult> {
  const validUntil = 1_763_000_600;
  const signed = proposalDigest(governor, { proposalId, kind: 'general', contentHash, validUntil });
  return {
    format: 'notarium-proposal-result/1',
    transaction: {
      hash: hash('34'),
      type: 2,
      nonce: 7,
      from: proposer.address,
      amountWei: '0',
      recipient: governor.contract,
      gasPriceWei: '1000000000',
      gasLimit: '90000',
      gasUsed: '74000',
      blockNumber: 12,
      signature: { r: hash('56'), s: hash('78'), v: 0 },
    },
    data: {
      proposalId,
      participantId: proposer.address,
      content,
      contentHash,
      time: 1_763_000_000,
      validUntil,
      proposerSignature: toHex(await proposer.sign(signed)),
      result: outcome,
      signatures: await Promise.all(centres.slice(0, 3).map((centre) => confirmation(centre))),
      ...changes,
    },
  };
}

describe('core/governance/proposalResult', () => {
  it('confirms a result that a quorum of the electorate has signed', async () => {
    const verified = verifyProposalResult(await resultOf(), basis);
    expect(verified).to.deep.equal({
      content,
      outcome,
      confirmedBy: committee.members.slice(0, 3),
      isConfirmed: true,
    });
  });

  it('counts a centre once, and confirms nothing below the quorum', async () => {
    const [first, second] = await Promise.all([confirmation(centres[0]!), confirmation(centres[1]!)]);
    const verified = verifyProposalResult(await resultOf({ signatures: [second, first, second] }), basis);
    expect(verified.confirmedBy).to.deep.equal(committee.members.slice(0, 2));
    expect(verified.isConfirmed).to.equal(false);
  });

  it('has no outcome while nothing is decided', async () => {
    const verified = verifyProposalResult(await resultOf({ result: null, signatures: [] }), basis);
    expect(verified).to.deep.equal({ content, confirmedBy: [], isConfirmed: false });
  });

  it('names what does not belong together', async () => {
    const wrong: [Partial<ProposalResult['data']>, string][] = [
      [{ content: { ...content, title: 'Another' } }, 'contentHash'],
      [{ participantId: centres[1]!.address }, 'participantId'],
      [{ result: { ...outcome, proposalId: hash('99') } }, 'result.proposalId'],
      [{ result: { ...outcome, contentHash: hash('99') } }, 'result.contentHash'],
    ];
    for (const [changes, field] of wrong) {
      const result = await resultOf(changes);
      const error = await expectCode('proposal-mismatch', () => verifyProposalResult(result, basis));
      expect(error.data.field).to.equal(field);
    }
    const result = await resultOf();
    const elsewhere = { ...basis, network: networkName({ chainId, contract: governor.contract }) };
    await expectCode('proposal-mismatch', () => verifyProposalResult(result, elsewhere));
    const otherChain = { ...basis, governor: { ...governor, chainId: 1 } };
    await expectCode('proposal-mismatch', () => verifyProposalResult(result, otherChain));
  });

  it('takes no signature over anything else', async () => {
    const changed = [
      { validUntil: 1_763_000_601 },
      { proposalId: hash('99'), result: null },
      { result: { ...outcome, decision: 'defeated' as const } },
      { result: { ...outcome, forVotes: 4 } },
      { signatures: [{ ...(await confirmation(centres[0]!)), centre: centres[1]!.address }] },
    ];
    for (const changes of changed) {
      const result = await resultOf(changes);
      await expectCode('signature-mismatch', () => verifyProposalResult(result, basis));
    }
    const otherGovernor = { ...basis, governor: { chainId, contract: `0x${'ef'.repeat(20)}` as Address } };
    const result = await resultOf();
    await expectCode('signature-mismatch', () => verifyProposalResult(result, otherGovernor));
  });

  it('leaves a signature that no key can have made to the chain', async () => {
    const proposerSignature = `0x${'5a'.repeat(130)}` as const;
    const result = await resultOf({ proposerSignature });
    const { data } = await expectCode('signature-needs-chain', () => verifyProposalResult(result, basis));
    expect(data.want).to.equal(proposer.address);
    const asked: unknown[] = [];
    const says = (answer: boolean) => async (account: Address, digest: Uint8Array, signature: Uint8Array) => {
      asked.push([account, toHex(signature)]);
      expect(digest).to.have.length(32);
      return answer;
    };
    const verified = await verifyProposalResultByChain(result, basis, says(true));
    expect(verified).to.deep.equal(verifyProposalResult(await resultOf(), basis));
    expect(asked).to.deep.equal([[proposer.address, proposerSignature]]);
    await expectCode('signature-mismatch', verifyProposalResultByChain(result, basis, says(false)));
    // 65 bytes may be those of a wallet's owner.
    const byOwner = await resultOf({ participantId: proposer.address, validUntil: 1_763_000_601 });
    await expectCode('signature-mismatch', () => verifyProposalResult(byOwner, basis));
    expect((await verifyProposalResultByChain(byOwner, basis, says(true))).isConfirmed).to.equal(true);
    // Nobody is asked about the signature of a key, nor about those of centres.
    asked.length = 0;
    await verifyProposalResultByChain(await resultOf(), basis, says(false));
    expect(asked).to.deep.equal([]);
    const foreign = await resultOf({
      signatures: [{ ...(await confirmation(centres[0]!)), centre: centres[1]!.address }],
    });
    await expectCode('signature-mismatch', verifyProposalResultByChain(foreign, basis, says(true)));
    await expectCode('proposal-invalid', () =>
      verifyProposalResult({ ...result, data: { ...result.data, proposerSignature: `0x${'5a'.repeat(1025)}` } }, basis),
    );
  });

  it('takes no confirmation of who is not in the electorate', async () => {
    const result = await resultOf({ signatures: [await confirmation(randomSigner())] });
    await expectCode('elector-unknown', () => verifyProposalResult(result, basis));
  });

  it('refuses another form', async () => {
    const result = await resultOf();
    for (const value of [undefined, {}, { ...result, format: 'notarium-proposal-result/2' }]) {
      await expectCode('proposal-invalid', () => verifyProposalResult(value, basis));
    }
  });
});
