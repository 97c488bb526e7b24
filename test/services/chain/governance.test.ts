import { expect } from 'chai';
import { consortiumGovernorAt } from '../../../services/chain/contracts.ts';
import type { ProposalDraft } from '../../../services/chain/Governance.ts';
import { toHex } from '../../../services/core/bytes.ts';
import { resourceSetId } from '../../../services/core/governance/configuration.ts';
import { proposalKinds } from '../../../services/core/governance/names.ts';
import { devAddress } from '../../support/chains.ts';
import { expectCode } from '../../support/expectCode.ts';
import { governorOf } from '../../support/governor.ts';
import { rpcProxy } from '../../support/rpcProxy.ts';
import { chainKit } from './chainKit.ts';
import { freshGovernance } from './freshGovernance.ts';

const unknown = `0x${'ab'.repeat(32)}` as const;
const configurationHash = `0x${'c0'.repeat(32)}` as const;

describe('governance of a chain', () => {
  const governed = freshGovernance('hardhat');
  const { fresh } = governed;

  const version = (base: number, hash = configurationHash, uri = '/v1/contents/x') =>
    governed.kit.draft('resource', {
      resourceSet: 'web',
      base,
      patch: [{ op: 'add', path: '/a', value: 1 }],
      configurationHash: hash,
      uri,
    });

  it('is there once the registry has a governor that is one', async () => {
    const { chain, deployed, close } = Object.assign(await chainKit(governed.running.rpcUrl), {
      close: () => chain.close(),
    });
    expect(chain.governance).to.equal(undefined);
    await governorOf(governed.running.rpcUrl, deployed.registry);
    await chain.nodes();
    expect(chain.governance).to.equal(undefined);
    close();
    const { governance, openReader } = await fresh();
    expect(governance.governor.chainId).to.equal(31337);
    const reader = await openReader();
    expect(reader.governance?.governor).to.deep.equal(governance.governor);
    expect(reader.governance?.resources).to.deep.equal(governance.resources);
    const draft = governed.kit.draft('general', {});
    await expectCode('key-missing', reader.governance!.propose(draft, await governed.kit.sign(draft)));
    reader.close();
  });

  it('numbers every kind of proposal as the contract does', async () => {
    const { governance, rpc } = await fresh();
    const contract = consortiumGovernorAt(governance.governor.contract, rpc);
    const node = {
      account: devAddress(5),
      name: 'Fünf',
      endpoint: 'http://127.0.0.1:9',
      encryptionKey: unknown,
      noteKey: unknown,
    };
    const rule = { aggregation: 'weighted', quorumShare: 1, delaySeconds: 2, periodSeconds: 3 } as const;
    const drafts: Record<string, ProposalDraft> = {
      admission: governed.kit.draft('admission', {
        steps: [
          { do: 'enroll', node },
          { do: 'activate', account: node.account },
          { do: 'update', node },
          { do: 'admit', account: node.account, application: node.account },
          { do: 'rotate', account: devAddress(1), node },
        ],
      }),
      suspension: governed.kit.draft('suspension', { accounts: [devAddress(1), devAddress(2)] }),
      removal: governed.kit.draft('removal', {
        accounts: [devAddress(1)],
        ban: [devAddress(5)],
        unban: [devAddress(6)],
      }),
      authenticator: governed.kit.draft('authenticator', { changes: [{ account: devAddress(1), isAllowed: true }] }),
      parameter: governed.kit.draft('parameter', {
        rules: [{ kind: 'resource', rule }],
        weights: [{ account: devAddress(1), votes: 7 }],
        admission: {
          manifestHash: unknown,
          attestations: 1,
          reapplySeconds: 2,
          minScore: 3,
          renewSeconds: 4,
          minHashesPerSecond: 5,
          memoryMiB: 6,
          minMemoryPassesPerMinute: 7,
          minWrittenMiBPerSecond: 8,
          minReadMiBPerSecond: 9,
        },
      }),
      resource: version(0),
      general: governed.kit.draft('general', {}),
    };
    expect(Object.keys(drafts)).to.deep.equal([...proposalKinds]);
    for (const draft of Object.values(drafts)) {
      const { content, contentHash, validUntil } = draft;
      const calls = governance.callsOf(content);
      const kind = proposalKinds.indexOf(content.kind);
      const [proposalId, description] = await contract.describe(
        { kind, contentHash, validUntil, calls },
        content.proposer,
      );
      expect(BigInt(await governance.proposalIdOf(draft)), content.kind).to.equal(proposalId);
      // The contract takes each of them: what it does is of its kind.
      const event = await governed.kit.propose(draft);
      expect(event).to.deep.include({ kind: content.kind, description, calls, contentHash, validUntil });
      expect(event.proposer).to.equal(devAddress(0));
      expect(event.signature).to.equal(toHex(await governed.kit.sign(draft)));
    }
  });

  it('takes a proposal once, by a centre, signed by it', async () => {
    const { governance, draft, sign } = await fresh();
    const proposed = draft('general', {}, 1);
    await expectCode('ballot-invalid', governance.propose(proposed, await sign(proposed, 2)));
    const mined = await governance.propose(proposed, await sign(proposed));
    expect(Number(mined.gasUsed)).to.be.greaterThan(21_000);
    await expectCode('proposal-exists', governance.propose(proposed, await sign(proposed)));
    const stranger = draft('general', {}, 5);
    await expectCode('elector-unknown', governance.propose(stranger, await sign(stranger)));
    const late = { ...draft('general', {}), validUntil: 1 };
    const { data } = await expectCode('chain-call-rejected', governance.propose(late, await sign(late)));
    expect(data).to.have.property('error', 'DraftExpired');
    const outdated = version(3);
    const { data: base } = await expectCode('proposal-outdated', governance.propose(outdated, await sign(outdated)));
    expect(base?.args).to.deep.include({ have: 3, want: 0 });
  });

  it('tells the same proposal sent twice at once from none', async () => {
    const { governance, draft, sign } = await fresh();
    const proposed = draft('general', {});
    const signature = await sign(proposed);
    const ends = await Promise.allSettled([
      governance.propose(proposed, signature),
      governance.propose(proposed, signature),
    ]);
    // Either may be the first; where that one's is in a block before the other one is ready, the other one is told so.
    expect(ends.map(({ status }) => status)).to.include('fulfilled');
    for (const end of ends)
      if (end.status === 'rejected') expect(end.reason).to.have.property('code', 'proposal-exists');
    expect((await governed.kit.events()).filter(({ type }) => type === 'proposal.created')).to.have.length(1);
  });

  it('counts own votes', async () => {
    const { governance, draft, propose } = await fresh();
    const { proposalId } = await propose(draft('general', {}));
    const vote = { proposalId, support: 'for', reason: '' } as const;
    await expectCode('proposal-unknown', governance.castVote({ ...vote, proposalId: unknown }));
    const stranger = await governed.kit.as(5);
    await expectCode('elector-unknown', stranger.castVote(vote));
    await governance.castVote(vote);
    await expectCode('vote-cast', governance.castVote({ ...vote, support: 'against' }));
    await (await governed.kit.as(1)).castVote({ ...vote, support: 'against', reason: 'zu früh ✗' });
    const proposal = (await governance.proposal(proposalId))!;
    expect(proposal).to.deep.include({
      state: 'active',
      kind: 'general',
      aggregation: 'majority',
      proposer: devAddress(0),
      epoch: 1,
      forVotes: 1,
      againstVotes: 1,
      abstainVotes: 0,
      totalVotes: 4,
      quorumVotes: 2,
    });
    expect(proposal.electorate).to.deep.equal(
      [true, true, false, false].map((hasVoted, index) => ({ account: devAddress(index), votes: 1, hasVoted })),
    );
    expect(await governance.proposal(unknown)).to.equal(undefined);
    const votes = (await governed.kit.events()).filter(({ type }) => type === 'vote.cast');
    expect(votes.map(({ place: _, ...said }) => said)).to.deep.equal([
      { type: 'vote.cast', proposalId, voter: devAddress(0), support: 'for', votes: 1, reason: '' },
      { type: 'vote.cast', proposalId, voter: devAddress(1), support: 'against', votes: 1, reason: 'zu früh ✗' },
    ]);
  });

  it('hands collected votes in, with and without reasons, and passes over who has voted', async () => {
    const { governance, draft, propose, ballot } = await fresh();
    const { proposalId } = await propose(draft('general', {}));
    await governance.castVote({ proposalId, support: 'for', reason: '' });
    const votes = [
      await ballot(proposalId, 0, 'against'),
      await ballot(proposalId, 1, 'for'),
      await ballot(proposalId, 2, 'abstain', 'no view'),
    ];
    const forged = { ...(await ballot(proposalId, 3, 'for')), voter: devAddress(1) };
    await expectCode('ballot-invalid', governance.castVotes(proposalId, [forged]));
    await expectCode('ballot-invalid', governance.castVotes(proposalId, [{ ...votes[1]!, support: 'against' }]));
    await expectCode('ballot-invalid', governance.castVotes(proposalId, [{ ...votes[1]!, proposalId: unknown }]));
    await expectCode('elector-unknown', governance.castVotes(proposalId, [await ballot(proposalId, 5, 'for')]));
    await expectCode('proposal-unknown', governance.castVotes(unknown, []));
    await governance.castVotes(proposalId, votes);
    expect(await governance.proposal(proposalId)).to.deep.include({ forVotes: 2, againstVotes: 0, abstainVotes: 1 });
    const { reason } = (await governed.kit.events()).findLast((event) => event.type === 'vote.cast')!;
    expect(reason).to.equal('no view');
  });

  it('weighs votes', async () => {
    const weighted = { aggregation: 'weighted' } as const;
    const { governance, draft, pass, propose } = await fresh({ general: weighted });
    const weights = [{ account: devAddress(2), votes: 9 }];
    const rule = { aggregation: 'unanimity', quorumShare: 10_000, delaySeconds: 5, periodSeconds: 60 } as const;
    await governance.execute(await pass(draft('parameter', { rules: [{ kind: 'removal', rule }], weights })));
    const { proposalId } = await propose(draft('general', {}));
    const { electorate, totalVotes } = (await governance.proposal(proposalId))!;
    expect(electorate.map(({ votes }) => votes)).to.deep.equal([1, 1, 9, 1]);
    expect(totalVotes).to.equal(12);
    expect(await governance.rule('removal')).to.deep.equal(rule);
    const said = (await governed.kit.events()).map(({ place: _, ...event }) => event);
    expect(said).to.deep.include({ type: 'rule.set', kind: 'removal', rule });
    expect(said).to.deep.include({ type: 'weights.set', version: 1, weights });
  });

  it('takes a proposal back before the vote starts, by its proposer', async () => {
    const { governance, draft, propose, ballot } = await fresh({ general: { delaySeconds: 500 } });
    const first = await propose(draft('general', {}));
    await expectCode('proposal-state', governance.castVote({ ...first, support: 'for', reason: '' }));
    const votes = [await ballot(first.proposalId, 0, 'for')];
    await expectCode('proposal-state', governance.castVotes(first.proposalId, votes));
    await expectCode('proposal-state', governance.execute(first));
    await expectCode('elector-unknown', (await governed.kit.as(1)).cancel(first));
    await governance.cancel(first);
    await expectCode('proposal-state', governance.cancel(first));
    expect((await governance.proposal(first.proposalId))?.state).to.equal('canceled');
    await expectCode('proposal-unknown', governance.cancel({ ...first, description: 'another' }));
    expect((await governed.kit.events()).map(({ type }) => type)).to.include('proposal.canceled');
  });

  it('goes by the clock of a chain whose newest block is old', async () => {
    const { governance, draft, propose, wait } = await fresh({ general: { delaySeconds: 500 } });
    const { proposalId } = await propose(draft('general', {}));
    await wait(600);
    await governance.castVote({ proposalId, support: 'for', reason: '' });
    expect((await governance.proposal(proposalId))?.forVotes).to.equal(1);
  });

  it('executes what has passed, once, and says which call of it fails', async () => {
    const { governance, chain, draft, pass } = await fresh();
    const suspension = await pass(draft('suspension', { accounts: [devAddress(3)] }));
    const again = await pass(draft('suspension', { accounts: [devAddress(3)] }));
    await governance.execute(suspension);
    expect((await chain.committee()).members).to.deep.equal([0, 1, 2].map(devAddress));
    await expectCode('proposal-state', governance.execute(suspension));
    const { data } = await expectCode('chain-call-rejected', governance.execute(again));
    expect(data).to.deep.equal({
      error: 'TransitionRefused',
      args: { account: devAddress(3), have: 3, want: 3 },
    });
    expect((await governance.proposal(suspension.proposalId))?.state).to.equal('executed');
    expect((await governance.proposal(again.proposalId))?.state).to.equal('succeeded');
  });

  it('hands votes in that decide, and executes, in one transaction or not at all', async () => {
    const { governance, chain, draft, propose, ballot } = await fresh();
    const event = await propose(draft('suspension', { accounts: [devAddress(3)] }));
    const { proposalId } = event;
    const votes = [
      await ballot(proposalId, 0, 'for'),
      await ballot(proposalId, 1, 'for', 'away for a week'),
      await ballot(proposalId, 2, 'for'),
    ];
    await expectCode('proposal-state', governance.castVotesAndExecute(event, votes.slice(0, 2)));
    expect(await governance.proposal(proposalId)).to.deep.include({ forVotes: 0, state: 'active' });
    await expectCode('proposal-unknown', governance.castVotesAndExecute({ ...event, description: 'another' }, votes));
    await governance.castVotesAndExecute(event, votes);
    expect(await governance.proposal(proposalId)).to.deep.include({ forVotes: 3, state: 'executed' });
    expect((await chain.committee()).members).to.deep.equal([0, 1, 2].map(devAddress));
    expect((await governed.kit.events()).slice(-4).map(({ type }) => type)).to.deep.equal([
      'vote.cast',
      'vote.cast',
      'vote.cast',
      'proposal.executed',
    ]);
    await expectCode('proposal-state', governance.castVotesAndExecute(event, votes));
    const impossible = await propose(draft('admission', { steps: [{ do: 'activate', account: devAddress(1) }] }));
    const yes = await Promise.all([0, 1, 2].map((voter) => ballot(impossible.proposalId, voter, 'for')));
    const { data } = await expectCode('chain-call-rejected', governance.castVotesAndExecute(impossible, yes));
    expect(data).to.have.property('error', 'TransitionRefused');
    expect((await governance.proposal(impossible.proposalId))?.forVotes).to.equal(0);
  });

  it('keeps versions of a resource set and what the nodes report', async () => {
    const { governance, pass } = await fresh();
    const resourceSet = resourceSetId('web');
    expect(await governance.resourceHeads(resourceSet)).to.deep.equal({ head: 0, inForce: 0, count: 0 });
    await expectCode('resource-unknown', governance.resourceVersion(resourceSet, 1));
    const report = { resourceSet, version: 1, sequence: 5, actualHash: configurationHash, recordId: unknown };
    await expectCode('resource-unknown', governance.submitReport(report));
    const passed = await pass(version(0));
    const rival = await pass(version(0, unknown));
    await governance.execute(passed);
    const { data: late } = await expectCode('chain-call-rejected', governance.execute(rival));
    expect(late).to.have.property('error', 'BaseOutdated');
    await governance.submitReport(report);
    const { data: stale } = await expectCode('chain-call-rejected', governance.submitReport(report));
    expect(stale).to.have.property('error', 'ReportStale');
    expect(await governance.reportSequence(resourceSet, 1, devAddress(0))).to.equal(5);
    expect(await governance.reportSequence(resourceSet, 1, devAddress(1))).to.equal(0);
    await expectCode('elector-unknown', (await governed.kit.as(5)).submitReport(report));
    await (await governed.kit.as(1)).submitReport({ ...report, actualHash: unknown });
    const { passedAt, ...kept } = await governance.resourceVersion(resourceSet, 1);
    expect(passedAt).to.be.greaterThan(1_600_000_000);
    const { proposalId } = passed;
    const ofVersion = { configurationHash, proposalId, epoch: 1, parent: 0, uri: '/v1/contents/x' };
    expect(kept).to.deep.equal({ ...ofVersion, version: 1, state: 'applied', matching: 1, differing: 1 });
    for (const member of [2, 3]) await (await governed.kit.as(member)).submitReport(report);
    expect(await governance.resourceHeads(resourceSet)).to.deep.equal({ head: 1, inForce: 1, count: 1 });
    const said = (await governed.kit.events()).map(({ place: _, ...event }) => event);
    expect(said).to.deep.include({ type: 'version.added', resourceSet, version: 1, ...ofVersion });
    expect(said).to.deep.include({
      type: 'version.reported',
      ...report,
      actualHash: unknown,
      reporter: devAddress(1),
      matches: false,
    });
    expect(said.flatMap((event) => (event.type === 'version.state' ? event.state : []))).to.deep.equal([
      'applied',
      'verified',
    ]);
  });

  it('finds the block of the first rules, or says where it was told to begin', async () => {
    const { governance, openReader, deployed, rpc } = await fresh();
    const block = await governance.firstBlock();
    expect(block).to.be.greaterThan(deployed.fromBlock);
    expect((await governance.events(block, block)).map(({ type }) => type)).to.deep.equal(Array(7).fill('rule.set'));
    expect(await governance.events(deployed.fromBlock, block - 1)).to.deep.equal([]);
    expect(BigInt((await rpc('eth_blockNumber', [])) as string)).to.equal(BigInt(block + 2));
    // A node may say that it has forgotten old states, or answer as if there had been nothing.
    for (const forgotten of [{ error: { code: -32000, message: 'missing trie node' } }, { change: () => '0x' }]) {
      const proxy = await rpcProxy(governed.running.rpcUrl, ({ method, params }) =>
        method === 'eth_getCode' && Number(params[1]) <= block ? forgotten : undefined,
      );
      const reader = await openReader({ rpcUrl: proxy.rpcUrl });
      expect(await reader.governance!.firstBlock()).to.equal(deployed.fromBlock);
      reader.close();
      await proxy.close();
    }
  });
});
