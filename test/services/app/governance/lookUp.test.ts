import { expect } from 'chai';
import type { GovernanceParts } from '../../../../services/app/governance/GovernanceParts.ts';
import { lookUp } from '../../../../services/app/governance/lookUp.ts';
import { openContents } from '../../../../services/app/governance/openContents.ts';
import type { ProposalLookUp } from '../../../../services/app/governance/ProposalLookUp.ts';
import { type Address, utf8 } from '../../../../services/core/bytes.ts';
import { canonicalText } from '../../../../services/core/canonicalJson.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { devAddress, type RunningChain, startChain } from '../../../support/chains.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { until } from '../../../support/until.ts';
import { crypto } from '../../chain/chainKit.ts';
import { type GovernanceKit, governanceKit } from '../../chain/governanceKit.ts';
import { storePlace } from '../../store/storePlace.ts';
import { untilProposal, type Watching, watchNotices } from './noticeKit.ts';

describe('looking up proposals', () => {
  let running: RunningChain;
  let kit: GovernanceKit;
  let opened: AsyncDisposableStack;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
  });
  after(() => running.stop());
  beforeEach(() => {
    opened = new AsyncDisposableStack();
  });
  afterEach(async () => {
    await opened.disposeAsync();
    kit.close();
  });

  /** A centre that is alone, as far as looking up goes. */
  async function open(
    rules?: Parameters<typeof governanceKit>[1],
    changes: Partial<GovernanceParts> = {},
  ): Promise<Watching & { look: ProposalLookUp; parts: GovernanceParts }> {
    kit = await governanceKit(running.rpcUrl, rules);
    const store = await opened.use(await storePlace('sqlite')).open();
    const watching = opened.use(watchNotices(kit, store));
    const parts = {
      ...{ store, crypto, logger: silentLogger, governance: kit.governance, notices: watching.watch },
      contents: openContents({ store, crypto, net: () => undefined }),
      registry: { others: () => [] },
      ...changes,
    } as unknown as GovernanceParts;
    return { ...watching, look: lookUp(parts), parts };
  }

  it('gives pages, newest first, by state, kind and proposer', async () => {
    const { look, store, parts } = await open();
    const made = [];
    for (let index = 0; index < 5; index++) {
      const draft = kit.draft(
        index % 2 === 0 ? 'general' : 'suspension',
        index % 2 === 0 ? {} : { accounts: [devAddress(3)] },
        index % 2,
      );
      made.push({ ...(await kit.propose(draft)), draft });
    }
    const ids = made.map(({ proposalId }) => proposalId).reverse();
    await untilProposal(store, ids[0]!);
    const idsOf = async (query: Parameters<ProposalLookUp['proposals']>[0]) => {
      const { items, next } = await look.proposals(query);
      return [...items.map(({ proposalId }) => proposalId), ...(next === undefined ? [] : ['more'])];
    };
    expect(await idsOf({ limit: 5 })).to.deep.equal(ids);
    const page = await look.proposals({ limit: 2 });
    expect(await idsOf({ limit: 2, cursor: Number(page.next) })).to.deep.equal([ids[2], ids[3], 'more']);
    expect(await idsOf({ limit: 2, kind: 'general' })).to.deep.equal([ids[0], ids[2], 'more']);
    expect(await idsOf({ limit: 2, proposer: devAddress(1) })).to.deep.equal([ids[1], ids[3]]);
    expect(await idsOf({ limit: 5, state: 'active' })).to.deep.equal(ids);
    expect(await idsOf({ limit: 5, state: 'defeated' })).to.deep.equal([]);
    const { draft, proposalId } = made[0]!;
    expect((await look.proposal(proposalId))!.title).to.equal(undefined);
    await parts.contents.put(utf8(JSON.stringify({ no: 'proposal' })));
    await parts.contents.put(Buffer.from(canonicalText(draft.content)));
    const view = (await look.proposal(proposalId))!;
    expect(view).to.deep.include({ title: draft.content.title, votes: [], createdAt: made[0]!.place.timestamp });
    expect(view.result!.data).to.deep.include({ proposalId, content: draft.content, result: null });
    const unknown = `0x${'ab'.repeat(32)}` as const;
    expect(await look.proposal(unknown)).to.equal(undefined);
  });

  it('judges the state by the clock where no block comes', async () => {
    const { look, store, parts } = await open({
      general: { delaySeconds: 100, periodSeconds: 200 },
      parameter: { periodSeconds: 200 },
    });
    const late = await kit.propose(kit.draft('general', {}));
    await untilProposal(store, late.proposalId);
    let seconds = 0;
    const notices = { ...parts.notices, chainSeconds: () => seconds };
    const at = async (time: number) => {
      seconds = time;
      return (await lookUp({ ...parts, notices }).proposal(late.proposalId))!;
    };
    expect((await at(late.voteStart - 1)).state).to.equal('pending');
    expect((await at(late.voteStart)).state).to.equal('active');
    expect((await at(late.voteEnd)).state).to.equal('active');
    const over = await at(late.voteEnd + 1);
    expect([over.state, over.outcome]).to.deep.equal(['defeated', undefined]);
    await kit.wait(100);
    for (const voter of [0, 1])
      await (await kit.as(voter)).castVote({ proposalId: late.proposalId, support: 'for', reason: 'r'.repeat(300) });
    await untilProposal(store, late.proposalId, ({ votes }) => votes.length === 2);
    expect((await at(late.voteEnd)).state).to.equal('active');
    // General ones do nothing, and do not expire.
    expect((await at(late.voteEnd + 31 * 86_400)).state).to.equal('succeeded');
    expect((await at(late.voteEnd)).votes[0]!.reason).to.have.length(300);
    expect((await look.proposals({ limit: 1 })).items[0]!.votes[0]!.reason).to.have.length(200);
    const weights = [{ account: devAddress(3), votes: 7 }];
    const change = await kit.pass(kit.draft('parameter', { weights }));
    await untilProposal(store, change.proposalId, ({ outcome }) => outcome !== undefined);
    const stateAt = async (time: number) => {
      seconds = time;
      return (await lookUp({ ...parts, notices }).proposal(change.proposalId))!.state;
    };
    expect(await stateAt(change.voteEnd + 30 * 86_400)).to.equal('succeeded');
    expect(await stateAt(change.voteEnd + 30 * 86_400 + 1)).to.equal('expired');
    await kit.governance.execute(change);
    await until('the weights', async () => (await look.rules()).weights.length === 1);
    expect((await look.rules()).weights).to.deep.equal(weights);
    expect(await stateAt(change.voteEnd + 30 * 86_400 + 1)).to.equal('executed');
  });

  it('tells a content that nobody has from one that could not be asked for', async () => {
    const hash = `0x${'ab'.repeat(32)}` as const;
    let answers: Record<Address, string> = {};
    const others = [{ address: devAddress(1) }, { address: devAddress(2) }];
    const { look } = await open(undefined, {
      registry: { others: () => others },
      contents: {
        get: async () => {
          throw new NotariumError('content-unavailable', hash, { data: { hash, answers } });
        },
      },
    } as unknown as Partial<GovernanceParts>);
    answers = { [devAddress(1)]: 'content-unavailable' };
    await expectCode('content-unavailable', look.content(hash));
    answers = { ...answers, [devAddress(2)]: 'peer-timeout' };
    await expectCode('content-unavailable', look.content(hash));
    answers = { ...answers, [devAddress(2)]: 'content-unavailable' };
    expect(await look.content(hash)).to.equal(undefined);
  });
});
