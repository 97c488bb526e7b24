import { expect } from 'chai';
import type { NodeRegistry } from '../../types/ethers-contracts/index.ts';
import { applicationName, applicationOf, attestationDigest, attestedBy, strictRules } from './support/admissionKit.ts';
import { entryOf, memberOf } from './support/anchorKit.ts';
import { createGovernorKit, fieldsOf, majority, states, support } from './support/governorKit.ts';

const yes = (...places: number[]) => places.map((place) => [place, support.for] as const);

describe('ConsortiumGovernor, admission', () => {
  /** A candidate that has applied and published, by attestation of members 0 and 1. */
  async function setUp() {
    const kit = await createGovernorKit();
    const { registry, members, governorDomain } = kit;
    await kit.pass('parameter', [kit.call.setAdmissionRules(strictRules)]);
    const attesters = members.slice(0, 2);
    const calls = attesters.map(({ address }) => kit.call.authenticator(address, true));
    await kit.pass('authenticator', calls);
    const [, candidate] = await kit.ethers.getSigners();
    const entry = { ...entryOf(memberOf(9), 9), account: candidate!.address };
    const domain = { ...governorDomain, verifyingContract: await registry.getAddress() };
    const application = applicationOf(entry, { expiry: (await kit.now()) + 1_000n });
    const own = registry.connect(candidate!) as unknown as NodeRegistry;
    await own.applyFor(application, attestedBy(attesters, attestationDigest(domain, entry, application)));
    await registry.publish(entry, application);
    return { ...kit, entry, name: applicationName(entry, application) };
  }

  it('admits by votes and execution in one transaction', async () => {
    const kit = await setUp();
    const { governor, registry, entry } = kit;
    const proposed = await kit.propose('admission', [kit.call.admit(entry.account, kit.name)]);
    const succeeded = `0x${(1n << states.succeeded).toString(16).padStart(64, '0')}`;
    // Two of four do not decide yet: then nothing has happened.
    await expect(kit.castAndExecute(proposed, yes(0, 1)))
      .to.be.revertedWithCustomError(governor, 'GovernorUnexpectedProposalState')
      .withArgs(proposed.id, states.active, succeeded);
    expect((await governor.proposal(proposed.id)).voters).to.equal(0n);
    const others = { ...proposed, draft: { ...proposed.draft, calls: [kit.call.activate(entry.account)] } };
    await expect(kit.castAndExecute(others, yes(0, 1, 2))).to.be.revertedWithCustomError(
      governor,
      'GovernorNonexistentProposal',
    );
    await expect(kit.castAndExecute(proposed, yes(0, 1, 2)))
      .to.emit(governor, 'VoteCast')
      .withArgs(kit.members[2]!.address, proposed.id, support.for, 1n, '')
      .and.to.emit(governor, 'ProposalExecuted')
      .withArgs(proposed.id)
      .and.to.emit(registry, 'NodeActivated')
      .withArgs(entry.account);
    expect(await kit.state(proposed)).to.equal(states.executed);
    expect(await governor.executing()).to.equal(0n);
    expect((await registry.committee()).members[4]).to.equal(entry.account);
    await expect(kit.castAndExecute(proposed, yes(3))).to.be.revertedWithCustomError(
      governor,
      'GovernorUnexpectedProposalState',
    );
  });

  it('takes no vote back where a call fails, nor any vote with it', async () => {
    const kit = await setUp();
    const { registry, entry, name } = kit;
    const proposed = await kit.propose('admission', [kit.call.admit(entry.account, name)]);
    await kit.castBatch(proposed, yes(0));
    await kit.pass('removal', [kit.call.ban(entry.account)]);
    await expect(kit.castAndExecute(proposed, yes(1, 2)))
      .to.be.revertedWithCustomError(registry, 'TransitionRefused')
      .withArgs(entry.account, 5n, 2n);
    expect(await kit.state(proposed)).to.equal(states.active);
    expect((await kit.governor.proposal(proposed.id)).forVotes).to.equal(1n);
  });

  it('sets the rules for candidates by a passed proposal only', async () => {
    const kit = await createGovernorKit();
    const { governor, registry } = kit;
    await expect(governor.setAdmissionRules(strictRules)).to.be.revertedWithCustomError(
      governor,
      'GovernorOnlyExecutor',
    );
    await kit.pass('parameter', [kit.call.setAdmissionRules(strictRules), kit.call.setRule('general', majority)]);
    expect(fieldsOf(await registry.admissionRules())).to.deep.equal(strictRules);
    await expect(
      kit.pass('parameter', [kit.call.setAdmissionRules({ ...strictRules, reapplySeconds: 0n })]),
    ).to.be.revertedWithCustomError(registry, 'ReapplyZero');
  });

  it('bans, takes a ban back, and gives a node another key', async () => {
    const kit = await createGovernorKit();
    const { registry, members } = kit;
    const last = members[3]!.address;
    const entry = entryOf(memberOf(9), 9);
    await kit.pass('admission', [kit.call.rotate(last, entry)]);
    expect((await registry.committee()).members[3]).to.equal(entry.account);
    await kit.pass('removal', [kit.call.ban(last), kit.call.ban(entry.account)]);
    expect((await registry.committee()).members).to.have.length(3);
    await kit.pass('removal', [kit.call.unban(last)]);
    expect((await registry.node(last)).status).to.equal(4n);
  });
});
