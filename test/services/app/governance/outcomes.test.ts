import { expect } from 'chai';
import { digestOf, OutcomeExchange } from '../../../../services/app/governance/OutcomeExchange.ts';
import { resultData } from '../../../../services/app/governance/resultData.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { verifyProposalResult } from '../../../../services/core/governance/proposalResult.ts';
import type { ProposalId } from '../../../../services/core/governance/signing.ts';
import { systemClock } from '../../../../services/lib/clock.ts';
import { devAddress, type RunningChain, startChain } from '../../../support/chains.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { until } from '../../../support/until.ts';
import { generalDraft, type KitCentre, type ProposalKit, proposalKit, suspensionDraft } from './proposalKit.ts';

describe('what comes of a proposal', () => {
  let running: RunningChain;
  let kit: ProposalKit;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
  });
  after(() => running.stop());
  afterEach(() => kit.dispose());
  const fresh = async (options?: Parameters<typeof proposalKit>[1]): Promise<readonly KitCentre[]> => {
    kit = await proposalKit(running.rpcUrl, options);
    return kit.centres;
  };
  const pass = async (centre: KitCentre, text: string, voters = [0, 1, 2]): Promise<ProposalId> => {
    const { proposalId } = await centre.actions.propose(text);
    await kit.governance.castVotes(
      proposalId,
      await Promise.all(voters.map((voter) => kit.ballot(proposalId, voter, 'for'))),
    );
    await centre.confirmed(proposalId, ({ outcome }) => outcome !== undefined);
    return proposalId;
  };
  const committee = { epoch: 1, members: [0, 1, 2, 3].map(devAddress) };

  it('is not asked for of so many proposals at once that the others would blame who asks', async () => {
    const limits = { requestsPerSecond: 12, requestBurst: 15 };
    const [one, other] = await fresh({ centres: 2, nets: true, limits, clock: systemClock });
    const count = 30;
    const proposed = Array.from({ length: count }, (_, each) => {
      // Nobody has its content.
      const contentHash = `0x${String(each + 1).padStart(64, '0')}` as const;
      return kit.propose({ ...kit.draft('general', {}), contentHash });
    });
    const ids = (await Promise.all(proposed)).map(({ proposalId }) => proposalId);
    for (const id of ids) await other!.confirmed(id);
    other!.startDuties();
    const asked = () =>
      other!.log.filter(({ message }) => message === 'content: not now').map(({ data }) => data.proposalId);
    await until('all to be asked for', () => new Set(asked()).size === count);
    const seen = one!.parts.replication!.net.peers().find(({ address }) => address === devAddress(1))!;
    expect(seen.score).to.equal(0);
  });

  it('is signed by all centres, each of which has all signatures in the end', async () => {
    const centres = await fresh({ centres: 4, nets: true });
    for (const centre of centres.slice(0, 3)) centre.startDuties();
    const id = await pass(centres[0]!, generalDraft('signed'));
    const undecided = await centres[0]!.actions.propose(generalDraft('open'));
    const basis = { governor: kit.governance.governor, committee };
    const resultAt = async (centre: KitCentre, of: ProposalId) => resultData(centre.parts, await centre.confirmed(of));
    await until('three have signed', async () => {
      const result = await resultAt(centres[1]!, id);
      return result !== undefined && verifyProposalResult(result, basis).confirmedBy.length === 3;
    });
    // One comes later.
    centres[3]!.startDuties();
    for (const centre of centres) {
      const result = await until('all have signed', async () => {
        const found = await resultAt(centre, id);
        return found?.data.signatures.length === 4 && found;
      });
      const verified = verifyProposalResult(result, basis);
      expect(verified.confirmedBy).to.deep.equal(committee.members);
      expect(verified.outcome).to.deep.include({ decision: 'passed', forVotes: 3 });
      expect(result.transaction).to.deep.include({ from: devAddress(0), amountWei: '0' });
      expect(result.transaction.recipient).to.equal(kit.governance.governor.contract);
    }
    const open = await resultAt(centres[0]!, undecided.proposalId);
    expect(open!.data).to.deep.include({ result: null, signatures: [], participantId: devAddress(0) });
    expect(verifyProposalResult(open, basis).isConfirmed).to.equal(false);
  });

  it('is signed once, even if the chain says something else later', async () => {
    const [centre] = await fresh();
    const id = await pass(centre!, generalDraft('once'));
    const proposal = await centre!.confirmed(id);
    const outcomes = new OutcomeExchange(centre!.parts);
    await outcomes.sign(proposal);
    const [signed] = await centre!.store.outcomeSignatures(id);
    const reorganised = { ...proposal, outcome: { ...proposal.outcome!, decidedAt: 5 } };
    await outcomes.sign(reorganised);
    await outcomes.sign(reorganised);
    expect(await centre!.store.outcomeSignatures(id)).to.deep.equal([signed]);
    expect(centre!.log.filter(({ level }) => level === 'error')).to.have.length(1);
    expect((await resultData(centre!.parts, reorganised))!.data.signatures).to.deep.equal([]);
  });

  it('takes no signature of another centre from one that made it up', async () => {
    const [one, other] = await fresh({ centres: 2, nets: true });
    const id = await pass(one!, generalDraft('made up'));
    const proposal = await one!.confirmed(id);
    const digest = digestOf(one!.parts, proposal.outcome!);
    const forged = { proposalId: id, centre: devAddress(2), digest, signature: `0x${'11'.repeat(65)}` as const };
    await other!.store.keepOutcomeSignatures([forged]);
    await new OutcomeExchange(one!.parts).gather(proposal, new AbortController().signal);
    expect(await one!.store.outcomeSignatures(id)).to.deep.equal([]);
    const [peer] = one!.parts.replication!.net.peers();
    expect(peer!.score).to.be.greaterThan(0);
  });

  it('is taken back by its proposer before the vote starts, and only then', async () => {
    const [one, other] = await fresh({ centres: 2, rules: { general: { delaySeconds: 3_000 } } });
    const { proposalId } = await one!.actions.propose(generalDraft('back'));
    await expectCode('elector-unknown', other!.actions.cancel(proposalId));
    const done = await one!.actions.cancel(proposalId);
    expect(await one!.actions.cancel(proposalId)).to.deep.equal(done);
    const { outcome } = await one!.confirmed(proposalId, ({ canceled }) => canceled !== undefined);
    expect(outcome?.decision).to.equal('canceled');
    await expectCode('proposal-state', one!.actions.execute(proposalId));
    await expectCode('proposal-state', one!.actions.vote(proposalId, { support: 'against' }));
  });

  it('is executed once, by whoever comes first, and by another centre where the proposer’s does not', async () => {
    const centres = await fresh({ centres: 3, dutyStepMs: 500 });
    const id = await pass(centres[0]!, suspensionDraft('out', 3));
    const all = await Promise.all(centres.map(({ actions }) => actions.execute(id)));
    const hashes = new Set(all.map(({ transactionHash }) => transactionHash));
    expect([...hashes].filter((hash) => hash !== undefined)).to.have.length(1);
    expect((await kit.events()).filter(({ type }) => type === 'proposal.executed')).to.have.length(1);
    const general = await pass(centres[0]!, generalDraft('nothing to do'));
    const next = await pass(centres[0]!, suspensionDraft('out too', 2));
    for (const centre of centres.slice(1)) centre.startDuties();
    const { executed } = await centres[1]!.confirmed(next, (proposal) => proposal.executed !== undefined);
    const { from } = (await kit.governance.transactionData(executed!.transactionHash))!;
    expect([1, 2].map(devAddress)).to.include(from);
    expect((await kit.governance.proposal(general))!.state).to.equal('succeeded');
  });

  it('is left to others where the operator wants that', async () => {
    const [centre] = await fresh({ autoExecute: false });
    centre!.startDuties();
    const id = await pass(centre!, suspensionDraft('by hand', 3));
    const signed = (of: ProposalId) =>
      until('its signature', async () => (await centre!.store.outcomeSignatures(of)).length === 1);
    await signed(id);
    // One look later.
    await signed(await pass(centre!, generalDraft('later')));
    expect((await kit.governance.proposal(id))!.state).to.equal('succeeded');
    await centre!.actions.execute(id);
    expect((await kit.governance.proposal(id))!.state).to.equal('executed');
  });

  it('is told to the operator where it cannot be executed', async () => {
    const [centre] = await fresh();
    await centre!.actions.execute(await pass(centre!, suspensionDraft('first', 3)));
    const id = await pass(centre!, suspensionDraft('again', 3));
    centre!.startDuties();
    const alerts = async () =>
      (await centre!.store.eventsAfter(0, 1_000)).filter(
        ({ type, data }) => type === 'alert' && data.proposalId === id,
      );
    await until('an alert', async () => (await alerts()).length > 0);
    expect((await alerts())[0]!.data).to.include({ code: 'chain-call-rejected' });
    expect((await kit.governance.proposal(id))!.state).to.equal('succeeded');
  });

  it('is left alone for a while where it cannot be executed, also when the disk does not take the alert', async () => {
    const [centre] = await fresh();
    await centre!.actions.execute(await pass(centre!, suspensionDraft('first', 3)));
    await pass(centre!, suspensionDraft('again', 3));
    const appendEvent = () => Promise.reject(new NotariumError('storage-full'));
    Object.assign(centre!.store, { appendEvent });
    centre!.startDuties();
    const said = (text: string) => centre!.log.some(({ message }) => message === text);
    const lost = 'an alert about a proposal could not be kept';
    await until('the alert to be lost', () => said('execution: refused') && said(lost));
    const later = await pass(centre!, generalDraft('later'));
    await until('its signature', async () => (await centre!.store.outcomeSignatures(later)).length === 1);
  });
});
