import { expect } from 'chai';
import type { GovernanceDesk } from '../../../services/app/governance/GovernanceDesk.ts';
import { NotariumError } from '../../../services/core/errors.ts';
import { expectProblem, type HttpTest, post, startHttpTest, stopHttpTests } from '../../support/httpTest.ts';

const id = `0x${'ab'.repeat(32)}` as const;
const paths = ['', `/${id}/votes`, `/${id}/cancel`, `/${id}/execute`];

describe('routes that change proposals', () => {
  let http: HttpTest;
  let admin: Record<string, string>;
  before(async () => {
    http = await startHttpTest({ limits: { waitSeconds: 1 } });
    admin = { authorization: `Bearer ${(await http.centre.keys.create('admin', ['admin'])).secret}` };
  });
  after(() => stopHttpTests());

  it('are for the operator, in a network that has a governor', async () => {
    const submit = { authorization: `Bearer ${(await http.centre.keys.create('submit', ['submit'])).secret}` };
    const vote = '{"support":"for"}';
    for (const path of paths) {
      const url = `${http.url}/v1/proposals${path}`;
      await expectProblem(post(url, vote), 'unauthorized');
      await expectProblem(post(url, vote, submit), 'forbidden');
      await expectProblem(post(url, vote, admin), 'governance-missing');
    }
    await expectProblem(post(`${http.url}/v1/proposals/12/cancel`, '', admin), 'request-invalid');
  });

  it('say what is wrong with a vote, and wait no longer than a request may', async () => {
    // A TEST DOUBLE of the desk: it never comes to an end.
    const never = (_: unknown, __: unknown, signal: AbortSignal): Promise<never> =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const desk = { vote: never, execute: async () => Promise.reject(new NotariumError('proposal-state')) };
    Object.assign(http.centre, { governance: desk as unknown as GovernanceDesk });
    const url = `${http.url}/v1/proposals/${id}`;
    for (const body of ['{}', '[]', '{"support":"maybe"}', '{"support":"for","reason":"\\u0000","by":"post"}']) {
      await expectProblem(post(`${url}/votes`, body, admin), 'request-invalid');
    }
    const long = JSON.stringify({ support: 'for', reason: 'ü'.repeat(1_001) });
    expect((await expectProblem(post(`${url}/votes`, long, admin), 'request-invalid')).data).to.include({
      field: 'reason',
    });
    const lone = '{"support":"for","reason":"\\ud800"}';
    await expectProblem(post(`${url}/votes`, lone, admin), 'json-lone-surrogate');
    await expectProblem(post(`${url}/votes`, '{"support":"for","signature":"0x1"}', admin), 'request-invalid');
    await expectProblem(post(`${url}/votes`, '{"support":"for"}', admin), 'wait-timeout');
    await expectProblem(post(`${url}/execute`, '', admin), 'proposal-state');
  });
});
