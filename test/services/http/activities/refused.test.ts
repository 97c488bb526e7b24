import { expect } from 'chai';
import type { ActivityDesk } from '../../../../services/app/activities/ActivityDesk.ts';
import { type ErrorCode, NotariumError } from '../../../../services/core/errors.ts';
import { type ActivityHttp, serveActivities, type TestKey } from '../../../support/activityHttp.ts';
import { randomHash } from '../../../support/activityKit.ts';
import { ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { expectProblem, stopHttpTests } from '../../../support/httpTest.ts';

// The server of these tests answers with no code that the OpenAPI document does not have for the route.
describe('what private activities refuse over HTTP', () => {
  let world: ActivityWorld;
  let http: ActivityHttp;
  let admin: TestKey;
  let one: string;
  let sent: Record<'activity' | 'message', `0x${string}`>;
  before(async () => {
    world = new ActivityWorld();
    const [buyer, seller] = await world.open(2);
    world.add(1);
    http = await serveActivities(buyer.desk);
    admin = await http.key('admin', ['admin']);
    const order = { kind: 'industrial', request: 'both', receivers: [seller.name], body: 'order' };
    sent = await http.post('/v1/activities', admin, order);
    one = `/v1/activities/${sent.activity}`;
    await reaches(sent.message, buyer, seller);
  });
  after(async () => {
    await stopHttpTests();
    await world.close();
  });

  const ask = (path: string, body: unknown) => http.ask('POST', `${one}/${path}`, admin, body);

  it('a second voice for the same', async () => {
    await expectProblem(ask('countersignatures', { on: sent.message }), 'activity-message-known');
    const proposal = await http.post(`${one}/proposals`, admin, { add: { party: 'Node 3', role: 'receiver' } });
    await expectProblem(ask('votes', { on: proposal.message, approve: true }), 'activity-message-known');
  });

  it('a voice for a key that the registry does not have', async () => {
    const [, seller, third] = world.nodes;
    const proposal = await seller!.desk.propose(operator, sent.activity, {
      add: { party: 'Node 3', role: 'receiver' },
    });
    await reaches(proposal.message, world.nodes[0]!);
    third!.registered = { ...third!.registered, encryptionKey: seller!.registered.encryptionKey };
    await expectProblem(ask('votes', { on: proposal.message, approve: true }), 'party-unfit');
  });

  it('a change of members that changes nothing, or that nobody may make', async () => {
    await expectProblem(ask('proposals', { add: { party: 'Node 2', role: 'regulator' } }), 'request-invalid');
    await expectProblem(ask('proposals', { remove: 'Node 3' }), 'request-invalid');
    await expectProblem(ask('proposals', { remove: 'Node 1' }), 'activity-role');
    const several = await expectProblem(ask('members', { leave: true, remove: ['Node 2'] }), 'request-invalid');
    expect(several.detail).to.contain('or {leave: true}');
    const both = { remove: 'Node 2', add: { party: 'Node 3', role: 'receiver' } };
    expect((await expectProblem(ask('proposals', both), 'request-invalid')).detail).to.contain('either {add:');
  });

  it('a certificate that is not there, and says whose signatures are missing', async () => {
    const [, seller] = world.nodes;
    const certificate = (version: string) => http.ask('GET', `${one}/certificate/${version}`, admin);
    const { data } = await expectProblem(certificate(sent.message), 'not-found');
    expect(data).to.deep.equal({ version: sent.message, missing: [seller!.address] });
    const unknown = randomHash();
    const other = await expectProblem(certificate(unknown), 'not-found');
    expect(other.data).to.deep.equal({ version: unknown, missing: [] });
  });

  it('to carry out a proposal that is not here', async () => {
    await expectProblem(ask('members', { proposal: randomHash() }), 'activity-message-early');
  });

  it('what a desk says that no test brings about over HTTP', async () => {
    const versions = `${one}/versions`;
    const file = `${one}/messages/${sent.message}/attachments/0`;
    for (const [verb, path, code, body] of [
      ['update', versions, 'activity-forked', { body: 1 }],
      ['note', `${one}/notes`, 'activity-forked', { on: sent.message, body: 1 }],
      ['changeMembers', `${one}/members`, 'activity-forked', { remove: ['Node 2'] }],
      ['changeMembers', `${one}/members`, 'activity-body-invalid', { remove: ['Node 2'] }],
      ['attachment', file, 'peer-timeout', undefined],
      ['attachment', file, 'upload-conflict', undefined],
    ] as const satisfies [keyof ActivityDesk, string, ErrorCode, unknown][]) {
      // A TEST DOUBLE of one method: a member that lies or is slow is tested where there is no HTTP.
      const refusing = async () => {
        throw new NotariumError(code);
      };
      const served = await serveActivities({ ...world.nodes[0]!.desk, [verb]: refusing } as ActivityDesk);
      const key = await served.key('admin', ['admin']);
      await expectProblem(served.ask(body ? 'POST' : 'GET', path, key, body), code);
    }
  });
});
