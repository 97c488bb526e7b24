import { expect } from 'chai';
import { BallotPauses } from '../../../../services/app/governance/BallotPauses.ts';
import { ballotBatches, maxBatchBytes } from '../../../../services/app/governance/ballotBatches.ts';
import { handInBallots } from '../../../../services/app/governance/handInBallots.ts';
import { type Hash, toHex } from '../../../../services/core/bytes.ts';
import { maxReasonBytes } from '../../../../services/core/governance/ballot.ts';
import { ballotDigest, type ProposalId } from '../../../../services/core/governance/signing.ts';
import type { StoredBallot } from '../../../../services/store/BallotStore.ts';
import { type RunningChain, startChain } from '../../../support/chains.ts';
import { randomSigner } from '../../../support/recordKit.ts';
import { generalDraft, type KitCentre, type ProposalKit, proposalKit } from './proposalKit.ts';

const alone = () => ({ pauses: new BallotPauses(), signal: new AbortController().signal, executes: true });
const voters = Array.from({ length: 36 }, () => randomSigner());

describe('ballots with long reasons', () => {
  let running: RunningChain;
  let kit: ProposalKit;
  let centre: KitCentre;
  const limitBlocks = (gas: number) => kit.rpc('evm_setBlockGasLimit', [`0x${gas.toString(16)}`]);
  before(async () => {
    running = await startChain({ kind: 'hardhat' });
    const more = voters.map(({ address }) => address);
    // Not decided before the last vote.
    kit = await proposalKit(running.rpcUrl, { more, rules: { general: { aggregation: 'unanimity' } } });
    centre = kit.centres[0]!;
  });
  after(async () => {
    await kit?.dispose();
    await running.stop();
  });

  async function ballotsOn(proposalId: ProposalId): Promise<StoredBallot[]> {
    const { governor } = kit.governance;
    return await Promise.all(
      voters.map(async (signer) => {
        const reason = 'ä'.repeat(maxReasonBytes / 2);
        const ballot = { proposalId, voter: signer.address, support: 'for' as const, reason };
        return { ...ballot, signature: toHex(await signer.sign(ballotDigest(governor, ballot))) };
      }),
    );
  }

  /** Hands them in, and gives the transactions that counted them. */
  async function handedIn(title: string): Promise<{ counted: number; transactions: Hash[] }> {
    const { proposalId } = await centre.actions.propose(generalDraft(title));
    const proposal = await centre.confirmed(proposalId);
    for (const ballot of await ballotsOn(proposalId)) await centre.store.keepBallot(ballot);
    await handInBallots(centre.parts, proposal, alone());
    const { votes } = await centre.confirmed(proposalId, (now) => now.votes.length === voters.length);
    expect(votes.map(({ voter }) => voter)).to.have.members(voters.map(({ address }) => address));
    expect(votes.every(({ reason }) => reason.length === maxReasonBytes / 2)).to.equal(true);
    return {
      counted: (await kit.governance.proposal(proposalId))!.forVotes,
      transactions: [...new Set(votes.map(({ place }) => place.transactionHash))],
    };
  }

  it('are handed in by transactions that a node passes on', async () => {
    const { counted, transactions } = await handedIn('large');
    expect(counted).to.equal(voters.length);
    expect(transactions).to.have.length(2);
    for (const hash of transactions) {
      const { input } = (await kit.rpc('eth_getTransactionByHash', [hash])) as { input: string };
      // Selector, proposal, where the two lists begin, their lengths.
      expect((input.length - 2) / 2).to.be.at.most(maxBatchBytes + 4 + 5 * 32);
    }
  });

  it('are halved where a block has no room for so many', async () => {
    await limitBlocks(700_000);
    try {
      const { counted, transactions } = await handedIn('small blocks');
      expect(counted).to.equal(voters.length);
      expect(transactions.length).to.be.within(4, 12);
    } finally {
      await limitBlocks(30_000_000);
    }
  });

  it('keep their order, and stand alone where nothing else fits', () => {
    const ballot = (reasonBytes: number): StoredBallot => ({
      proposalId: `0x${'00'.repeat(32)}` as const,
      voter: voters[0]!.address,
      support: 'for',
      reason: 'x'.repeat(reasonBytes),
      signature: `0x${'00'.repeat(65)}`,
    });
    // A vote takes 320 bytes beside its reason: this one leaves room for one more without any.
    const full = ballot(maxBatchBytes - 2 * 320);
    expect(ballotBatches([])).to.deep.equal([]);
    expect(ballotBatches([full, ballot(0), ballot(0)])).to.deep.equal([[full, ballot(0)], [ballot(0)]]);
    expect(ballotBatches([ballot(1), full, full])).to.deep.equal([[ballot(1)], [full], [full]]);
  });
});
