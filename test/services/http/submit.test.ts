import { expect } from 'chai';
import type { Hash } from '../../../services/core/bytes.ts';
import type { ErrorCode } from '../../../services/core/errors.ts';
import { NotariumError } from '../../../services/core/errors.ts';
import {
  expectProblem,
  type HttpTest,
  post,
  signedRecord,
  startHttpTest,
  stopHttpTests,
} from '../../support/httpTest.ts';

describe('POST /v1/records', () => {
  let http: HttpTest;
  let url: string;
  beforeEach(async () => {
    http = await startHttpTest({ access: { submit: 'open', read: 'open' } });
    url = `${http.url}/v1/records`;
  });
  afterEach(stopHttpTests);

  it('accepts a record once, knows it the second time, and says where it is once it is logged', async () => {
    const text = JSON.stringify(await signedRecord('urn:one'));
    const first = await post(url, text);
    const accepted = (await first.json()) as { status: string; id: string; acceptance: { recordId: string } };
    expect(first.status).to.equal(201);
    expect(accepted.status).to.equal('accepted');
    expect(accepted.acceptance.recordId).to.equal(accepted.id);
    expect(first.headers.get('location')).to.equal(`/v1/records/${accepted.id}`);
    const second = await post(url, text);
    expect(second.status).to.equal(200);
    expect(await second.json()).to.deep.equal({ ...accepted, status: 'known' });
    await http.centre.seal();
    const third = await post(url, text);
    expect(third.status).to.equal(200);
    expect(await third.json()).to.deep.equal({ status: 'logged', id: accepted.id, leafIndex: 0 });
  });

  it('gives every bad record its own code', async () => {
    const good = await signedRecord('urn:good');
    const { signature: _, ...unsigned } = good;
    const text = JSON.stringify(good);
    const twice = JSON.stringify(await signedRecord('urn:rival', { supersedes: `0x${'1'.repeat(64)}` as Hash }));
    const bad: [string | Uint8Array, ErrorCode][] = [
      ['', 'json-malformed'],
      ['{"signature"', 'json-malformed'],
      ['nonsense', 'json-malformed'],
      ['[]', 'record-invalid'],
      ['null', 'record-invalid'],
      [text.replace('{', '{"v":1,'), 'json-duplicate-key'],
      [text.replace('urn:good', '\\ud800'), 'json-lone-surrogate'],
      [text.replace('"v":1', '"v":1.0'), 'json-number-not-canonical'],
      [text.replace('"v":1', `"meta":${'['.repeat(40)}${']'.repeat(40)},"v":1`), 'json-too-deep'],
      [Buffer.from(text.replace('urn:good', 'urn:\xff'), 'latin1'), 'text-not-utf8'],
      [JSON.stringify({ ...good, more: 1 }), 'record-unknown-field'],
      [JSON.stringify({ ...good, v: 2 }), 'record-version-unsupported'],
      [JSON.stringify({ ...good, digest: 'sha-256:ab' }), 'record-digest-invalid'],
      [JSON.stringify({ ...good, time: '2026-11-21T01:30:00Z' }), 'record-time-invalid'],
      [JSON.stringify({ ...good, meta: { text: 'x'.repeat(5000) } }), 'record-meta-too-large'],
      [text + ' '.repeat(40_000), 'record-too-large'],
      [JSON.stringify({ ...good, network: `eip155:1:0x${'5'.repeat(40)}` }), 'record-network-mismatch'],
      [JSON.stringify({ ...good, subject: 'urn:other' }), 'signature-mismatch'],
      [JSON.stringify({ ...good, signature: '0x12' }), 'signature-malformed'],
      [JSON.stringify({ ...good, signature: `0x${'1'.repeat(64)}${'f'.repeat(64)}1b` }), 'signature-malleable'],
      [twice, 'record-predecessor-unknown'],
      [JSON.stringify(unsigned), 'unauthorized'],
      [`{"meta":"${'x'.repeat(70_000)}"}`, 'request-too-large'],
    ];
    for (const [body, code] of bad) await expectProblem(post(url, body), code);
    expect((await post(url, text)).status).to.equal(201);
  });

  it('names the winner to a rival that supersedes the same record', async () => {
    const first = (await (await post(url, JSON.stringify(await signedRecord('urn:right')))).json()) as {
      id: `0x${string}`;
    };
    const a = await post(url, JSON.stringify(await signedRecord('urn:a', { supersedes: first.id })));
    const winner = ((await a.json()) as { id: string }).id;
    const problem = await expectProblem(
      post(url, JSON.stringify(await signedRecord('urn:b', { supersedes: first.id }))),
      'record-successor-taken',
    );
    expect(problem.data).to.include({ winner });
    expect(problem.data?.id).to.match(/^0x[0-9a-f]{64}$/);
  });

  it('passes on what keeps the centre from taking anything, with Retry-After', async () => {
    const text = JSON.stringify(await signedRecord('urn:full'));
    for (const [code, seconds] of [
      ['pool-full', '1'],
      ['storage-full', '30'],
      ['storage-failed', '30'],
      ['shutting-down', '5'],
    ] as const) {
      http.centre.fail(code);
      const response = await post(url, text);
      expect(response.headers.get('retry-after')).to.equal(seconds);
      await expectProblem(response, code);
    }
  });

  it('refuses other media types, charsets and encodings', async () => {
    const text = JSON.stringify(await signedRecord('urn:type'));
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'application/json; charset=latin1']) {
      await expectProblem(post(url, text, { 'content-type': type }), 'request-media-type-unsupported');
    }
    await expectProblem(post(url, text, { 'content-encoding': 'br' }), 'request-encoding-unsupported');
    expect((await post(url, text, { 'content-type': 'Application/JSON; charset="UTF-8"' })).status).to.equal(201);
  });

  it('answers ack=anchored with the receipt', async () => {
    const answer = post(`${url}?ack=anchored&wait=20`, JSON.stringify(await signedRecord('urn:wait')));
    while (http.centre.calls.length === 0) await new Promise((done) => setImmediate(done));
    await http.centre.seal();
    const { status, receipt } = (await (await answer).json()) as { status: string; receipt: { format: string } };
    expect(status).to.equal('accepted');
    expect(receipt.format).to.equal('notarium-receipt/1');
  });

  it('says that the record stays accepted when the anchor takes too long', async () => {
    const body = JSON.stringify(await signedRecord('urn:late'));
    const problem = await expectProblem(post(`${url}?ack=anchored&wait=1`, body), 'wait-timeout');
    expect(problem.data).to.include({ status: 'accepted' });
    expect(problem.data).to.have.property('acceptance');
  });

  it('does not hide an acceptance behind a failure of what comes after it', async () => {
    http.centre.heldByQuorum = async () => {
      throw new NotariumError('chain-answer-invalid', 'limit exceeded');
    };
    const answer = post(`${url}?ack=quorum`, JSON.stringify(await signedRecord('urn:held')));
    const { detail, data } = await expectProblem(answer, 'wait-timeout');
    expect(detail).to.contain('limit exceeded');
    expect(data).to.have.keys('status', 'id', 'acceptance');
  });

  it('counts a committee of one as a quorum', async () => {
    expect((await post(`${url}?ack=quorum`, JSON.stringify(await signedRecord('urn:q')))).status).to.equal(201);
  });

  it('refuses queries that it does not know', async () => {
    const text = JSON.stringify(await signedRecord('urn:query'));
    for (const query of ['ack=all', 'ack=local&ack=local', 'wait=61', 'wait=-1', 'wiat=1']) {
      await expectProblem(post(`${url}?${query}`, text), 'request-invalid');
    }
  });

  it('lets the centre sign a draft for the owner of a key, and for nobody else', async () => {
    const draft = JSON.stringify({ kind: 'evidence', subject: 'urn:draft', digest: `sha-256:${'cd'.repeat(32)}` });
    const submit = await http.centre.keys.create('Acme', ['submit']);
    const read = await http.centre.keys.create('Reader', ['read']);
    const response = await post(url, draft, { authorization: `Bearer ${submit.secret}` });
    expect(response.status).to.equal(201);
    const { id } = (await response.json()) as { id: `0x${string}` };
    const view = await http.centre.record(id);
    expect(view?.record.meta).to.deep.equal({ onBehalfOf: 'Acme' });
    expect(view?.record.submitter).to.equal((await http.centre.status()).centre);
    await expectProblem(post(url, draft), 'unauthorized');
    await expectProblem(post(url, draft, { authorization: `Bearer ${read.secret}` }), 'forbidden');
    await expectProblem(post(url, '{"a":1,"a":2}', { authorization: `Bearer ${submit.secret}` }), 'json-duplicate-key');
  });

  it('takes a record whose "signature" is written with escapes', async () => {
    const text = JSON.stringify(await signedRecord('urn:escape')).replace('"signature"', '"\\u0073ignature"');
    expect((await post(url, text)).status).to.equal(201);
  });

  it('says nothing about errors that nobody foresaw', async () => {
    const id = `0x${'0'.repeat(64)}`;
    http.centre.throwNext(new Error('secret of the machine'));
    const problem = await expectProblem(fetch(`${url}/${id}`), 'internal');
    expect(JSON.stringify(problem)).not.to.include('secret');
    http.centre.throwNext(new NotariumError('storage-failed'));
    await expectProblem(fetch(`${url}/${id}`), 'storage-failed');
  });
});
