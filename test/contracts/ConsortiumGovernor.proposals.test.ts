import { expect } from 'chai';
import { Interface, id } from 'ethers';
import { strictRules } from './support/admissionKit.ts';
import { compact, entryOf, memberOf } from './support/anchorKit.ts';
import {
  aggregations,
  createGovernorKit,
  type Draft,
  fieldsOf,
  type GovernorKit,
  type KindName,
  kinds,
  majority,
  states,
} from './support/governorKit.ts';

const propose = 'propose((uint8,bytes32,uint48,bytes[]),uint64,uint8,bytes)' as const;

describe('ConsortiumGovernor, proposals', () => {
  let kit: GovernorKit;
  before(async () => {
    kit = await createGovernorKit();
  });

  /** Handed in as it stands, signed by the member at `signer`. */
  const handIn = async (
    draft: Draft,
    changes: { epoch?: bigint; place?: number; signer?: number; signature?: string },
  ) => {
    const { epoch = 1n, place = 0, signer = place } = changes;
    const { id: proposalId } = await kit.describe(draft, (kit.members[place] ?? memberOf(place)).address);
    const signature = changes.signature ?? compact(kit.members[signer]!.key, kit.draftDigest(proposalId, draft));
    return kit.governor[propose](draft, epoch, place, signature);
  };
  const refused = async (draft: Draft, error: string, values: unknown[], changes: Parameters<typeof handIn>[1] = {}) =>
    await expect(handIn(draft, changes))
      .to.be.revertedWithCustomError(kit.governor, error)
      .withArgs(...values);

  it('are on chain with proposer, content, time and signature, and have the id of any other governor', async () => {
    const draft = kit.draftOf('suspension', [kit.call.suspend(kit.members[3]!.address)]);
    const proposed = await kit.describe(draft, kit.members[1]!.address);
    const signature = compact(kit.members[1]!.key, kit.draftDigest(proposed.id, draft));
    const sent = kit.governor[propose](draft, 1, 1, signature);
    const registry = await kit.registry.getAddress();
    await (await sent).wait();
    const now = await kit.now();
    await expect(sent)
      .to.emit(kit.governor, 'ProposalCreated')
      .withArgs(
        proposed.id,
        kit.members[1]!.address,
        [registry],
        [0n],
        [''],
        draft.calls,
        now,
        now + 3_600n,
        `suspension ${draft.contentHash}#proposer=${kit.members[1]!.address.toLowerCase()}`,
      );
    await expect(sent).to.emit(kit.governor, 'ProposalSigned').withArgs(proposed.id, draft.validUntil, signature);
    expect(await kit.governor.getProposalId(...proposed.args)).to.equal(proposed.id);
    const info = await kit.governor.proposal(proposed.id);
    expect(fieldsOf(info)).to.deep.equal({
      kind: kinds.suspension,
      aggregation: aggregations.majority,
      proposer: kit.members[1]!.address,
      epoch: 1n,
      voteStart: now,
      voteEnd: now + 3_600n,
      forVotes: 0n,
      againstVotes: 0n,
      abstainVotes: 0n,
      totalVotes: 4n,
      quorumVotes: 2n,
      voters: 0n,
    });
    await refused(draft, 'GovernorUnexpectedProposalState', [proposed.id, states.active, `0x${'0'.repeat(64)}`], {
      place: 1,
    });
  });

  it('describe each kind by its word', async () => {
    for (const name of Object.keys(kinds) as KindName[]) {
      const draft = { ...kit.draftOf(name), contentHash: `0x${'0123456789abcdef'.repeat(4)}` };
      expect((await kit.describe(draft, `0x${'0a'.repeat(20)}`)).description).to.equal(
        `${name} 0x${'0123456789abcdef'.repeat(4)}#proposer=0x${'0a'.repeat(20)}`,
      );
    }
  });

  it('carry several calls in the events as the compiler would encode them', async () => {
    const calls = [0, 1, 2].map((n) => kit.call.update({ ...entryOf(kit.members[n]!, n), name: 'N'.repeat(n * 20) }));
    const draft = kit.draftOf('admission', calls);
    const receipt = await (await kit.sendDraft(draft)).wait();
    const proposed = await kit.describe(draft);
    const log = receipt!.logs.find(
      ({ topics }) => topics[0] === kit.governor.interface.getEvent('ProposalCreated').topicHash,
    )!;
    const fragment = kit.governor.interface.getEvent('ProposalCreated');
    const [targets, values, callsOf] = proposed.args;
    const now = await kit.now();
    expect(log.data).to.equal(
      new Interface([fragment]).encodeEventLog(fragment, [
        proposed.id,
        kit.members[0]!.address,
        targets,
        values,
        ['', '', ''],
        callsOf,
        now,
        now + 3_600n,
        proposed.description,
      ]).data,
    );
    expect(await kit.governor.hashProposal(...proposed.args)).to.equal(proposed.id);
  });

  it('need the signature of a member of the current committee over just this draft, in time', async () => {
    const draft = kit.draftOf('general');
    const [first] = kit.members;
    await refused(draft, 'GovernorInvalidSignature', [first!.address], { signer: 1 });
    await refused(draft, 'GovernorInvalidSignature', [first!.address], { signature: '0x' });
    await refused(draft, 'PlaceUnknown', [4n, 4n], { place: 4, signer: 0 });
    await refused(draft, 'EpochMismatch', [2n, 1n], { epoch: 2n });
    await refused(draft, 'EpochMismatch', [0n, 1n], { epoch: 0n });
    const { id: proposalId } = await kit.describe(draft);
    for (const changes of [{ chainId: 1n }, { verifyingContract: kit.contract }]) {
      const digest = kit.draftDigest(proposalId, draft, { ...kit.governorDomain, ...changes });
      await refused(draft, 'GovernorInvalidSignature', [first!.address], { signature: compact(first!.key, digest) });
    }
    const other = compact(first!.key, kit.draftDigest(proposalId, { ...draft, validUntil: draft.validUntil + 1n }));
    await refused(draft, 'GovernorInvalidSignature', [first!.address], { signature: other });
    const now = await kit.now();
    await kit.setTime(now + 11n);
    await refused({ ...draft, validUntil: now + 10n }, 'DraftExpired', [now + 11n, now + 10n]);
    await kit.setTime(now + 20n);
    await handIn({ ...draft, validUntil: now + 20n }, {});
    await expect(
      kit.governor['propose(address[],uint256[],bytes[],string)']([], [], [], 'unsigned'),
    ).to.be.revertedWithCustomError(kit.governor, 'ProposalUnsigned');
  });

  it('call nothing but what their kind allows', async () => {
    const { call } = kit;
    const someone = kit.members[3]!.address;
    const calls = {
      enroll: call.enroll(entryOf(memberOf(9), 9)),
      activate: call.activate(someone),
      admit: call.admit(someone, someone),
      rotate: call.rotate(someone, entryOf(memberOf(9), 9)),
      update: call.update(entryOf(kit.members[3]!, 3)),
      suspend: call.suspend(someone),
      remove: call.remove(someone),
      ban: call.ban(someone),
      unban: call.unban(someone),
      authenticator: call.authenticator(someone, true),
      setRule: call.setRule('general', majority),
      setWeights: call.setWeights([]),
      setAdmissionRules: call.setAdmissionRules(strictRules),
      addVersion: call.addVersion(id('set'), 0n, id('configuration')),
      setGovernor: kit.registry.interface.encodeFunctionData('setGovernor', [someone]),
      cut: call.suspend(someone).slice(0, 8),
      empty: '0x',
    };
    const allowed: Record<KindName, (keyof typeof calls)[]> = {
      admission: ['enroll', 'activate', 'admit', 'rotate', 'update'],
      suspension: ['suspend'],
      removal: ['remove', 'ban', 'unban'],
      authenticator: ['authenticator'],
      parameter: ['setRule', 'setWeights', 'setAdmissionRules'],
      resource: ['addVersion'],
      general: [],
    };
    for (const [kind, names] of Object.entries(allowed) as [KindName, (keyof typeof calls)[]][]) {
      for (const [name, data] of Object.entries(calls) as [keyof typeof calls, string][]) {
        const draft = kit.draftOf(kind, [data]);
        if (names.includes(name)) await handIn(draft, {});
        else if (kind === 'general') await refused(draft, 'CallCountRefused', [kinds.general, 1n, 0n]);
        else await refused(draft, 'CallRefused', [kinds[kind], data.slice(0, 10).padEnd(10, '0')]);
      }
      if (kind === 'general') continue;
      await refused(kit.draftOf(kind, []), 'CallCountRefused', [kinds[kind], 0n, 8n]);
      const many = (count: number) => kit.draftOf(kind, new Array<string>(count).fill(calls[names[0]!]));
      await handIn(many(8), {});
      await refused(many(9), 'CallCountRefused', [kinds[kind], 9n, 8n]);
      await refused(kit.draftOf(kind, [calls[names[0]!], calls.setGovernor]), 'CallRefused', [
        kinds[kind],
        calls.setGovernor.slice(0, 10),
      ]);
    }
  });

  it('answer as governance tools ask', async () => {
    const { governor } = kit;
    expect(await governor.supportsInterface('0x01ffc9a7')).to.equal(true);
    expect(await governor.supportsInterface('0xffffffff')).to.equal(false);
    expect(await governor.name()).to.equal('Notarium');
    expect(await governor.version()).to.equal('1');
    expect(await governor.CLOCK_MODE()).to.equal('mode=timestamp');
    expect(await governor.COUNTING_MODE()).to.equal('support=bravo&quorum=against,for,abstain');
    expect(await governor.clock()).to.equal(await kit.now());
    expect(await governor.votingDelay()).to.equal(0n);
    expect(await governor.votingPeriod()).to.equal(3_600n);
    expect(await governor.quorum(0)).to.equal(2n);
    expect(await governor.proposalThreshold()).to.equal(1n);
    expect(await governor.getVotes(kit.members[0]!.address, 0)).to.equal(1n);
    expect(await governor.getVotesWithParams(memberOf(9).address, 0, '0x')).to.equal(0n);
    const proposed = await kit.propose('general');
    expect(await governor.proposalEta(proposed.id)).to.equal(0n);
    expect(await governor.proposalNeedsQueuing(proposed.id)).to.equal(false);
    await expect(governor.queue(...proposed.args))
      .to.be.revertedWithCustomError(governor, 'GovernorProposalQueueingNotRequired')
      .withArgs(proposed.id);
  });
});
