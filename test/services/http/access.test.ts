import { expect } from 'chai';
import {
  expectProblem,
  type HttpTest,
  post,
  postBatch,
  recordTexts,
  startHttpTest,
  stopHttpTests,
} from '../../support/httpTest.ts';

const bearer = (secret: string): Record<string, string> => ({ authorization: `Bearer ${secret}` });

describe('access over HTTP', () => {
  afterEach(stopHttpTests);

  it('asks for a key with the right scope where the policy says so', async () => {
    const http = await startHttpTest({ access: { submit: 'key', read: 'key' } });
    const [record] = await recordTexts(1);
    const secrets = {
      none: undefined,
      submit: (await http.centre.keys.create('submit', ['submit'])).secret,
      read: (await http.centre.keys.create('read', ['read'])).secret,
      admin: (await http.centre.keys.create('admin', ['admin'])).secret,
    };
    const reading = ['/v1/network', '/v1/status', '/v1/blocks', '/log/checkpoint', '/metrics', `/v1/records?subject=a`];
    const wanted = {
      none: { submit: 'unauthorized', read: 'unauthorized', keys: 'unauthorized' },
      submit: { submit: undefined, read: 'forbidden', keys: 'forbidden' },
      read: { submit: 'forbidden', read: undefined, keys: 'forbidden' },
      admin: { submit: undefined, read: undefined, keys: undefined },
    } as const;
    for (const [name, secret] of Object.entries(secrets) as [keyof typeof wanted, string | undefined][]) {
      const headers = secret === undefined ? {} : bearer(secret);
      const expected = wanted[name];
      const check = async (
        answer: Promise<Response>,
        code: 'unauthorized' | 'forbidden' | undefined,
      ): Promise<void> => {
        if (code) await expectProblem(answer, code);
        else expect((await answer).ok).to.equal(true);
      };
      await check(post(`${http.url}/v1/records`, record!, headers), expected.submit);
      await check(postBatch(http, record!, headers), expected.submit);
      for (const path of reading) await check(fetch(`${http.url}${path}`, { headers }), expected.read);
      await check(fetch(`${http.url}/v1/keys`, { headers }), expected.keys);
    }
    for (const path of ['/healthz', '/readyz', '/openapi.json', '/docs']) {
      expect((await fetch(`${http.url}${path}`)).status).to.equal(200);
    }
  });

  it('needs no key where the policy is open, but for the keys themselves', async () => {
    const http = await startHttpTest({ access: { submit: 'open', read: 'open' } });
    expect((await fetch(`${http.url}/v1/status`)).status).to.equal(200);
    const response = await fetch(`${http.url}/v1/keys`);
    expect(response.headers.get('www-authenticate')).to.equal('Bearer realm="notarium"');
    await expectProblem(response, 'unauthorized');
  });

  it('refuses keys that are none, even where no key is needed', async () => {
    const http = await startHttpTest();
    const { secret } = await http.centre.keys.create('reader', ['read']);
    for (const authorization of [
      `Bearer ${secret}x`,
      `Bearer ${secret.slice(0, -1)}`,
      `Basic ${secret}`,
      secret,
      'Bearer',
      `Bearer ntm_${'A'.repeat(43)}`,
    ]) {
      await expectProblem(fetch(`${http.url}/v1/status`, { headers: { authorization } }), 'unauthorized');
    }
    expect((await fetch(`${http.url}/v1/status`, { headers: bearer(secret) })).status).to.equal(200);
  });

  it('creates, lists and revokes keys', async () => {
    const http = await startHttpTest({ access: { submit: 'key', read: 'key' } });
    const admin = bearer((await http.centre.keys.create('root', ['admin'])).secret);
    const url = `${http.url}/v1/keys`;
    const created = await post(url, JSON.stringify({ name: 'Acme', scopes: ['read', 'read'] }), admin);
    expect(created.status).to.equal(201);
    expect(created.headers.get('cache-control')).to.equal('no-store');
    const { key, secret } = (await created.json()) as { key: { id: string; scopes: string[] }; secret: string };
    expect(key.scopes).to.deep.equal(['read']);
    expect((await fetch(`${http.url}/v1/status`, { headers: bearer(secret) })).status).to.equal(200);
    const list = await (await fetch(url, { headers: admin })).text();
    expect(list).to.include('Acme').and.not.to.include(secret);
    const revoked = await fetch(`${url}/${key.id}`, { method: 'DELETE', headers: admin });
    expect(revoked.status).to.equal(204);
    await expectProblem(fetch(`${http.url}/v1/status`, { headers: bearer(secret) }), 'unauthorized');
    await expectProblem(fetch(`${url}/${key.id}`, { method: 'DELETE', headers: admin }), 'not-found');
    for (const body of [
      '{}',
      '{"name":"","scopes":["read"]}',
      '{"name":"a","scopes":[]}',
      '{"name":"a","scopes":["all"]}',
      '{"name":"a","scopes":["read"],"more":1}',
    ]) {
      await expectProblem(post(url, body, admin), 'request-invalid');
    }
    await expectProblem(post(url, '{"name":', admin), 'json-malformed');
  });

  describe('rate limits', () => {
    const start = (): Promise<HttpTest> =>
      startHttpTest({
        rateLimits: { perIp: { limit: 5, windowMs: 60_000 }, perKey: { limit: 8, windowMs: 60_000 } },
        trustProxy: true,
      });
    const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });

    it('count by address, and say when to come again', async () => {
      const http = await start();
      const url = `${http.url}/v1/status`;
      for (let count = 0; count < 5; count++)
        expect((await fetch(url, { headers: from('192.0.2.1') })).status).to.equal(200);
      const response = await fetch(url, { headers: from('192.0.2.1') });
      expect(Number(response.headers.get('retry-after'))).to.be.within(1, 60);
      expect(response.headers.get('ratelimit')).to.match(/requests/);
      await expectProblem(response, 'rate-limited');
      await expectProblem(post(`${http.url}/v1/records`, '{}', from('192.0.2.1')), 'rate-limited');
      expect((await fetch(url, { headers: from('192.0.2.2') })).status).to.equal(200);
      expect((await fetch(`${http.url}/healthz`, { headers: from('192.0.2.1') })).status).to.equal(200);
    });

    it('count by key wherever it comes from, and wrong keys by address', async () => {
      const http = await start();
      const url = `${http.url}/v1/status`;
      const { secret } = await http.centre.keys.create('reader', ['read']);
      for (let count = 0; count < 8; count++) {
        expect((await fetch(url, { headers: { ...bearer(secret), ...from(`192.0.2.${count}`) } })).status).to.equal(
          200,
        );
      }
      await expectProblem(fetch(url, { headers: { ...bearer(secret), ...from('192.0.2.9') } }), 'rate-limited');
      const guess = (n: number): Promise<Response> =>
        fetch(url, { headers: { ...bearer(`ntm_${String(n).repeat(43)}`), ...from('192.0.2.77') } });
      for (let count = 0; count < 5; count++) await expectProblem(guess(count), 'unauthorized');
      await expectProblem(guess(6), 'rate-limited');
    });

    it('believe no forwarded address without a trusted proxy', async () => {
      const http = await startHttpTest({
        rateLimits: { perIp: { limit: 2, windowMs: 60_000 }, perKey: { limit: 2, windowMs: 60_000 } },
      });
      const url = `${http.url}/v1/status`;
      for (let count = 0; count < 2; count++) await fetch(url, { headers: from(`192.0.2.${count}`) });
      await expectProblem(fetch(url, { headers: from('192.0.2.3') }), 'rate-limited');
    });
  });
});
