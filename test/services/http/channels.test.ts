import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { CloseRequest, Update } from '../../../services/core/channels/update.ts';
import type { HttpOptions } from '../../../services/http/HttpOptions.ts';
import { type HttpServer, startVerifierServer } from '../../../services/http/httpServer.ts';
import { AccessToken } from '../../../services/lib/client/channels/AccessToken.ts';
import { HttpVerifier, verifierTerms } from '../../../services/lib/client/channels/HttpVerifier.ts';
import { declaredOnly } from '../../support/declaredOnly.ts';
import {
  type DeskDouble,
  deskDouble,
  doubleChannel,
  doubleChannelId,
  doubleNetwork,
  signAsRequester,
  signAsStranger,
} from '../../support/deskDouble.ts';
import { expectCode } from '../../support/expectCode.ts';
import { expectProblem, post, startHttpTest, stopHttpTests } from '../../support/httpTest.ts';

const other = `0x${'ab'.repeat(32)}` as const;
const idle = { network: doubleNetwork, channelId: doubleChannelId, sign: signAsRequester };
const update: Update = {
  ...{ channelId: doubleChannelId, baseVersion: 0, version: 1, held: 2n ** 100n },
  ...{ folds: [], drops: [], adds: [other], signature: `0x${'66'.repeat(64)}` },
};

