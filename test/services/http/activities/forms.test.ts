import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import type { ActivityDesk, MessageView } from '../../../../services/app/activities/ActivityDesk.ts';
import { makeDisclosure } from '../../../../services/core/activities/disclosure.ts';
import { type FieldBody, readFields, wholeBody } from '../../../../services/core/activities/fields.ts';
import { onBothActivityDatabases } from '../../../support/activityDatabases.ts';
import { type ActivityHttp, serveActivities, type TestKey } from '../../../support/activityHttp.ts';
import { type ActivityNode, ActivityWorld, reaches } from '../../../support/activityNodes.ts';
import { expectProblem, sealingUntil, signedRecord, stopHttpTests } from '../../../support/httpTest.ts';
import { until } from '../../../support/until.ts';

const hash = `0x${'ab'.repeat(32)}`;
const start = { kind: 'industrial', request: 'both', receivers: ['Node 2'] };

onBothActivityDatabases('what private activities take over HTTP', (databaseUrl) => {
  let world: ActivityWorld;
  let http: ActivityHttp;
  /** It gives up soon on bodies that do not come. */
  let hasty: ActivityHttp;
  let key: TestKey;
  let buyer: ActivityNode;
  let seller: ActivityNode;
  before(async () => {
    world = new ActivityWorld();
    [buyer, seller] = await world.open(3, { databaseUrl: await databaseUrl() });
    [http, hasty] = [
      await serveActivities(buyer.desk),
      await serveActivities(buyer.desk, { limits: { bodyIdleMs: 300 } }),
    ];
    key = await http.key('client', ['read', 'submit']);
  });
  after(async () => {
    await stopHttpTests();
    await world.close();
  });

  const upload = (content: BodyInit, headers: Record<string, string>) =>
    fetch(`${http.url}/v1/activity-attachments`, {
      ...{ method: 'POST', body: content, duplex: 'half' },
      headers: { ...key.headers, ...headers },
    });

  it('refuses bodies that are not what the route wants', async () => {
    const { activity, message } = await http.post('/v1/activities', key, { ...start, body: 1 });
    const one = `/v1/activities/${activity}`;
    const device = {
      ...{ credential: hash, signature: `0x${'11'.repeat(65)}` },
      ...{ body: { salt: hash, body: 1 }, attachments: { salt: hash, list: [] } },
    };
    const file = { name: 'a', sizeBytes: 1, digest: hash, sealedDigest: hash, sealedBytes: 2, key: hash };
    const bad: [string, unknown][] = [
      ['/v1/activities', {}],
      ['/v1/activities', []],
      ['/v1/activities', { ...start }],
      ['/v1/activities', { ...start, salt: hash, body: 1, device }],
      ['/v1/activities', { ...start, salt: hash, device, attachments: [] }],
      ['/v1/activities', { ...start, salt: hash, body: 1 }],
      ['/v1/activities', { ...start, body: 1, kind: 'private' }],
      ['/v1/activities', { ...start, body: 1, request: '' }],
      ['/v1/activities', { ...start, body: 1, receivers: [] }],
      ['/v1/activities', { ...start, body: 1, receivers: 'Node 2' }],
      ['/v1/activities', { ...start, body: 1, receivers: Array.from({ length: 65 }, () => 'Node 2') }],
      ['/v1/activities', { ...start, body: 1, receivers: ['Node 2', 'Node 2'] }],
      ['/v1/activities', { ...start, body: 1, receivers: ['x'.repeat(257)] }],
      ['/v1/activities', { ...start, body: 1, rules: { history: 'yes' } }],
      ['/v1/activities', { ...start, body: 1, schema: [] }],
      ['/v1/activities', { ...start, body: 1, schema: 'string' }],
      ['/v1/activities', { ...start, body: 1, activity: '0x12' }],
      ['/v1/activities', { ...start, body: 1, more: true }],
      ['/v1/activities', { ...start, body: 1, attachments: [{}] }],
      ['/v1/activities', { ...start, body: 1, attachments: Array.from({ length: 257 }, () => file) }],
      ['/v1/activities', { ...start, body: 1, attachments: [{ ...file, name: 'ü'.repeat(128) }] }],
      [`${one}/versions`, { body: 1, builds: [] }],
      [`${one}/versions`, { body: 1, builds: Array.from({ length: 257 }, () => hash) }],
      [`${one}/notes`, { body: 1 }],
      [`${one}/countersignatures`, { on: message!.toUpperCase() }],
      [`${one}/proposals`, { add: { party: 'Node 3', role: 'initiator' } }],
      [`${one}/proposals`, { add: { party: 'Node 3', role: 'receiver' }, remove: 'Node 2' }],
      [`${one}/votes`, { on: hash }],
      [`${one}/members`, {}],
      [`${one}/members`, { add: [] }],
      [`${one}/members`, { leave: false }],
      [`${one}/members`, { leave: true, remove: ['Node 2'] }],
      ['/v1/devices', { device: hash, name: 'scale', expires: 1 }],
      ['/v1/devices', { device: `0x${'1'.repeat(40)}`, name: '', expires: 1 }],
      ['/v1/devices', { device: `0x${'1'.repeat(40)}`, name: 'scale', expires: 1 }],
      ['/v1/devices', { device: `0x${'1'.repeat(40)}`, name: 'scale', expires: -1 }],
    ];
    for (const [path, body] of bad) await expectProblem(http.ask('POST', path, key, body), 'request-invalid');
    const messages = await http.get<{ items: object[] }>(`${one}/messages`, key);
    expect(messages.items, 'the version and its countersignature').to.have.length(2);
  });

  it('refuses text that is no JSON of one reading, is too deep, too large, or comes too slowly', async () => {
    const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
      fetch(`${http.url}/v1/activities`, {
        ...{ method: 'POST', body: body as BodyInit },
        headers: { ...key.headers, 'content-type': 'application/json', ...headers },
      });
    await expectProblem(post('{"kind":'), 'json-malformed');
    await expectProblem(post('{"kind":"industrial","kind":"industrial"}'), 'json-duplicate-key');
    await expectProblem(post('{"body":"\\ud800"}'), 'json-lone-surrogate');
    await expectProblem(post('{"body":1.0}'), 'json-number-not-canonical');
    await expectProblem(post(`{"body":${'['.repeat(40)}${']'.repeat(40)}}`), 'json-too-deep');
    await expectProblem(post(JSON.stringify({ ...start, body: Array(200_000).fill(1) })), 'activity-body-invalid');
    await expectProblem(post(Buffer.from([0x22, 0xff, 0x22])), 'text-not-utf8');
    await expectProblem(post('{}', { 'content-type': 'text/plain' }), 'request-media-type-unsupported');
    await expectProblem(post('{}', { 'content-encoding': 'gzip' }), 'request-encoding-unsupported');
    await expectProblem(post(JSON.stringify({ body: 'x'.repeat(9 << 20) })), 'request-too-large');
    const large = JSON.stringify({ ...start, body: 'x'.repeat(6 << 20) });
    await expectProblem(post(large), 'request-too-large');
    const own = await hasty.key('slow', ['submit']);
    const slow = httpRequest(`${hasty.url}/v1/activities`, {
      method: 'POST',
      headers: { ...own.headers, 'content-type': 'application/json', 'content-length': 100 },
    });
    slow.write('{');
    const status = await new Promise((resolve) => slow.on('response', (answer) => resolve(answer.statusCode)));
    expect(status).to.equal(408);
    slow.destroy();
  });

  it('takes a body of 4 MiB, delivers it, and refuses one of a byte more', async () => {
    const most = 4 << 20;
    // Two quotes; of a letter with two bytes, both count.
    const bodyOf = (bytes: number): string => `ü${'x'.repeat(bytes - 4)}`;
    const sent = await http.post('/v1/activities', key, { ...start, body: bodyOf(most) });
    await reaches(sent.message as `0x${string}`, seller);
    const { parcel } = await seller.desk.message({}, sent.activity as `0x${string}`, sent.message as `0x${string}`);
    expect(parcel.body).to.have.property('body', bodyOf(most));
    for (const path of ['/v1/activities', `/v1/activities/${sent.activity}/versions`]) {
      const asked = { ...(path === '/v1/activities' ? start : {}), body: bodyOf(most + 1) };
      const { data } = await expectProblem(http.ask('POST', path, key, asked), 'request-too-large');
      expect(data).to.include({ have: most + 1, want: most });
    }
    // In fields it is larger than its JSON: what it is sent as counts.
    const fields = { ...start, body: { text: 'x'.repeat(3.5 * 2 ** 20) }, fields: true };
    await expectProblem(http.ask('POST', '/v1/activities', key, fields), 'request-too-large');
  });

  it('takes no file that the client has not put, nor one that another client has', async () => {
    const other = await http.key('other', ['read', 'submit']);
    const file = { name: 'a', sizeBytes: 1, digest: hash, sealedDigest: hash, sealedBytes: 2, key: hash };
    const asked = (each: object) => ({ ...start, body: 1, attachments: [each] });
    await expectProblem(http.ask('POST', '/v1/activities', key, asked(file)), 'attachment-unknown');
    const put = (await (await upload('content', { 'attachment-name': 'a' })).json()) as object;
    await expectProblem(http.ask('POST', '/v1/activities', other, asked(put)), 'attachment-unknown');
    const { activity } = await http.post('/v1/activities', key, asked(put));
    // The next version may have it too, and one of another activity of the same client.
    await http.post(`/v1/activities/${activity}/versions`, key, { body: 2, attachments: [put] });
    await http.post('/v1/activities', key, asked(put));
    await expectProblem(http.ask('POST', '/v1/activities', other, asked(put)), 'attachment-unknown');
  });

  it('refuses paths and queries that name nothing', async () => {
    for (const path of [
      '/v1/activities?limit=0',
      '/v1/activities?limit=101',
      '/v1/activities?after=',
      `/v1/activities?after=${'x'.repeat(201)}`,
      '/v1/activities?after=nonsense',
      '/v1/activities?owner=other',
      '/v1/activities/12',
      `/v1/activities/${hash.toUpperCase()}`,
      `/v1/activities/${hash}/messages?from=-1`,
      `/v1/activities/${hash}/messages?limit=201`,
      `/v1/activities/${hash}/messages/${hash}/attachments/256`,
      `/v1/activities/${hash}/messages/${hash}/attachments/1.5`,
      `/v1/activities/${hash}/messages/${hash}/receipt?wait=61`,
      `/v1/activities/${hash}/certificate/${hash}/receipt?wait=61`,
      '/v1/devices?all=true',
    ]) {
      await expectProblem(http.ask('GET', path, key), 'request-invalid');
    }
    await expectProblem(http.ask('DELETE', '/v1/devices/12', key), 'request-invalid');
  });

  it('notarises a body field by field, of which one can be shown', async () => {
    const order = { article: 'pumps', price: { amount: 12, currency: 'EUR' } };
    const sent = await http.post('/v1/activities', key, { ...start, body: order, fields: true });
    const path = `/v1/activities/${sent.activity}/messages/${sent.message}`;
    const { parcel, seal, id } = await http.get<MessageView>(path, key);
    expect(parcel.body).to.have.property('sdJwt');
    const message = { ...parcel, id };
    expect(wholeBody(parcel.body, buyer.address)).to.deep.equal(order);
    const shown = makeDisclosure(message, seal, { body: ['price.currency'] });
    expect(readFields(shown.body as FieldBody).body).to.deep.equal({ price: { currency: 'EUR' } });
    const missing = { ...start, body: order, fields: ['colour'] };
    await expectProblem(http.ask('POST', '/v1/activities', key, missing), 'activity-field-unknown');
    for (const fields of [false, [], 'price', [1]])
      await expectProblem(
        http.ask('POST', '/v1/activities', key, { ...start, body: order, fields }),
        'request-invalid',
      );
  });

  it('takes a file as a stream, and gives it back as it was, name and all', async () => {
    const pieces = Array.from({ length: 24 }, () => randomBytes(1 << 20));
    const digest = createHash('sha256').update(Buffer.concat(pieces)).digest('hex');
    const name = 'Lieferschein "Nº 5"; größe/\u2028\u{1f4e6}.pdf';
    const stream = Readable.toWeb(Readable.from(pieces)) as unknown as BodyInit;
    const headers = { 'attachment-name': encodeURIComponent(name), 'content-type': 'application/pdf' };
    const kept = await upload(stream, headers);
    expect(kept.status).to.equal(201);
    const file = (await kept.json()) as Record<string, unknown>;
    expect(file).to.include({ name, mediaType: 'application/pdf', sizeBytes: 24 << 20, digest: `0x${digest}` });
    const sent = await http.post('/v1/activities', key, { ...start, body: null, attachments: [file] });
    const messages = `/v1/activities/${sent.activity}/messages`;
    const { items } = await http.get<{ items: { attachments: object[] }[] }>(messages, key);
    expect(items[0]!.attachments).to.deep.equal([{ name, mediaType: 'application/pdf', sizeBytes: 24 << 20 }]);
    expect(JSON.stringify(items), 'no content key in a list').not.to.include(file.key as string);
    const got = await http.ask('GET', `${messages}/${sent.message}/attachments/0`, key);
    expect(got.status).to.equal(200);
    expect(got.headers.get('content-type')).to.equal('application/octet-stream');
    expect(got.headers.get('content-disposition')).to.equal(`attachment; filename*=UTF-8''${encodeURIComponent(name)}`);
    expect(got.headers.get('content-length')).to.equal(String(24 << 20));
    const again = createHash('sha256').update(Buffer.from(await got.arrayBuffer()));
    expect(again.digest('hex')).to.equal(digest);
    await expectProblem(http.ask('GET', `${messages}/${sent.message}/attachments/1`, key), 'not-found');
    // The member has it fetched when its own client asks.
    await reaches(sent.message as `0x${string}`, seller);
    const there = await serveActivities(seller.desk);
    const admin = await there.key('operator', ['admin']);
    const fetched = await there.ask('GET', `${messages}/${sent.message}/attachments/0`, admin);
    const elsewhere = createHash('sha256').update(Buffer.from(await fetched.arrayBuffer()));
    expect(elsewhere.digest('hex')).to.equal(digest);
  });

  it('refuses files without a name, in another encoding, or that end in the midst', async () => {
    await expectProblem(upload('x', {}), 'request-invalid');
    await expectProblem(upload('x', { 'attachment-name': '' }), 'request-invalid');
    await expectProblem(upload('x', { 'attachment-name': '%ff' }), 'request-invalid');
    await expectProblem(upload('x', { 'attachment-name': 'a'.repeat(256) }), 'request-invalid');
    await expectProblem(upload('x', { 'attachment-name': encodeURIComponent('ü'.repeat(128)) }), 'request-invalid');
    const long = { 'attachment-name': 'a', 'content-type': `a/${'b'.repeat(200)}` };
    await expectProblem(upload('x', long), 'request-invalid');
    const packed = { 'attachment-name': 'a', 'content-encoding': 'gzip' };
    await expectProblem(upload('x', packed), 'request-encoding-unsupported');
    const own = await hasty.key('stalled', ['submit']);
    const stalled = httpRequest(`${hasty.url}/v1/activity-attachments`, {
      method: 'POST',
      headers: { ...own.headers, 'attachment-name': 'a', 'content-length': 1 << 20 },
    });
    stalled.write('half');
    const answer = await new Promise((resolve) => stalled.on('response', ({ statusCode }) => resolve(statusCode)));
    expect(answer).to.equal(408);
    stalled.destroy();
    expect((await upload('', { 'attachment-name': 'empty' })).status).to.equal(201);
  });

  it('gives activities and messages page by page', async () => {
    const own = await http.key('pages', ['read', 'submit']);
    const ids: string[] = [];
    for (let at = 0; at < 5; at++)
      ids.unshift((await http.post('/v1/activities', own, { ...start, request: 'information', body: at })).activity!);
    type Page = { items: { id: string; place: number; on: string[] }[]; next?: string };
    const first = await http.get<Page>('/v1/activities?limit=3', own);
    const second = await http.get<Page>(`/v1/activities?limit=3&after=${first.next}`, own);
    expect([...first.items, ...second.items].map(({ id }) => id)).to.deep.equal(ids);
    expect(second.next).to.equal(undefined);
    const one = `/v1/activities/${ids[0]}`;
    for (let at = 0; at < 20; at++) await http.post(`${one}/versions`, own, { body: at });
    const messages: Page['items'] = [];
    for (let from: string | undefined = '0'; from !== undefined; ) {
      const page: Page = await http.get<Page>(`${one}/messages?limit=9&from=${from}`, own);
      messages.push(...page.items);
      from = page.next;
    }
    expect(messages.map(({ place }) => place)).to.deep.equal(Array.from({ length: 21 }, (_, at) => at));
    for (let at = 1; at < 21; at++) expect(messages[at]!.on).to.deep.equal([messages[at - 1]!.id]);
    const stale = await expectProblem(
      http.ask('POST', `${one}/versions`, own, { body: 1, builds: [messages[3]!.id] }),
      'activity-version-stale',
    );
    expect(stale.data!.heads).to.deep.equal([messages[20]!.id]);
  });

  it('gives the receipt of a certificate as soon as that is anchored, and says at once when it is not', async () => {
    const sent = await http.post('/v1/activities', key, { ...start, body: 1 });
    const [activity, message] = [sent.activity as `0x${string}`, sent.message as `0x${string}`];
    const path = `/v1/activities/${activity}/certificate/${message}/receipt`;
    await expectProblem(http.ask('GET', path, key), 'not-found');
    await reaches(message, seller);
    await seller.desk.countersign({}, activity, message);
    await until('the certificate', async () => buyer.desk.certificate({}, activity, message));
    // A TEST DOUBLE of one method: the log of these nodes is not that of the centre behind the server.
    let recordId: `0x${string}` | undefined;
    const served = await serveActivities({ ...buyer.desk, certificateRecord: async () => recordId });
    const admin = await served.key('operator', ['admin']);
    await expectProblem(served.ask('GET', path, admin), 'record-not-anchored');
    const record = await signedRecord('urn:notarium:activity:certificate', { kind: 'activity' });
    recordId = (await served.centre.accept([JSON.stringify(record)]))[0]!.id;
    await expectProblem(served.ask('GET', path, admin), 'record-not-anchored');
    const receipt = await sealingUntil(served, served.ask('GET', `${path}?wait=30`, admin));
    expect(receipt.status).to.equal(200);
    expect(((await receipt.json()) as { format: string }).format).to.equal('notarium-receipt/1');
  });

  it('gives the receipt of a message as soon as its record is anchored', async () => {
    const { activity, message } = await http.post('/v1/activities', key, { ...start, body: 1 });
    const path = `/v1/activities/${activity}/messages/${message}/receipt`;
    // A TEST DOUBLE of one method: the log of these nodes is not that of the centre behind the server.
    let recordId: string | undefined;
    const desk = {
      ...buyer.desk,
      message: async (...asked: Parameters<ActivityDesk['message']>) => {
        const { recordId: _, ...view } = await buyer.desk.message(...asked);
        return { ...view, ...(recordId === undefined ? {} : { recordId }) };
      },
    } as ActivityDesk;
    const served = await serveActivities(desk);
    const admin = await served.key('operator', ['admin']);
    await expectProblem(served.ask('GET', path, admin), 'record-not-anchored');
    const waiting = served.ask('GET', `${path}?wait=30`, admin);
    const record = await signedRecord('urn:notarium:activity:test', { kind: 'activity' });
    const [taken] = await served.centre.accept([JSON.stringify(record)]);
    recordId = taken!.id;
    const receipt = await sealingUntil(served, waiting);
    expect(receipt.status).to.equal(200);
    const { format, entry } = (await receipt.json()) as { format: string; entry: string };
    expect(format).to.equal('notarium-receipt/1');
    expect(JSON.parse(Buffer.from(entry, 'base64').toString())).to.deep.equal(record);
  });
});
