import { expect } from 'chai';
import { Transaction } from 'ethers';
import { operatorKey } from '../../services/cli/operatorKey.ts';
import type { Address } from '../../services/core/bytes.ts';
import { type ProposalResult, verifyProposalResult } from '../../services/core/governance/proposalResult.ts';
import { type Answer, json } from '../support/centreApi.ts';
import { type DeployedGovernance, deployGovernance } from '../support/chains.ts';
import { type Consortium, type Member, startConsortium } from '../support/consortium.ts';
import { type RpcProxy, rpcProxy } from '../support/rpcProxy.ts';
import { until } from '../support/until.ts';

type View = Record<string, unknown> & { readonly state: string; readonly result: ProposalResult | null };

describe('four centres decide on proposals', () => {
  let consortium: Consortium;
  let governance: DeployedGovernance;
  let proxy: RpcProxy;
  /** Called with each transaction of the first centre to the governor; the chain does not get it where it answers true. */
  let intercept: () => boolean = () => false;

  before(async () => {
    consortium = await startConsortium({
      centres: 4,
      async rpcUrlOf(index, rpcUrl) {
        if (index > 0) return rpcUrl;
        proxy = await rpcProxy(rpcUrl, ({ method, params }) => {
          if (method !== 'eth_sendRawTransaction') return undefined;
          const { to } = Transaction.from(String(params[0]));
          const isCaught = to?.toLowerCase() === governance?.governor && intercept();
          return isCaught ? { raw: '', status: 502 } : undefined;
        });
        return proxy.rpcUrl;
      },
    });
    governance = await deployGovernance(consortium.chain.rpcUrl, consortium.deployed.registry);
    for (const { url } of consortium.members) {
      await until('the rules', async () => (await json(`${url}/v1/rules`)).status === 200);
    }
  });
  after(async () => {
    await consortium?.[Symbol.asyncDispose]();
    await proxy?.close();
  });

  const post = async (member: Member, path: string, body: unknown): Promise<Answer> =>
    json(`${member.url}/v1/proposals${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await operatorKey(member.dataDir)}` },
    });
  const vote = async (member: Member, id: string, body: object): Promise<Record<string, unknown>> => {
    const answer = await post(member, `/${id}/votes`, body);
    expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
    return answer.body;
  };
  const seen = (member: Member, id: string, holds: (view: View) => boolean = () => true): Promise<View> =>
    until(`the proposal at ${member.entry.name}`, async () => {
      const { status, body } = await json(`${member.url}/v1/proposals/${id}`);
      return status === 200 && holds(body as View) && (body as View);
    });
  const draft = (title: string, periodSeconds: number) => {
    const rule = { aggregation: 'majority', quorumShare: 5_000, delaySeconds: 0, periodSeconds };
    return { kind: 'parameter', title, text: '', effect: { rules: [{ kind: 'general', rule }] } };
  };
  /** Kills the first centre (SIGKILL) in place of its next transaction to the governor. */
  const killAtTransaction = (): Promise<unknown> => {
    const [first] = consortium.members;
    const { child, ended } = first!.process;
    intercept = () => {
      child.kill('SIGKILL');
      return true;
    };
    return ended.then(() => {
      intercept = () => false;
      return first!.kill();
    });
  };
  /** Who sent the votes and the execution. */
  const senderOf = async (hash: unknown): Promise<Address> => {
    const response = await fetch(consortium.chain.rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_getTransactionByHash', params: [hash] }),
    });
    return ((await response.json()) as { result: { from: Address } }).result.from.toLowerCase() as Address;
  };
  /** All centres give the result data, signed by all of them. */
  const expectSignedResult = async (id: string): Promise<void> => {
    const members = consortium.members.map(({ address }) => address);
    const basis = {
      governor: { chainId: consortium.network.chainId, contract: governance.governor },
      committee: { epoch: 1, members },
    };
    for (const member of consortium.members) {
      const { result } = await seen(member, id, (view) => view.result?.data.signatures.length === 4);
      const verified = verifyProposalResult(result, basis);
      expect(verified.confirmedBy).to.deep.equal(members);
      expect(verified.outcome?.decision).to.equal('passed');
      expect(result!.transaction.recipient).to.equal(governance.governor);
    }
  };

  it('collect ballots, hand them in when they decide, execute, and sign the result', async () => {
    const [first, second, third, fourth] = consortium.members as [Member, Member, Member, Member];
    const { status, body } = await post(first, '', draft('plain', 5_000));
    expect(status, JSON.stringify(body)).to.equal(201);
    const id = body.proposalId as string;
    expect((await post(first, '', draft('plain', 5_000))).status).to.equal(200);
    for (const member of consortium.members) await seen(member, id);
    await vote(second, id, { support: 'for', by: 'signature', reason: 'we need it' });
    await vote(third, id, { support: 'against' });
    await vote(fourth, id, { support: 'for', by: 'signature' });
    // Two of four: not yet certain.
    expect((await seen(first, id)).state).to.equal('active');
    const own = await vote(first, id, { support: 'for', by: 'signature' });
    const done = await seen(second, id, ({ state }) => state === 'executed');
    expect(done).to.include({ forVotes: 3, againstVotes: 1 });
    const votes = done.votes as { voter: Address; transactionHash: string }[];
    const batch = votes.find(({ voter }) => voter === second.address)!.transactionHash;
    expect(votes.filter(({ transactionHash }) => transactionHash === batch)).to.have.length(3);
    await expectSignedResult(id);
    // A ballot counts on its own proposal only.
    const { body: next } = await post(second, '', draft('another', 6_000));
    await seen(first, next.proposalId as string);
    const replayed = { support: 'for', voter: own.voter, signature: own.signature };
    const refused = await post(second, `/${next.proposalId}/votes`, replayed);
    expect([refused.status, refused.body.code]).to.deep.equal([422, 'ballot-invalid']);
  });

  it('go on where the proposer’s was killed before its transaction, and before it handed the ballots in', async () => {
    const [first, second, third] = consortium.members as [Member, Member, Member, Member];
    const killed = killAtTransaction();
    const lost = await post(first, '', draft('crash', 7_000)).catch(() => undefined);
    expect(lost).to.equal(undefined);
    await killed;
    await first.start();
    const { status, body } = await post(first, '', draft('crash', 7_000));
    expect(status, JSON.stringify(body)).to.equal(201);
    const id = body.proposalId as string;
    const { body: page } = await json(`${second.url}/v1/proposals?proposer=${first.address}&kind=parameter`);
    await seen(second, id);
    const crashed = (page.items as { title?: string; proposalId: string }[]).filter(({ title }) => title === 'crash');
    expect(crashed.every(({ proposalId }) => proposalId === id)).to.equal(true);
    await until('one record of the request', async () => {
      const found = await json(`${second.url}/v1/records?subject=urn:notarium:proposal:${id}`);
      return (found.body.items as unknown[]).length === 1;
    });
    const killedAgain = killAtTransaction();
    for (const member of [first, second, third]) {
      // Nobody votes on what it cannot read: the proposer, which has it, has just been started.
      await seen(member, id, ({ title }) => title === 'crash');
      await vote(member, id, { support: 'for', by: 'signature' });
    }
    await killedAgain;
    // The next ones in order do what the first does not.
    const done = await seen(third, id, ({ state }) => state === 'executed');
    const [{ transactionHash }] = done.votes as [{ transactionHash: string }];
    expect(await senderOf(transactionHash)).not.to.equal(first.address);
    await first.start();
    await expectSignedResult(id);
  });
});