describe('routes of a verifier', () => {
  let folder: string | undefined;
  let desk: DeskDouble;
  let http: HttpServer;
  let verifier: HttpVerifier;
  const start = async (options: HttpOptions = {}): Promise<void> => {
    folder ??= await mkdtemp(join(tmpdir(), 'notarium-desk-'));
    desk = await deskDouble(folder);
    http = declaredOnly(await startVerifierServer(desk, { port: 0, rateLimits: false, stopMs: 300, ...options }));
    verifier = new HttpVerifier({ ...idle, url: http.url, backOff: { tries: 1, firstDelayMs: 1, maxDelayMs: 1 } });
  };
  const auth = (): Record<string, string> => ({ authorization: verifier.token.header() });
  const channelUrl = (more = ''): string => `${http.url}/v1/channels/${doubleChannelId}${more}`;
  beforeEach(() => start());
  afterEach(async () => {
    await http.stop();
    await stopHttpTests();
    await rm(folder!, { recursive: true, force: true });
    folder = undefined;
  });

  it('give amounts of any size as they are, both ways', async () => {
    expect(await verifier.accept()).to.deep.equal(doubleChannel);
    expect(await verifier.channel(doubleChannelId)).to.deep.equal(desk.view);
    const view = { ...desk.view, held: 2n ** 127n };
    expect(await verifier.show(doubleChannelId, view)).to.deep.equal(view);
    const request = { uploads: ['a1'], digest: other, count: 3 };
    const [bill] = await verifier.bills(doubleChannelId, [request]);
    expect(bill).to.have.nested.property('signed.bill.amount', 2n ** 90n);
    await verifier.withdraw(doubleChannelId, other);
    expect(await verifier.update(update)).to.deep.equal({ signature: `0x${'44'.repeat(64)}`, disclosures: [] });
    const closing = { requesterBalance: 1n, verifierBalance: 2n, evidenceRoot: other, evidenceCount: 0 };
    const close: CloseRequest = { channelId: doubleChannelId, version: 3, closing, signature: update.signature };
    expect(await verifier.close(close)).to.deep.equal({ signature: `0x${'55'.repeat(64)}` });
    expect(await verifier.evidence(doubleChannelId, 5, 256)).to.deep.equal([]);
    expect(desk.asked.slice(1)).to.deep.equal([
      ['accept', doubleChannelId],
      ['show', view],
      ['bills', doubleChannelId, [request]],
      ['withdraw', doubleChannelId, other],
      ['update', update],
      ['close', close],
      ['evidence', 5, 256],
    ]);
    expect((await fetch(`${http.url}/healthz`)).status).to.equal(200);
    expect(await (await fetch(`${http.url}/readyz`)).json()).to.deep.equal({ status: 'ready' });
  });

  it('tell the terms to everybody, and content to the requester alone', async () => {
    expect(await verifierTerms(http.url)).to.deep.equal({
      network: doubleNetwork,
      verifier: doubleChannel.verifier,
      price: '12',
    });
    const digest = `0x${createHash('sha256').update('evidence\n').digest('hex')}` as const;
    expect(await (await verifier.content(digest, { key: other })).text()).to.equal('evidence\n');
    expect(desk.asked.at(-1)).to.deep.equal(['content', digest, new Uint8Array(32).fill(0xab)]);
    await expectProblem(fetch(channelUrl(`/contents/${digest}`)), 'channel-access-invalid');
    await expectCode('evidence-not-found', () => verifier.content(other));
    await expectCode('evidence-not-found', () => verifier.receipt(other));
    const badKey = { ...auth(), 'evidence-key': '0x12' };
    await expectProblem(fetch(channelUrl(`/contents/${digest}`), { headers: badKey }), 'request-invalid');
  });

  it('ask the chain about an access once', async () => {
    for (let count = 0; count < 5; count++) await verifier.channel(doubleChannelId);
    expect(desk.asked).to.deep.equal([['accept', doubleChannelId]]);
  });

  it('ask the chain not at all about a channel that was taken on', async () => {
    desk.known = async (channelId) => (channelId === doubleChannelId ? doubleChannel : undefined);
    await verifier.channel(doubleChannelId);
    const stranger = new AccessToken({ ...idle, sign: (digest) => signAsStranger(digest) });
    const headers = { authorization: stranger.header() };
    await expectProblem(fetch(channelUrl(), { headers }), 'channel-access-invalid');
    expect(desk.asked).to.deep.equal([]);
  });

  it('refuse who is not the requester of that channel', async () => {
    await expectProblem(fetch(channelUrl()), 'channel-access-invalid');
    await expectProblem(fetch(channelUrl(), { headers: { authorization: 'Bearer x' } }), 'channel-access-invalid');
    // What nobody has signed is not looked up.
    const unsigned = new AccessToken({ ...idle, sign: () => `0x${'00'.repeat(64)}` });
    const nobody = { authorization: unsigned.header() };
    await expectProblem(fetch(channelUrl(), { headers: nobody }), 'channel-access-invalid');
    expect(desk.asked).to.deep.equal([]);
    const forged = new AccessToken({ ...idle, sign: () => `0x${'01'.repeat(64)}` });
    const wrong = { authorization: forged.header() };
    await expectProblem(fetch(channelUrl(), { headers: wrong }), 'channel-access-invalid');
    await expectProblem(fetch(`${http.url}/v1/channels/${other}`, { headers: auth() }), 'channel-access-invalid');
    const unknown = new AccessToken({ ...idle, channelId: other });
    const headers = { authorization: unknown.header() };
    await expectProblem(fetch(`${http.url}/v1/channels/${other}`, { headers }), 'channel-unknown');
    const late = new AccessToken({ ...idle, clock: { nowMs: () => 0, sleep: async () => {} } });
    await expectProblem(fetch(channelUrl(), { headers: { authorization: late.header() } }), 'channel-access-invalid');
    const body = JSON.stringify({ channelId: other });
    await expectProblem(post(`${http.url}/v1/channels`, body, auth()), 'channel-access-invalid');
  });

  it('say what is wrong with a request', async () => {
    const text = (value: object): string =>
      JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? item.toString() : item));
    await expectProblem(post(channelUrl('/updates'), '{}', auth()), 'request-invalid');
    await expectProblem(post(channelUrl('/updates'), '{', auth()), 'json-malformed');
    const another = text({ ...update, channelId: other });
    await expectProblem(post(channelUrl('/updates'), another, auth()), 'channel-invalid');
    const amount = text({ ...update, held: 5 });
    await expectProblem(post(channelUrl('/updates'), amount, auth()), 'request-invalid');
    const stale = await expectProblem(
      post(channelUrl('/updates'), text({ ...update, baseVersion: 7 }), auth()),
      'channel-base-stale',
    );
    expect(stale.data).to.deep.equal({ version: 0 });
    const huge = `"${'x'.repeat(600_000)}"`;
    await expectProblem(post(channelUrl('/updates'), huge, auth()), 'request-too-large');
    const many = text({ requests: Array(65).fill({ uploads: ['a'], digest: other, count: 1 }) });
    await expectProblem(post(channelUrl('/bills'), many, auth()), 'request-invalid');
    await expectProblem(fetch(channelUrl('/evidence?limit=257'), { headers: auth() }), 'request-invalid');
    await expectProblem(fetch(channelUrl('/updates'), { headers: auth() }), 'method-not-allowed');
    await expectProblem(fetch(`${http.url}/v1/status`), 'not-found');
  });

  it('count a requester for its channel, and anybody else for the address', async () => {
    await http.stop();
    const perKey = { limit: 3, windowMs: 60_000 };
    await start({ rateLimits: { perIp: { limit: 2, windowMs: 60_000 }, perKey } });
    // The first request shows who it is, and counts for the address.
    for (let count = 0; count < 4; count++) await verifier.channel(doubleChannelId);
    await expectCode('rate-limited', () => verifier.channel(doubleChannelId));
    await expectProblem(fetch(channelUrl()), 'channel-access-invalid');
    await expectProblem(fetch(channelUrl()), 'rate-limited');
    // Before the chain is asked.
    const asked = desk.asked.length;
    const headers = { authorization: new AccessToken({ ...idle, channelId: other }).header() };
    await expectProblem(fetch(`${http.url}/v1/channels/${other}`, { headers }), 'rate-limited');
    expect(desk.asked).to.have.length(asked);
  });

  it('are those of a centre with the module, and verifier-missing without', async () => {
    const centre = await startHttpTest();
    await expectProblem(fetch(`${centre.url}/v1/verifier`), 'verifier-missing');
    await expectProblem(fetch(`${centre.url}/v1/channels/${doubleChannelId}`, { headers: auth() }), 'verifier-missing');
    const both = await startHttpTest({ channels: desk });
    const inCentre = new HttpVerifier({ ...idle, url: both.url });
    expect(await inCentre.channel(doubleChannelId)).to.deep.equal(desk.view);
    expect((await fetch(`${both.url}/v1/status`)).status).to.equal(200);
  });
});
