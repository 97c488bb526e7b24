import { expect } from 'chai';
import { id, ZeroAddress } from 'ethers';
import { entryOf, memberOf } from './support/anchorKit.ts';
import { aggregations, createGovernorKit, fieldsOf, kinds, majority, states, support } from './support/governorKit.ts';

/** What the tests call of support/GovernorDoubles.sol. */
type CallingBackRegistry = {
  prepare(to: string, attempt: string): Promise<unknown>;
  answers(index: number): Promise<string>;
  answered(): Promise<bigint>;
  seen(): Promise<bigint>;
};

const { for: yes, against: no } = support;
const everybody = [0, 1, 2, 3].map((place) => [place, yes] as const);
const succeeded = `0x${(1n << states.succeeded).toString(16).padStart(64, '0')}`;
const pending = `0x${1n.toString(16).padStart(64, '0')}`;

describe('ConsortiumGovernor, what comes of proposals', () => {
  it('executes once, when passed, and before the vote is over if it is certain', async () => {
    const kit = await createGovernorKit();
    const suspect = kit.members[3]!.address;
    const proposed = await kit.propose('suspension', [kit.call.suspend(suspect)]);
    await expect(kit.execute(proposed))
      .to.be.revertedWithCustomError(kit.governor, 'GovernorUnexpectedProposalState')
      .withArgs(proposed.id, states.active, succeeded);
    await kit.castBatch(proposed, everybody.slice(0, 3));
    const [targets, values, calls, hash] = proposed.args;
    // Not what was proposed, so not known.
    for (const args of [
      [targets, [1n], calls, hash],
      [[kit.contract], values, calls, hash],
      [targets, values, [kit.call.remove(suspect)], hash],
      [targets, values, calls, id('other')],
    ] as const) {
      await expect(
        kit.governor.execute(args[0] as string[], args[1] as bigint[], args[2] as string[], args[3] as string),
      ).to.be.revertedWithCustomError(kit.governor, 'GovernorNonexistentProposal');
    }
    await expect(kit.governor.execute(...proposed.args, { value: 1n })).to.be.revertedWithCustomError(
      kit.governor,
      'GovernorDisabledDeposit',
    );
    await expect(kit.execute(proposed)).to.emit(kit.governor, 'ProposalExecuted').withArgs(proposed.id);
    expect(await kit.registry.isActive(suspect)).to.equal(false);
    expect(await kit.state(proposed)).to.equal(states.executed);
    await expect(kit.execute(proposed))
      .to.be.revertedWithCustomError(kit.governor, 'GovernorUnexpectedProposalState')
      .withArgs(proposed.id, states.executed, succeeded);
  });

  it('reverts with the reason of the call that failed, and can be tried again until it expires', async () => {
    const kit = await createGovernorKit();
    const [, , , last] = kit.members;
    const first = await kit.propose('suspension', [kit.call.suspend(last!.address)]);
    const again = await kit.propose('suspension', [kit.call.suspend(last!.address)]);
    for (const proposed of [first, again]) await kit.castBatch(proposed, everybody);
    const talk = await kit.propose('general');
    await kit.castBatch(talk, everybody);
    await kit.execute(first);
    await expect(kit.execute(again))
      .to.be.revertedWithCustomError(kit.registry, 'TransitionRefused')
      .withArgs(last!.address, 3n, 3n);
    expect(await kit.state(again)).to.equal(states.succeeded);
    const { voteEnd } = await kit.governor.proposal(again.id);
    const expiry = voteEnd + 30n * 86_400n;
    await kit.setTime(expiry);
    await kit.ethers.provider.send('evm_mine', []);
    expect(await kit.state(again)).to.equal(states.succeeded);
    await kit.setTime(expiry + 1n);
    await expect(kit.execute(again))
      .to.be.revertedWithCustomError(kit.governor, 'GovernorUnexpectedProposalState')
      .withArgs(again.id, states.expired, succeeded);
    // The result of a vote that does nothing is the vote itself.
    await kit.wait(86_400);
    expect(await kit.state(talk)).to.equal(states.succeeded);
  });

  it('is not executed when it is defeated, and executed with no effect when general', async () => {
    const kit = await createGovernorKit();
    const lost = await kit.propose('removal', [kit.call.remove(kit.members[3]!.address)]);
    await kit.castBatch(lost, [
      [0, no],
      [1, no],
    ]);
    await expect(kit.execute(lost))
      .to.be.revertedWithCustomError(kit.governor, 'GovernorUnexpectedProposalState')
      .withArgs(lost.id, states.defeated, succeeded);
    const talk = await kit.pass('general', []);
    expect(await kit.state(talk)).to.equal(states.executed);
  });

  it('is cancelled by the proposer before the vote begins, and by nobody later', async () => {
    const kit = await createGovernorKit({ rules: { general: { delaySeconds: 60n } } });
    const proposed = await kit.propose('general', [], 1);
    const proposer = kit.as(kit.governor, await kit.walletOf(1));
    const other = kit.as(kit.governor, await kit.walletOf(0));
    await expect(other.cancel(...proposed.args))
      .to.be.revertedWithCustomError(kit.governor, 'GovernorUnableToCancel')
      .withArgs(proposed.id, kit.members[0]!.address);
    await expect(proposer.cancel(...proposed.args))
      .to.emit(kit.governor, 'ProposalCanceled')
      .withArgs(proposed.id);
    expect(await kit.state(proposed)).to.equal(states.canceled);
    await kit.wait(61);
    expect(await kit.state(proposed)).to.equal(states.canceled);
    await expect(kit.castBatch(proposed, everybody)).to.be.revertedWithCustomError(
      kit.governor,
      'GovernorUnexpectedProposalState',
    );
    const late = await kit.propose('general', [], 1);
    const { voteStart } = await kit.governor.proposal(late.id);
    await kit.setTime(voteStart);
    await expect(proposer.cancel(...late.args))
      .to.be.revertedWithCustomError(kit.governor, 'GovernorUnexpectedProposalState')
      .withArgs(late.id, states.active, pending);
  });

  it('governs the nodes: enrolment, activation, update, authenticators, removal', async () => {
    const kit = await createGovernorKit();
    const newcomer = memberOf(20);
    const entry = entryOf(newcomer, 20);
    await kit.pass('admission', [kit.call.enroll(entry), kit.call.activate(newcomer.address)]);
    expect((await kit.registry.committee()).members).to.have.length(5);
    await kit.pass('admission', [kit.call.update({ ...entry, name: 'Renamed' })]);
    expect((await kit.registry.node(newcomer.address)).name).to.equal('Renamed');
    await kit.pass('authenticator', [kit.call.authenticator(newcomer.address, true)]);
    expect(await kit.registry.isAuthenticator(newcomer.address)).to.equal(true);
    await kit.pass('removal', [kit.call.remove(newcomer.address)]);
    expect(await kit.registry.isAuthenticator(newcomer.address)).to.equal(false);
    expect(await kit.registry.isActive(newcomer.address)).to.equal(false);
  });

  it('changes rules and weights by a passed proposal only, within bounds', async () => {
    const kit = await createGovernorKit();
    const { governor } = kit;
    const [stranger] = await kit.ethers.getSigners();
    const rule = { ...majority, aggregation: aggregations.twoThirds, quorumShare: 10_000n };
    await expect(governor.setRule(kinds.general, rule))
      .to.be.revertedWithCustomError(governor, 'GovernorOnlyExecutor')
      .withArgs(stranger!.address);
    await expect(governor.setWeights([])).to.be.revertedWithCustomError(governor, 'GovernorOnlyExecutor');
    await kit.pass('parameter', [kit.call.setRule('resource', rule)]);
    expect(fieldsOf(await governor.rule(kinds.resource))).to.deep.equal(rule);
    const account = kit.members[0]!.address;
    for (const [data, error, values] of [
      [kit.call.setRule('general', { ...rule, quorumShare: 10_001n }), 'QuorumInvalid', [10_001n, 10_000n]],
      [kit.call.setRule('general', { ...rule, periodSeconds: 0n }), 'PeriodZero', []],
      [kit.call.setWeights([{ account, votes: 0n }]), 'WeightZero', [account]],
      [kit.call.setWeights([1n, 2n].map((votes) => ({ account, votes }))), 'WeightsRefused', [1n]],
      [kit.call.setWeights([{ account: ZeroAddress, votes: 1n }]), 'WeightsRefused', [0n]],
    ] as const) {
      await expect(kit.pass('parameter', [data]))
        .to.be.revertedWithCustomError(governor, error)
        .withArgs(...values);
    }
    await kit.pass('parameter', [kit.call.setWeights([{ account, votes: 7n }])]);
    await kit.pass('parameter', [kit.call.setWeights([])]);
  });

  it('stands whoever it calls calling back', async () => {
    const kit = await createGovernorKit({ resources: 'CallingBackRegistry', members: [0, 1, 2, 3].map(memberOf) });
    const double = kit.resources as unknown as CallingBackRegistry;
    const governor = await kit.governor.getAddress();
    const main = await kit.propose('resource', [kit.call.addVersion(id('set'), 0n, id('a'))]);
    const other = await kit.propose('suspension', [kit.call.suspend(kit.members[3]!.address)]);
    for (const proposed of [main, other]) await kit.castBatch(proposed, everybody);
    const { interface: abi } = kit.governor;
    await double.prepare(governor, abi.encodeFunctionData('execute', main.args));
    await double.prepare(governor, abi.encodeFunctionData('cancel', main.args));
    await double.prepare(governor, abi.encodeFunctionData('castVote', [main.id, yes]));
    await double.prepare(
      governor,
      abi.encodeFunctionData('castVotesBySig', [main.id, kit.compactVotes(main.id, [[0, no]]), []]),
    );
    await double.prepare(governor, kit.call.setRule('general', majority));
    await double.prepare(governor, abi.encodeFunctionData('execute', other.args));
    await kit.execute(main);
    const selectorOf = (error: string) => abi.getError(error)!.selector;
    const answers = await Promise.all([0, 1, 2, 3, 4, 5].map((index) => double.answers(index)));
    expect(answers.map((answer) => answer.slice(0, 10))).to.deep.equal([
      selectorOf('GovernorUnexpectedProposalState'),
      selectorOf('GovernorUnexpectedProposalState'),
      selectorOf('GovernorUnexpectedProposalState'),
      selectorOf('GovernorUnexpectedProposalState'),
      selectorOf('GovernorOnlyExecutor'),
      // Another proposal that has passed is anyone's to execute, at any moment.
      '0x',
    ]);
    expect(await double.answered()).to.equal(6n);
    // Once, and in its own name again after the other one was executed in between.
    expect(await double.seen()).to.equal(main.id);
    expect(await kit.governor.executing()).to.equal(0n);
    for (const proposed of [main, other]) expect(await kit.state(proposed)).to.equal(states.executed);
    expect(await kit.registry.isActive(kit.members[3]!.address)).to.equal(false);
  });
});
