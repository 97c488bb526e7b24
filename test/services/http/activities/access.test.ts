import { expect } from 'chai';
import type { ErrorCode } from '../../../../services/core/errors.ts';
import { openApiDocument } from '../../../../services/http/openApi.ts';
import { onBothActivityDatabases } from '../../../support/activityDatabases.ts';
import { type ActivityHttp, serveActivities, type TestKey } from '../../../support/activityHttp.ts';
import { ActivityWorld } from '../../../support/activityNodes.ts';
import { expectProblem, startHttpTest, stopHttpTests } from '../../../support/httpTest.ts';

const body = { step: 'order' };
const other = `0x${'34'.repeat(32)}`;

/** What is asked of each route: what a client with a key that fits gets of its own, and another client of what is not its own. */
type Asked = {
  readonly route: string;
  readonly scope: 'read' | 'submit' | 'admin';
  readonly path: string;
  readonly body?: unknown;
  /** Status for the owner. */
  readonly own: number;
  /** Code for another client with both scopes; undefined where it is about nobody's activity. */
  readonly others?: ErrorCode;
};

onBothActivityDatabases('access to private activities over HTTP', (databaseUrl) => {
  let world: ActivityWorld;
  let http: ActivityHttp;
  let asked: Asked[];
  const keys: Record<'owner' | 'stranger' | 'reader' | 'submitter' | 'admin', TestKey> = {} as never;

  before(async () => {
    world = new ActivityWorld();
    const [buyer, seller] = await world.open(3, { databaseUrl: await databaseUrl() });
    http = await serveActivities(buyer.desk);
    keys.owner = await http.key('owner', ['read', 'submit']);
    keys.stranger = await http.key('stranger', ['read', 'submit']);
    keys.reader = await http.key('reader', ['read']);
    keys.submitter = await http.key('submitter', ['submit']);
    keys.admin = await http.key('admin', ['admin']);
    const upload = await fetch(`${http.url}/v1/activity-attachments`, {
      method: 'POST',
      headers: { ...keys.owner.headers, 'attachment-name': 'a.txt' },
      body: 'content',
    });
    expect(upload.status).to.equal(201);
    const start = { kind: 'industrial', request: 'both', receivers: [seller.name], body };
    const sent = await http.post('/v1/activities', keys.owner, { ...start, attachments: [await upload.json()] });
    const one = `/v1/activities/${sent.activity}`;
    const said = `${one}/messages/${sent.message}`;
    const device = { device: `0x${'12'.repeat(20)}`, name: 'scale', expires: 4_000_000_000 };
    const credential = await http.post('/v1/devices', keys.owner, device);
    const sends = (
      path: string,
      sent: unknown,
      own = 201,
    ): Pick<Asked, 'scope' | 'path' | 'body' | 'own' | 'others'> => ({
      ...{ scope: 'submit', path: `${one}/${path}`, body: sent, own, others: 'activity-unknown' },
    });
    const reads = (path: string, own = 200): Pick<Asked, 'scope' | 'path' | 'own' | 'others'> => ({
      ...{ scope: 'read', path, own, others: 'activity-unknown' },
    });
    const proposed = { add: { party: 'Node 3', role: 'regulator' } };
    asked = [
      { route: 'post /v1/activities', scope: 'submit', path: '/v1/activities', body: start, own: 201 },
      { route: 'get /v1/activities', scope: 'read', path: '/v1/activities', own: 200 },
      { route: 'get /v1/activities/{id}', ...reads(one) },
      { route: 'get /v1/activities/{id}/messages', ...reads(`${one}/messages`) },
      { route: 'get /v1/activities/{id}/messages/{message}', ...reads(said) },
      { route: 'get /v1/activities/{id}/messages/{message}/deliveries', ...reads(`${said}/deliveries`) },
      // Its record is in the log of this test's world, of which the centre behind the server knows nothing.
      { route: 'get /v1/activities/{id}/messages/{message}/receipt', ...reads(`${said}/receipt`, 404) },
      { route: 'get /v1/activities/{id}/messages/{message}/attachments/{index}', ...reads(`${said}/attachments/0`) },
      { route: 'get /v1/activities/{id}/certificate/{version}', ...reads(`${one}/certificate/${sent.message}`, 404) },
      { route: 'post /v1/activities/{id}/notes', ...sends('notes', { on: sent.message, body }) },
      // Its own version it has countersigned by itself.
      { route: 'post /v1/activities/{id}/countersignatures', ...sends('countersignatures', { on: sent.message }, 409) },
      { route: 'post /v1/activities/{id}/versions', ...sends('versions', { body }) },
      { route: 'post /v1/activities/{id}/proposals', ...sends('proposals', proposed) },
      // There is no such proposal.
      { route: 'post /v1/activities/{id}/votes', ...sends('votes', { on: other, approve: true }, 404) },
      { route: 'post /v1/activities/{id}/members', ...sends('members', { remove: [seller.name] }) },
      {
        ...{ route: 'put /v1/activities/{id}/owner', scope: 'admin', path: `${one}/owner` },
        ...{ body: { client: keys.owner.id }, own: 403 },
      },
      {
        route: 'get /v1/activities/{id}/certificate/{version}/receipt',
        ...reads(`${one}/certificate/${sent.message}/receipt`, 404),
      },
      { route: 'post /v1/devices', scope: 'submit', path: '/v1/devices', body: device, own: 201 },
      { route: 'get /v1/devices', scope: 'read', path: '/v1/devices', own: 200 },
      {
        ...{ route: 'delete /v1/devices/{id}', scope: 'submit', path: `/v1/devices/${credential.id}` },
        ...{ own: 204, others: 'not-found' },
      },
      { route: 'post /v1/activity-attachments', scope: 'submit', path: '/v1/activity-attachments', own: 400 },
    ];
  });
  after(async () => {
    await stopHttpTests();
    await world.close();
  });

  const ask = ({ route, path, body: sent }: Asked, by?: TestKey) =>
    http.ask(route.split(' ')[0]!.toUpperCase(), path, by, sent);

  it('is asked of every route that the OpenAPI document has, and that says so', () => {
    const { paths = {} } = openApiDocument({ version: '1.0.0' });
    const isPrivate = /activit|device|group|attachment|member/;
    const documented = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item as Record<string, { tags?: string[]; security?: unknown }>).flatMap(
        ([method, { tags = [], security }]) =>
          isPrivate.test(path) || tags.includes('activities') ? [{ route: `${method} ${path}`, security }] : [],
      ),
    );
    expect(asked.map(({ route }) => route)).to.have.members(documented.map(({ route }) => route));
    for (const { route, security } of documented) expect(security, route).to.deep.equal([{ apiKey: [] }]);
  });

  it('is nobody\u2019s without a key, even where other routes are open', async () => {
    expect((await fetch(`${http.url}/v1/status`)).status).to.equal(200);
    const wrong = { id: '', secret: '', headers: { authorization: `Bearer ntm_${'A'.repeat(43)}` } };
    const cut = { ...keys.owner, headers: { authorization: keys.owner.headers.authorization!.slice(0, -1) } };
    const basic = { ...keys.owner, headers: { authorization: `Basic ${btoa(`:${keys.owner.secret}`)}` } };
    for (const each of asked)
      for (const key of [undefined, wrong, cut, basic]) await expectProblem(ask(each, key), 'unauthorized');
  });

  it('ends with the key: one that was taken back is none, whatever its scope was', async () => {
    const gone = await http.key('gone', ['read', 'submit', 'admin']);
    expect((await ask(asked[1]!, gone)).status).to.equal(200);
    expect((await http.ask('DELETE', `/v1/keys/${gone.id}`, keys.admin)).status).to.equal(204);
    for (const each of asked) await expectProblem(ask(each, gone), 'unauthorized');
  });

  it('needs the scope: who reads does not send, and who sends does not read', async () => {
    for (const each of asked) {
      if (each.scope !== 'read') await expectProblem(ask(each, keys.reader), 'forbidden');
      if (each.scope !== 'submit') await expectProblem(ask(each, keys.submitter), 'forbidden');
    }
  });

  it('shows another client nothing, not even that there is something', async () => {
    for (const each of asked) {
      if (each.scope === 'admin') await expectProblem(ask(each, keys.stranger), 'forbidden');
      if (each.others) {
        const problem = await expectProblem(ask(each, keys.stranger), each.others);
        const unknown = { ...each, path: each.path.replace(/0x[0-9a-f]{64}/, other) };
        const told = await expectProblem(ask(unknown, keys.stranger), each.others);
        // But for what it has asked for itself.
        const shape = (of: object): string =>
          JSON.stringify({ ...of, requestId: '' }).replaceAll(/0x[0-9a-f]{64}/g, 'what was asked for');
        expect(shape(problem)).to.equal(shape(told));
      }
    }
    expect(await http.get('/v1/activities', keys.stranger)).to.deep.equal({ items: [] });
    expect(await http.get('/v1/devices', keys.stranger)).to.deep.equal({ items: [] });
  });

  it('answers its owner, on every route', async () => {
    for (const each of asked) {
      const response = await ask(each, keys.owner);
      expect(response.status, `${each.route}: ${await response.text()}`).to.equal(each.own);
      if (each.own < 300 && each.own !== 204) expect(response.headers.get('cache-control')).to.equal('no-store');
    }
  });

  it('shows the operator all, who gives an activity to a client and takes it back', async () => {
    const { items } = await http.get<{ items: { id: string; owner?: string }[] }>('/v1/activities', keys.admin);
    expect(items).to.have.length(2);
    const [{ id }] = items as [{ id: string }];
    const give = (client: string | null) => http.ask('PUT', `/v1/activities/${id}/owner`, keys.admin, { client });
    expect((await give(keys.stranger.id)).status).to.equal(204);
    expect(await http.get(`/v1/activities/${id}`, keys.stranger)).to.include({ owner: keys.stranger.id });
    await expectProblem(http.ask('GET', `/v1/activities/${id}`, keys.owner), 'activity-unknown');
    expect((await give(null)).status).to.equal(204);
    await expectProblem(http.ask('GET', `/v1/activities/${id}`, keys.stranger), 'activity-unknown');
    await expectProblem(give('nobody'), 'not-found');
    await http.centre.keys.revoke(keys.submitter.id);
    await expectProblem(give(keys.submitter.id), 'not-found');
    const nowhere = http.ask('PUT', `/v1/activities/${other}/owner`, keys.admin, { client: null });
    await expectProblem(nowhere, 'activity-unknown');
  });

  it('says where a centre takes part in none', async () => {
    const plain = await startHttpTest();
    const { secret } = await plain.centre.keys.create('admin', ['admin']);
    const headers = { authorization: `Bearer ${secret}` };
    await expectProblem(fetch(`${plain.url}/v1/activities`, { headers }), 'activities-missing');
    await expectProblem(fetch(`${plain.url}/v1/activities`), 'unauthorized');
  });
});
