import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { Interface } from 'ethers';
import { BallotPauses } from '../../../../services/app/governance/BallotPauses.ts';
import { handInBallots } from '../../../../services/app/governance/handInBallots.ts';
import type { ProposalProjection } from '../../../../services/app/governance/projections.ts';
import { type Address, type Hex, toHex } from '../../../../services/core/bytes.ts';
import { ballotDigest } from '../../../../services/core/governance/signing.ts';
import { localSigner } from '../../../../services/lib/localSigner.ts';
import { devAddress, devKey, type RunningChain, sendAsDeployer, startChain } from '../../../support/chains.ts';
import { until } from '../../../support/until.ts';
import { crypto } from '../../chain/chainKit.ts';
import { generalDraft, type KitCentre, type ProposalKit, proposalKit, suspensionDraft } from './proposalKit.ts';

const artifact = new URL(
  '../../../../artifacts/test/contracts/support/GovernorDoubles.sol/TestWallet.json',
  import.meta.url,
);
const moods = { honest: 0, lying: 4, burning: 5 };

describe('ballots of contract wallets', () => {
  let running: RunningChain;
  let kit: ProposalKit;
  let centre: KitCentre;
  let wallet: Interface;
  let account: Address;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
    const { abi, bytecode } = JSON.parse(await readFile(artifact, 'utf8'));
    wallet = new Interface(abi);
    const data = `${bytecode}${wallet.encodeDeploy([devAddress(1)]).slice(2)}` as Hex;
    account = (await sendAsDeployer(running.rpcUrl, 'wallet', { data })).contractAddress;
    // Not decided before the last vote.
    kit = await proposalKit(running.rpcUrl, { more: [account], rules: { general: { aggregation: 'unanimity' } } });
    centre = kit.centres[0]!;
  });
  after(async () => {
    await kit?.dispose();
    await running.stop();
  });

  async function become(mood: number): Promise<void> {
    const data = wallet.encodeFunctionData('setMood', [mood, devAddress(0), '0x']) as Hex;
    await sendAsDeployer(running.rpcUrl, 'mood', { to: account, data });
  }

  /** A proposal with ballots of the wallet and of members 1 to 3 kept by the centre. */
  async function balloted(title: string, draft = generalDraft(title)): Promise<ProposalProjection> {
    const { proposalId } = await centre.actions.propose(draft);
    const proposal = await centre.confirmed(proposalId);
    const ballot = { proposalId, voter: account, support: 'for', reason: '' } as const;
    const signature = await localSigner(devKey(1), crypto).sign(ballotDigest(kit.governance.governor, ballot));
    await centre.store.keepBallot({ ...ballot, signature: toHex(signature) });
    for (const voter of [1, 2, 3]) {
      const given = await kit.ballot(proposalId, voter, 'for');
      await centre.store.keepBallot({ ...given, signature: toHex(given.signature) });
    }
    return proposal;
  }

  const sent = async (): Promise<number> =>
    Number(await kit.rpc('eth_getTransactionCount', [centre.parts.signer.address, 'latest']));
  const forVotes = async ({ proposalId }: ProposalProjection) => (await kit.governance.proposal(proposalId))!.forVotes;
  const handIn = (proposal: ProposalProjection, pauses: BallotPauses) =>
    handInBallots(centre.parts, proposal, { pauses, signal: new AbortController().signal, executes: true });

  it('count like those of keys', async () => {
    await become(moods.honest);
    const proposal = await balloted('honest');
    await handIn(proposal, new BallotPauses());
    expect(await forVotes(proposal)).to.equal(4);
  });

  it('are handed in without the execution, whose gas would hide what they take', async () => {
    await become(moods.honest);
    const proposal = await balloted('suspension', suspensionDraft('suspension', 3));
    await handIn(proposal, new BallotPauses());
    expect(await kit.governance.proposal(proposal.proposalId)).to.deep.include({ state: 'succeeded', forVotes: 4 });
  });

  it('that are good only while nobody pays cost gas a few times, not for ever', async () => {
    await become(moods.lying);
    const proposal = await balloted('lying');
    const before = await sent();
    const pauses = new BallotPauses();
    await handIn(proposal, pauses);
    expect(await forVotes(proposal)).to.equal(3);
    const after = await sent();
    expect(after - before).to.be.at.most(8);
    await handIn(proposal, pauses);
    expect(await sent()).to.equal(after);
    expect(pauses.isDue(account)).to.equal(false);
  });

  it('are not handed in where the wallet takes millions of gas', async () => {
    await become(moods.burning);
    const proposal = await balloted('burning');
    const pauses = new BallotPauses();
    const first = (await kit.governance.newestBlock()).number;
    await handIn(proposal, pauses);
    expect(await forVotes(proposal)).to.equal(3);
    for (let number = first + 1; number <= (await kit.governance.newestBlock()).number; number++) {
      const { gasUsed } = (await kit.rpc('eth_getBlockByNumber', [`0x${number.toString(16)}`, false])) as {
        gasUsed: string;
      };
      expect(Number(gasUsed)).to.be.lessThan(500_000);
    }
  });

  it('hold up nobody whose ballot comes later', async () => {
    await become(moods.lying);
    const { proposalId } = await balloted('late');
    const { store } = centre;
    await store.dropBallot((await store.ballots(proposalId)).find(({ voter }) => voter === devAddress(3))!);
    const own = await kit.ballot(proposalId, 0, 'for');
    await store.keepBallot({ ...own, signature: toHex(own.signature) });
    const pauses = new BallotPauses();
    const proposal = await centre.confirmed(proposalId);
    await handIn(proposal, pauses);
    const late = await kit.ballot(proposalId, 3, 'for');
    await store.keepBallot({ ...late, signature: toHex(late.signature) });
    await handIn(proposal, pauses);
    await until('the late vote', async () => (await forVotes(proposal)) === 4);
  });
});
