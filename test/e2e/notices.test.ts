import { expect } from 'chai';
import { operatorKey } from '../../services/cli/operatorKey.ts';
import { toHex, utf8 } from '../../services/core/bytes.ts';
import { canonicalText } from '../../services/core/canonicalJson.ts';
import { sha256 } from '../../services/core/sha256.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';
import { type Answer, json } from '../support/centreApi.ts';
import { statusOf } from '../support/centreProcess.ts';
import { deployGovernance } from '../support/chains.ts';
import { type Consortium, type Member, startConsortium } from '../support/consortium.ts';
import { until } from '../support/until.ts';

type Event = { seq: number; type: string; data: Record<string, unknown> };

describe('what two centres learn of proposals from the chain', () => {
  let consortium: Consortium;
  let first: Member;
  let second: Member;

  before(async () => {
    consortium = await startConsortium({ centres: 2 });
    [first, second] = consortium.members as [Member, Member];
  });
  after(() => consortium?.[Symbol.asyncDispose]());

  const send = async (member: Member, path: string, body: unknown): Promise<Answer> =>
    json(`${member.url}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await operatorKey(member.dataDir)}`,
      },
    });
  const propose = async (title: string): Promise<{ proposalId: string; contentHash: string }> => {
    const draft = { kind: 'general', title, text: 'so that all may see it', effect: {} };
    const { status, body } = await send(first, '/v1/proposals', draft);
    expect(status, JSON.stringify(body)).to.equal(201);
    return body as { proposalId: string; contentHash: string };
  };
  const seenBy = (
    { url }: Member,
    proposalId: string,
    holds: (view: Record<string, unknown>) => boolean = () => true,
  ) =>
    until('the proposal', async () => {
      const { status, body } = await json(`${url}/v1/proposals/${proposalId}`);
      return status === 200 && holds(body) && body;
    });
  /** All events that a client gets that has seen none, up to the first one of a proposal. */
  const eventsBefore = async ({ url }: Member, last: string): Promise<Event[]> => {
    const response = await fetch(`${url}/v1/events`);
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const events = [...text.matchAll(/^data: (.*)\n/gm)].map(([, data]) => JSON.parse(data!) as Event);
      const end = events.findIndex(({ data }) => data.proposalId === last);
      if (end >= 0) return events.slice(0, end);
    }
    throw new Error('the stream has ended');
  };

  it('nothing, while the network has no governor', async () => {
    for (const path of ['/v1/proposals', '/v1/rules', `/v1/contents/sha-256:${'ab'.repeat(32)}`]) {
      const { status, body } = await json(`${first.url}${path}`);
      expect([status, body.code]).to.deep.equal([404, 'governance-missing']);
    }
    await deployGovernance(consortium.chain.rpcUrl, consortium.deployed.registry);
    for (const { url } of [first, second]) {
      await until('the rules', async () => (await json(`${url}/v1/rules`)).status === 200);
    }
    const { body } = await json(`${second.url}/v1/rules`);
    expect(body.rules).to.have.length(7);
    expect((body.rules as unknown[])[0]).to.deep.equal({
      kind: 'admission',
      aggregation: 'majority',
      quorumShare: 5_000,
      delaySeconds: 0,
      periodSeconds: 3_600,
    });
    expect(body.weights).to.deep.equal([]);
  });

  it('a proposal with its content, which the other centre gives by its hash', async () => {
    const { proposalId, contentHash } = await propose('A first one');
    const view = await seenBy(second, proposalId, ({ title }) => title !== undefined);
    expect(view).to.include({ proposalId, contentHash, state: 'active', title: 'A first one', kind: 'general' });
    expect(view).to.include({ proposer: first.address, totalVotes: 2, quorumVotes: 1, forVotes: 0 });
    const url = `${second.url}/v1/contents/sha-256:${contentHash.slice(2)}`;
    const response = await fetch(url);
    expect(response.headers.get('cache-control')).to.equal('public, max-age=31536000, immutable');
    const text = await response.text();
    expect(toHex(sha256(utf8(text)))).to.equal(contentHash);
    expect(canonicalText(JSON.parse(text))).to.equal(text);
    const again = await fetch(url, { headers: { 'if-none-match': response.headers.get('etag')! } });
    expect(again.status).to.equal(304);
    const { status, body } = await json(`${second.url}/v1/contents/sha-256:${'ab'.repeat(32)}`);
    expect([status, body.code]).to.deep.equal([404, 'not-found']);
    const list = (await json(`${second.url}/v1/proposals?state=active&kind=general&proposer=${first.address}`)).body;
    expect((list.items as { proposalId: string }[]).map((item) => item.proposalId)).to.deep.equal([proposalId]);
    expect((await json(`${second.url}/v1/proposals?state=executed`)).body).to.deep.equal({ items: [] });
    expect((await json(`${second.url}/v1/proposals/0x${'ab'.repeat(32)}`)).body.code).to.equal('proposal-unknown');
  });

  it('what happened while a centre was away, and each of it once, also after a kill -9 and a reorganisation', async () => {
    await second.kill();
    const { proposalId } = await propose('A second one');
    await seenBy(first, proposalId);
    expect(
      (await send(first, `/v1/proposals/${proposalId}/votes`, { support: 'for', reason: 'Why not?' })).status,
    ).to.be.below(300);
    const rpc = jsonRpc(consortium.chain.rpcUrl);
    await second.start();
    await seenBy(second, proposalId, ({ forVotes }) => forVotes === 1);
    await second.kill();
    await second.start();
    for (let block = 0; block < 3; block++) await rpc('anvil_mine', []);
    await rpc('anvil_reorg', [2, []]);
    // It votes on nothing whose content it does not have, and gets it from the first, once they are connected again.
    await until('the vote', async () => {
      const { status, body } = await send(second, `/v1/proposals/${proposalId}/votes`, { support: 'for' });
      if (status >= 300) expect(body.code).to.equal('content-unavailable');
      return status < 300;
    });
    const next = await propose('A third one');
    for (const member of [first, second]) {
      const view = await seenBy(member, proposalId, ({ outcome }) => outcome !== undefined);
      expect(view).to.include({ state: 'succeeded', forVotes: 2 });
      expect((view.outcome as { decision: string }).decision).to.equal('passed');
      const events = (await eventsBefore(member, next.proposalId)).filter(({ data }) => data.proposalId === proposalId);
      expect(events.map(({ type }) => type)).to.deep.equal([
        'proposal.created',
        'vote.cast',
        'vote.cast',
        'proposal.decided',
      ]);
      expect(events[1]!.data).to.include({ voter: first.address, support: 'for', reason: 'Why not?' });
      // Of the time in which the other was away.
      await until('no problem is left', async () => (await statusOf(member.url)).problems.length === 0);
    }
  });
});
