import { expect } from 'chai';
import type { SessionAnswer } from '../../../services/core/admission/sessionAnswer.ts';
import { type RunningChain, startChain } from '../../support/chains.ts';
import { expectProblem, type HttpTest, post, startHttpTest, stopHttpTests } from '../../support/httpTest.ts';
import { type AdmissionKit, admissionKit } from '../app/admission/admissionKit.ts';

describe('routes of admission', () => {
  let running: RunningChain;
  let kit: AdmissionKit;
  let http: HttpTest;
  let admin: Record<string, string>;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
    kit = await admissionKit(running.rpcUrl);
    // Keys are asked for wherever they can be: candidates have none.
    http = await startHttpTest({ access: { submit: 'key', read: 'key' } });
    admin = { authorization: `Bearer ${(await http.centre.keys.create('admin', ['admin'])).secret}` };
    Object.assign(http.centre, { admission: kit.desks[0]!.desk });
  });
  after(async () => {
    await stopHttpTests();
    await kit.dispose();
    await running.stop();
  });
  const get = async (path: string): Promise<unknown> => {
    const answer = await fetch(`${http.url}/v1/admission${path}`, { headers: admin });
    expect(answer.status).to.equal(200);
    return await answer.json();
  };

  it('challenge a candidate without a key, and tell the operator what came of it', async () => {
    const desk = kit.desks[0]!;
    const url = `${http.url}/v1/admission/sessions`;
    const candidate = await kit.candidate(5);
    const about = await (await fetch(`${http.url}/v1/admission`)).json();
    expect(about).to.deep.equal({ authenticator: desk.parts.signer.address, rules: kit.rules });
    const begun = await post(url, await candidate.signed(candidate.request(desk.parts.signer.address)));
    expect(begun.status).to.equal(201);
    let asked = (await begun.json()) as SessionAnswer;
    while ('packet' in asked) {
      const answer = await post(`${url}/${asked.session}/answers`, JSON.stringify(candidate.work(asked.packet)));
      expect(answer.status).to.equal(200);
      asked = (await answer.json()) as SessionAnswer;
    }
    expect(asked.report.location).to.deep.equal({ network: '127.0.0.0/8 (loopback)' });
    expect(asked.attestation?.application.score).to.equal(asked.report.score);
    const { items } = (await get(`/outcomes?candidate=${candidate.address}`)) as { items: { document: object }[] };
    expect(items.map(({ document }) => document)).to.deep.equal([asked.report]);
    expect(await get('/manifest')).to.deep.equal(kit.manifest.manifest);
    expect(await get('/applications')).to.deep.equal({ items: [] });
  });

  it('say what is wrong, and when it may be tried again', async () => {
    const url = `${http.url}/v1/admission/sessions`;
    await expectProblem(post(url, '{}'), 'join-invalid');
    await expectProblem(post(url, `"${'x'.repeat(32 * 1024)}"`), 'request-too-large');
    await expectProblem(post(`${url}/${'a'.repeat(22)}/answers`, '{"index":0}'), 'request-invalid');
    const answer = { index: 0, values: [`0x${'00'.repeat(32)}`] };
    await expectProblem(post(`${url}/${'a'.repeat(22)}/answers`, JSON.stringify(answer)), 'session-unknown');
    await expectProblem(post(`${url}/short/answers`, JSON.stringify(answer)), 'request-invalid');
    const desk = kit.desks[0]!;
    const candidate = await kit.candidate(6);
    const begin = async () => post(url, await candidate.signed(candidate.request(desk.parts.signer.address)));
    const { session } = (await (await begin()).json()) as { session: string };
    const failed = await expectProblem(post(`${url}/${session}/answers`, JSON.stringify(answer)), 'manifest-unproven');
    expect(failed.data).to.include.keys('location', 'retryAt');
    const throttled = await begin();
    expect(Number(throttled.headers.get('retry-after'))).to.be.within(1, 30);
    expect(await throttled.json()).to.deep.include({ code: 'admission-throttled' });
  });

  it('make a manifest whose hash can be voted on', async () => {
    const made = await post(`${http.url}/v1/admission/manifest`, '{"agreement":"be honest"}', admin);
    expect(await made.json()).to.deep.equal({ hash: kit.manifest.hash, manifest: kit.manifest.manifest });
    await expectProblem(post(`${http.url}/v1/admission/manifest`, '{"agreement":1}', admin), 'request-invalid');
    await expectProblem(
      fetch(`${http.url}/v1/admission/applications/${kit.desks[0]!.parts.signer.address}`, { headers: admin }),
      'not-found',
    );
  });

  it('are nothing where there is no authenticator', async () => {
    const alone = await startHttpTest();
    await expectProblem(fetch(`${alone.url}/v1/admission`), 'authenticator-missing');
    await expectProblem(post(`${alone.url}/v1/admission/sessions`, '{}'), 'authenticator-missing');
    await expectProblem(fetch(`${alone.url}/v1/admission/applications`), 'governance-missing');
  });
});
