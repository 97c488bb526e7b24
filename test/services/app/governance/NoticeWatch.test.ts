import { expect } from 'chai';
import { toQuantity } from 'ethers';
import type { VersionProjection } from '../../../../services/app/governance/projections.ts';
import type { Store } from '../../../../services/store/Store.ts';
import { devAddress, type RunningChain, startChain } from '../../../support/chains.ts';
import { rpcProxy } from '../../../support/rpcProxy.ts';
import { until } from '../../../support/until.ts';
import { type GovernanceKit, governanceKit } from '../../chain/governanceKit.ts';
import { onBothDatabases, storePlace } from '../../store/storePlace.ts';
import { proposalOf, toldEvents, untilProposal, watchNotices } from './noticeKit.ts';

const configurationHash = `0x${'c0'.repeat(32)}` as const;
const otherHash = `0x${'c1'.repeat(32)}` as const;

describe('notices of the chain', () => {
  let running: RunningChain;
  let kit: GovernanceKit;
  let opened: AsyncDisposableStack;

  before(async () => {
    running = await startChain({ kind: 'hardhat' });
  });
  after(() => running.stop());
  beforeEach(() => {
    opened = new AsyncDisposableStack();
  });
  afterEach(async () => {
    await opened.disposeAsync();
    kit?.close();
  });

  const fresh = async (rules?: Parameters<typeof governanceKit>[1]): Promise<GovernanceKit> => {
    kit = await governanceKit(running.rpcUrl, rules);
    return kit;
  };
  const newStore = async (): Promise<Store> => await opened.use(await storePlace('sqlite')).open();
  const mine = (blocks: number) => kit.rpc('hardhat_mine', [toQuantity(blocks)]);
  const watched = (store: Store, changes: Parameters<typeof watchNotices>[2] = {}) =>
    opened.use(watchNotices(kit, store, changes));
  const vote = async (proposalId: `0x${string}`, voter: number, support: 'for' | 'against') =>
    (await kit.as(voter)).castVote({ proposalId, support, reason: '' });

  it('are told once each, in the order of the chain, with what follows from them', async () => {
    const { governance } = await fresh();
    const { store, told } = watched(await newStore());
    const { proposalId, contentHash } = await kit.pass(kit.draft('general', {}));
    const proposal = await untilProposal(store, proposalId, ({ outcome }) => outcome !== undefined);
    expect(proposal.electorate).to.deep.equal([0, 1, 2, 3].map((index) => ({ account: devAddress(index), votes: 1 })));
    expect(proposal).to.include({ kind: 'general', aggregation: 'majority', quorumVotes: 2, totalVotes: 4, epoch: 1 });
    expect(proposal.outcome).to.deep.equal({
      proposalId,
      contentHash,
      decision: 'passed',
      // Of the whole batch: the deciding vote does not end it.
      forVotes: 4,
      againstVotes: 0,
      abstainVotes: 0,
      decidedAt: proposal.votes[2]!.place.timestamp,
    });
    expect(await toldEvents(store)).to.deep.equal([
      'proposal.created',
      ...[0, 1, 2, 3].map((voter) => `vote.cast ${devAddress(voter)} for`),
      'proposal.decided passed',
    ]);
    const rules = await store.governanceEvents(0, 10, 'rule.set');
    expect(rules).to.have.length(7);
    expect(rules[0]!.place.blockNumber).to.equal(await governance.firstBlock());
    expect(await store.governanceEvents(0, 10, 'proposal.decided')).to.have.length(1);
    expect(told()).to.be.greaterThan(0);
  });

  it('tell of versions of resource sets, their reports and states', async () => {
    const { governance } = await fresh();
    const { store } = watched(await newStore());
    const draft = kit.draft('resource', {
      resourceSet: 'web',
      base: 0,
      patch: [{ op: 'add', path: '/a', value: 1 }],
      configurationHash,
      uri: '/v1/contents/x',
    });
    const event = await kit.pass(draft);
    await governance.execute(event);
    const { data } = await until('the version', async () => (await store.governanceEvents(0, 9, 'version.added'))[0]);
    const resourceSet = data.resourceSet as `0x${string}`;
    const recordId = `0x${'00'.repeat(32)}` as const;
    const report = { resourceSet, version: 1, actualHash: configurationHash, recordId };
    const before = await store.lastEventSeq();
    await governance.submitReport({ ...report, sequence: 1 });
    await governance.submitReport({ ...report, sequence: 2, actualHash: otherHash });
    for (const index of [1, 2, 3]) await (await kit.as(index)).submitReport({ ...report, sequence: 1 });
    const version = await until('all reports', async () => {
      const body = (await store.projection(`${resourceSet}:1`))?.body as VersionProjection | undefined;
      return body?.reports.length === 4 && body.state === 'verified' && body;
    });
    expect(version.reports).to.deep.include({
      reporter: devAddress(0),
      matches: false,
      sequence: 2,
      actualHash: otherHash,
      recordId: report.recordId,
      place: version.reports[0]!.place,
    });
    const types = (await store.eventsAfter(before, 20)).map(({ type }) => type);
    expect(types.filter((type) => type === 'version.reported')).to.have.length(5);
    expect(types.filter((type) => type === 'version.state')).not.to.have.length(0);
    expect((await proposalOf(store, event.proposalId))!.executed).to.include({ blockHash: version.added.blockHash });
  });

  it('follow a vote that ends without any event', async () => {
    await fresh();
    const { store, watch } = watched(await newStore());
    const { proposalId, voteEnd } = await kit.propose(kit.draft('general', {}));
    await vote(proposalId, 1, 'for');
    await kit.wait(3_601);
    await mine(1);
    const { outcome } = await untilProposal(store, proposalId, (proposal) => proposal.outcome !== undefined);
    expect(outcome).to.include({ decision: 'defeated', forVotes: 1, decidedAt: voteEnd + 1 });
    expect((await toldEvents(store)).at(-1)).to.equal('proposal.decided defeated');
    expect(watch.chainSeconds()).to.be.greaterThan(voteEnd);
  });

  it('wait for the confirmations', async () => {
    const { governance } = await fresh();
    const { store } = watched(await newStore(), { confirmations: 4 });
    const { proposalId, place } = await kit.propose(kit.draft('general', {}));
    await mine(2);
    const upTo = async () => (await store.noticeCheckpoints(1))[0]?.blockNumber ?? 0;
    // Its block has 3 confirmations now, and the one before it 4.
    await until(
      'the block before it',
      async () => (await upTo()) > 0 && (await store.governanceEvents(0, 9)).length > 0,
    );
    expect(await proposalOf(store, proposalId)).to.equal(undefined);
    await mine(1);
    await untilProposal(store, proposalId);
    expect((await governance.newestBlock()).number).to.equal(place.blockNumber + 3);
  });

  it('are the same after a gap of many blocks, read in pieces by a centre that is ended in mid-gap', async () => {
    await fresh();
    const passed = await kit.pass(kit.draft('general', {}));
    await mine(2_500);
    const open = await kit.propose(kit.draft('general', {}));
    await mine(2_500);
    await vote(open.proposalId, 2, 'against');
    const place = opened.use(await storePlace('sqlite'));
    let store = await place.open();
    const { saveNotices } = store;
    let saved = 0;
    // The end of the process at its worst moment: the batch is stored, or not, and nothing after it happens.
    for (const isStored of [true, false]) {
      await using dying = watchNotices(kit, {
        ...store,
        saveNotices: async (...args) => {
          if (isStored && saved === 0) await saveNotices(...args);
          saved++;
          throw new Error('the process has ended');
        },
      });
      await until('a failed batch', () => dying.problems.has('notices-delayed'));
      await dying.watch.close();
    }
    await store.close();
    store = await place.open();
    watched(store);
    await untilProposal(store, open.proposalId, ({ votes }) => votes.length === 1);
    const whole = await newStore();
    watched(whole);
    await untilProposal(whole, open.proposalId, ({ votes }) => votes.length === 1);
    expect(await toldEvents(store)).to.deep.equal(await toldEvents(whole));
    expect(await store.governanceEvents(0, 100)).to.deep.equal(await whole.governanceEvents(0, 100));
    for (const { proposalId } of [passed, open]) {
      expect(await proposalOf(store, proposalId)).to.deep.equal(await proposalOf(whole, proposalId));
    }
  });

  it('are told once although a reorganisation takes them off the chain and brings them again', async () => {
    await fresh();
    const { store, problems } = watched(await newStore());
    const draft = kit.draft('general', {});
    const kept = await kit.propose(kit.draft('general', {}));
    await untilProposal(store, kept.proposalId);
    const snapshot = await kit.rpc('evm_snapshot', []);
    const { proposalId, place } = await kit.propose(draft);
    for (const voter of [0, 1, 2]) await vote(proposalId, voter, 'for');
    const before = await untilProposal(store, proposalId, ({ outcome }) => outcome !== undefined);
    expect(before.outcome!.decision).to.equal('passed');
    await kit.rpc('evm_revert', [snapshot]);
    await kit.wait(100);
    await mine(9);
    await until('the proposal is gone', async () => (await proposalOf(store, proposalId)) === undefined);
    expect(await proposalOf(store, kept.proposalId)).not.to.equal(undefined);
    const again = await kit.propose(draft);
    expect(again.proposalId).to.equal(proposalId);
    expect(again.place.blockHash).not.to.equal(place.blockHash);
    await vote(proposalId, 0, 'for');
    await vote(proposalId, 1, 'against');
    for (const voter of [2, 3]) await vote(proposalId, voter, 'for');
    const after = await untilProposal(store, proposalId, ({ outcome }) => outcome !== undefined);
    expect(after.created).to.deep.equal(again.place);
    expect(after.votes.map(({ support }) => support)).to.deep.equal(['for', 'against', 'for', 'for']);
    expect(after.outcome).to.include({ decision: 'passed', forVotes: 3, againstVotes: 1 });
    expect(after.outcome!.decidedAt).to.be.greaterThan(before.outcome!.decidedAt);
    expect(await toldEvents(store)).to.deep.equal([
      'proposal.created',
      'proposal.created',
      ...[0, 1, 2].map((voter) => `vote.cast ${devAddress(voter)} for`),
      'proposal.decided passed',
      // What had not been so before is news.
      `vote.cast ${devAddress(1)} against`,
      `vote.cast ${devAddress(3)} for`,
    ]);
    const decided = await store.governanceEvents(0, 9, 'proposal.decided');
    expect(decided.map(({ data }) => data)).to.deep.equal([after.outcome]);
    expect(problems.list()).to.deep.equal([]);
  });

  it('are read though a range did not stand while it was read, and the newest block is the same again', async () => {
    const { governance } = await fresh();
    const { proposalId } = await kit.pass(kit.draft('general', {}));
    let asked = 0;
    // Of two nodes behind one address, one has another block at the end of the range, for this one question.
    const blockAt: GovernanceKit['governance']['blockAt'] = async (number) => {
      const block = await governance.blockAt(number);
      return block && ++asked === 2 ? { ...block, hash: otherHash } : block;
    };
    const flapping = new Proxy(governance, {
      get: (target, name) => {
        if (name === 'blockAt') return blockAt;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const { store } = watched(await newStore(), { governance: flapping });
    await untilProposal(store, proposalId, ({ outcome }) => outcome !== undefined);
  });

  it('say that the chain is away, and go on when it is back', async () => {
    await fresh();
    let isAway = true;
    const proxy = await rpcProxy(running.rpcUrl, () => (isAway ? { raw: 'away', status: 503 } : undefined));
    opened.defer(() => proxy.close());
    isAway = false;
    const chain = await kit.open({ rpcUrl: proxy.rpcUrl });
    opened.defer(() => chain.close());
    const { store, problems, told } = watched(await newStore(), { chain, governance: chain.governance! });
    await until('the first look', async () => (await store.governanceEvents(0, 9)).length === 7);
    isAway = true;
    await until('the problem', () => problems.has('notices-delayed'));
    const before = told();
    const { proposalId } = await kit.propose(kit.draft('general', {}));
    isAway = false;
    await untilProposal(store, proposalId);
    await until('no problem', () => problems.list().length === 0);
    expect(told()).to.be.greaterThan(before);
  });

  it('are told also where the answer to storing them was lost, and again to a handler that has failed', async () => {
    await fresh();
    const store = await newStore();
    let isLost = false;
    const { watch } = watched({
      ...store,
      async saveNotices(...batch) {
        await store.saveNotices(...batch);
        if (!isLost) return;
        isLost = false;
        throw new Error('the connection to the database was cut');
      },
    });
    await until('the first look', async () => (await store.governanceEvents(0, 9)).length === 7);
    let calls = 0;
    let knows = false;
    watch.onNotices(async () => {
      if ((await store.projections({ kind: 'proposal', limit: 1 })).length === 0) return;
      if (++calls === 1) throw new Error('the database is away');
      knows = true;
    });
    isLost = true;
    await kit.propose(kit.draft('general', {}));
    await until('the handler to know of the proposal', () => knows);
    expect(calls).to.be.greaterThan(1);
  });

  it('wait while the chain is shorter than it was, and go on where it grew', async () => {
    await fresh();
    const { store } = watched(await newStore());
    const first = await kit.propose(kit.draft('general', {}));
    await untilProposal(store, first.proposalId);
    const snapshot = await kit.rpc('evm_snapshot', []);
    const lost = await kit.propose(kit.draft('general', {}));
    await untilProposal(store, lost.proposalId);
    await kit.rpc('evm_revert', [snapshot]);
    await kit.wait(5);
    const { proposalId } = await kit.propose(kit.draft('general', {}));
    await untilProposal(store, proposalId);
    expect(await proposalOf(store, lost.proposalId)).to.equal(undefined);
  });
});

onBothDatabases('notices kept', (place, engine) => {
  let running: RunningChain;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
  });
  after(() => running.stop());

  it('are read by one process, and followed by the others', async function () {
    if (engine === 'sqlite') return this.skip();
    const kit = await governanceKit(running.rpcUrl);
    await using at = await place();
    const [one, two] = [await at.open(), await at.open()];
    await using first = watchNotices(kit, one);
    const a = await kit.propose(kit.draft('general', {}));
    await untilProposal(one, a.proposalId);
    await using second = watchNotices(kit, two);
    await using reader = watchNotices(kit, two, { isReading: false });
    await until('a first call', () => second.told() > 0 && reader.told() > 0);
    expect(await second.watch.lease()).to.equal(undefined);
    const before = [second.told(), reader.told()];
    const b = await kit.pass(kit.draft('general', {}));
    await untilProposal(two, b.proposalId, ({ outcome }) => outcome !== undefined);
    await until('they are told', () => second.told() > before[0]! && reader.told() > before[1]!);
    await first.watch.close();
    const c = await kit.propose(kit.draft('general', {}));
    await untilProposal(two, c.proposalId);
    expect(await reader.watch.lease()).to.equal(undefined);
    expect((await second.watch.lease())!.name).to.equal('notices');
    const told = await toldEvents(two);
    expect(told.filter((each) => each === 'proposal.created')).to.have.length(3);
    expect(told.filter((each) => each === 'proposal.decided passed')).to.have.length(1);
    expect(told.filter((each) => each.startsWith('vote.cast'))).to.have.length(4);
    kit.close();
  });

  it('are the same on both', async () => {
    const kit = await governanceKit(running.rpcUrl);
    await using at = await place();
    const store = await at.open();
    await using watching = watchNotices(kit, store);
    const { proposalId } = await kit.propose(kit.draft('general', {}));
    const reason = 'spoilt \ufffd text, and \u0000';
    await kit.governance.castVote({ proposalId, support: 'for', reason });
    const { votes } = await untilProposal(store, proposalId, (proposal) => proposal.votes.length === 1);
    expect(votes[0]!.reason).to.equal(reason);
    expect((await store.eventsAfter(0, 9)).at(-1)!.data.reason).to.equal(reason);
    expect(watching.problems.list()).to.deep.equal([]);
    kit.close();
  });
});
