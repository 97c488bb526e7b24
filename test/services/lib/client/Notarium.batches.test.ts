import { expect } from 'chai';
import type { SubmitResult } from '../../../../services/lib/client/submitBatch.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { signedRecord } from '../../../support/httpTest.ts';
import { draft, freshCentre, quick } from './notariumKit.ts';

describe('lib/client/Notarium, many records', () => {
  const centre = freshCentre();
  const { open, between } = centre;

  it('hands in many drafts by API key, one result each in order, wrong ones alone failing', async () => {
    const { secret } = await centre.http.centre.keys.create('somebody', ['submit', 'read']);
    const count = 30;
    const items = Array.from({ length: count }, (_, index) =>
      index === 10 ? { ...draft, digest: 'sha-256:no' } : { ...draft, subject: `urn:${index}` },
    );
    const notary = open({ signer: undefined, apiKey: secret });
    // A record that is signed already goes with them.
    const results = await Array.fromAsync(notary.submitMany([...items, await signedRecord('urn:signed')]));
    expect(results.map(({ status }) => status)).to.deep.equal(
      Array.from({ length: count + 1 }, (_, index) => (index === 10 ? 'failed' : 'accepted')),
    );
    await centre.http.centre.seal();
    for (const index of [0, 9, 11, 29])
      expect((await notary.record(results[index]!.id!)).record.subject).to.equal(`urn:${index}`);
    const wrong = await Array.fromAsync(open({ signer: undefined, apiKey: 'wrong' }).submitMany(items));
    expect(wrong.map((result) => result.status === 'failed' && result.error.code)).to.deep.equal(
      Array.from({ length: count }, () => 'unauthorized'),
    );
  });

  it('hands in thousands of records, one result each in order, wrong ones alone failing', async () => {
    const count = 2_345;
    async function* items() {
      for (let index = 0; index < count; index++) {
        yield index === 1_000 ? { ...draft, digest: 'sha-256:no' } : { ...draft, subject: `urn:${index}` };
      }
    }
    const results = await Array.fromAsync(open().submitMany(items(), { batchSize: 500 }));
    expect(results).to.have.length(count);
    results.forEach((result, index) => {
      if (index !== 1_000) expect(result.record?.subject).to.equal(`urn:${index}`);
      expect(result.status).to.equal(index === 1_000 ? 'failed' : 'accepted');
    });
    expect((results[1_000] as SubmitResult & { status: 'failed' }).error.code).to.equal('record-digest-invalid');
  });

  it('hands in records without asking for signed promises, which it gets later all the same', async () => {
    const items = Array.from({ length: 20 }, (_, index) => ({ ...draft, subject: `urn:${index}` }));
    const results = await Array.fromAsync(open().submitMany(items, { acceptances: false }));
    expect(results.map(({ status }) => status)).to.deep.equal(Array(20).fill('accepted'));
    expect(results.some((result) => 'acceptance' in result)).to.equal(false);
    const { id } = results[3]!;
    expect((await open().record(id!)).acceptance?.recordId).to.equal(id);
  });

  it('takes no more from its source than the reader takes results', async () => {
    let taken = 0;
    function* items() {
      for (;;) {
        taken++;
        yield { ...draft, subject: `urn:${taken}` };
      }
    }
    const results = open().submitMany(items(), { batchSize: 10 });
    for (let index = 0; index < 5; index++) await results.next();
    expect(taken).to.be.below(50);
    await results.return(undefined);
  });

  it('posts again what the centre could not take for a while', async () => {
    centre.http.centre.fail('pool-full', 3);
    const notary = open({ backOff: { tries: 1_000, firstDelayMs: 5, maxDelayMs: 5 } });
    const results = notary.submitMany(Array.from({ length: 8 }, (_, index) => ({ ...draft, subject: `urn:${index}` })));
    const first = results.next();
    setTimeout(() => centre.http.centre.fail(undefined), 100);
    expect([(await first).value, ...(await Array.fromAsync(results))].map((result) => result?.status)).to.deep.equal(
      Array(8).fill('accepted'),
    );
  });

  it('tries again where the error says so, and not where it does not', async () => {
    let asked = 0;
    let answer = { status: 503, code: 'pool-full', retry: true };
    const url = await between((request, response) => {
      if (request.method !== 'POST') return false;
      asked++;
      response.writeHead(answer.status, { 'content-type': 'application/problem+json' });
      response.end(JSON.stringify(answer));
      return true;
    });
    const notary = open({ url });
    await expectCode('pool-full', notary.submit(draft));
    expect(asked).to.equal(quick.tries);
    asked = 0;
    answer = { status: 409, code: 'record-successor-taken', retry: false };
    await expectCode('record-successor-taken', notary.submit(draft));
    expect(asked).to.equal(1);
    asked = 0;
    answer = { status: 418, code: 'of-a-newer-centre', retry: true };
    await expectCode('server-answer-invalid', notary.submit(draft));
    expect(asked).to.equal(quick.tries);
  });

  it('posts again the lines of a batch whose answer broke off', async () => {
    let broken = 0;
    const url = await between((request, response) => {
      if (!request.url!.endsWith('/batch') || broken++ > 0) return false;
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.write('{"line":1,"status":"failed","error":{"code":"record-expired","retry":false}}\n{"line":2,"sta');
      setTimeout(() => response.destroy(), 20);
      return true;
    });
    const items = Array.from({ length: 4 }, (_, index) => ({ ...draft, subject: `urn:${index}` }));
    const results = await Array.fromAsync(open({ url }).submitMany(items));
    expect(results.map(({ status }) => status)).to.deep.equal(['failed', 'accepted', 'accepted', 'accepted']);
  });
});
