import { expect } from 'chai';
import { CentreHttp } from '../../../../services/lib/client/CentreHttp.ts';
import { type FollowOptions, followEvents } from '../../../../services/lib/client/followEvents.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { type HttpTest, startHttpTest, stopHttpTests } from '../../../support/httpTest.ts';
import { tcpProxy } from '../../../support/tcpProxy.ts';
import { until } from '../../../support/until.ts';

/** Follows until the test has seen enough. */
function follow(url: string, options: Omit<FollowOptions, 'signal'> = {}) {
  const stop = new AbortController();
  const seqs: number[] = [];
  const done = (async () => {
    for await (const { seq } of followEvents(new CentreHttp({ url }), { ...options, signal: stop.signal }))
      seqs.push(seq);
  })();
  return {
    seqs,
    done,
    async end() {
      stop.abort();
      await done;
    },
  };
}

const emit = (http: HttpTest, count: number): void => {
  for (let index = 0; index < count; index++) http.centre.emit('alert', { text: 'a\n\nb' });
};

describe('lib/client/followEvents', () => {
  afterEach(stopHttpTests);

  it('gives what was and what comes, from any event on', async () => {
    const http = await startHttpTest();
    emit(http, 3);
    const all = follow(http.url);
    const some = follow(http.url, { after: 2 });
    const latest = follow(http.url, { after: 'latest' });
    await until('all streams to be open', () => http.centre.listeners() === 3);
    emit(http, 1);
    await until('the new event', () => [all, some, latest].every(({ seqs }) => seqs.at(-1) === 4));
    expect([all.seqs, some.seqs, latest.seqs]).to.deep.equal([[1, 2, 3, 4], [3, 4], [4]]);
    for (const each of [all, some, latest]) await each.end();
    await until('no stream to be open', () => http.centre.listeners() === 0);
  });

  it('goes on after a break without losing or repeating one, and says that there was one', async () => {
    const http = await startHttpTest();
    const proxy = await tcpProxy(Number(new URL(http.url).port));
    const breaks: string[] = [];
    const run = follow(`http://127.0.0.1:${proxy.port}`, { onBreak: ({ code }) => breaks.push(code) });
    emit(http, 2);
    await until('the first events', () => run.seqs.length === 2);
    proxy.cut();
    emit(http, 2);
    await until('the break', () => breaks.length > 0);
    proxy.heal();
    emit(http, 1);
    await until('the rest', () => run.seqs.length === 5);
    expect(run.seqs).to.deep.equal([1, 2, 3, 4, 5]);
    expect(new Set(breaks)).to.deep.equal(new Set(['server-unreachable']));
    await run.end();
    await proxy.close();
  });

  it('goes on from where it began also after a break that came before the first event', async () => {
    const event = { seq: 4, type: 'alert', time: '2026-11-21T01:30:00.000Z', data: {} };
    const answers = ['retry: 2000\nid: 3\n\n', `id: 4\nevent: alert\ndata: ${JSON.stringify(event)}\n\n`];
    const asked: string[] = [];
    const http = new CentreHttp({
      url: 'http://centre',
      fetch: async (input) => {
        asked.push(new URL(String(input)).search);
        return new Response(answers.shift());
      },
    });
    for await (const { seq } of followEvents(http, { after: 'latest' })) {
      expect(seq).to.equal(4);
      break;
    }
    expect(asked).to.deep.equal(['?after=latest', '?after=3']);
  });

  it('ends where no further try would help', async () => {
    const http = await startHttpTest({ access: { submit: 'open', read: 'key' } });
    await expectCode('unauthorized', follow(http.url).done);
  });
});
