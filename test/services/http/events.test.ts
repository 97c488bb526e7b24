import { expect } from 'chai';
import { expectProblem, type HttpTest, rawConnection, startHttpTest, stopHttpTests } from '../../support/httpTest.ts';
import { until } from '../../support/until.ts';

type Stream = {
  readonly response: Response;
  text(): string;
  ids(): number[];
  readonly ended: () => boolean;
  abort(): void;
};

async function openStream(http: HttpTest, headers: Record<string, string> = {}, query = ''): Promise<Stream> {
  const controller = new AbortController();
  const response = await fetch(`${http.url}/v1/events${query}`, { headers, signal: controller.signal });
  let text = '';
  let ended = false;
  const read = async (): Promise<void> => {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk as Uint8Array).toString();
    ended = true;
  };
  read().catch(() => {
    ended = true;
  });
  return {
    response,
    text: () => text,
    ids: () => [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1])),
    ended: () => ended,
    abort: () => controller.abort(),
  };
}

describe('GET /v1/events', () => {
  afterEach(stopHttpTests);

  it('streams what was and what comes, and goes on after Last-Event-ID', async () => {
    const http = await startHttpTest();
    http.centre.emit('alert', { code: 'chain-unreachable' });
    const stream = await openStream(http);
    expect(stream.response.headers.get('content-type')).to.equal('text/event-stream; charset=utf-8');
    expect(stream.response.headers.get('cache-control')).to.equal('no-store');
    await until('the old event', () => stream.ids().length === 1);
    await http.centre.seal();
    await until('the new event', () => stream.ids().length === 2);
    const frame = stream
      .text()
      .split('\n\n')
      .find((part) => part.startsWith('id: 2'))!
      .split('\n');
    expect(frame.slice(0, 2)).to.deep.equal(['id: 2', 'event: block.committed']);
    expect(JSON.parse(frame[2]!.slice('data: '.length))).to.deep.include({ seq: 2, data: { height: 1 } });
    stream.abort();
    await until('the end of the stream', () => http.centre.listeners() === 0);

    await http.centre.seal();
    const resumed = await openStream(http, { 'last-event-id': '2' });
    await until('the missed event', () => resumed.ids().length === 1);
    expect(resumed.ids()).to.deep.equal([3]);
    const after = await openStream(http, {}, '?after=1');
    await until('both events', () => after.ids().length === 2);
    expect(after.ids()).to.deep.equal([2, 3]);
  });

  it('starts with the next event from the moment on when it begins to answer, and says where that is', async () => {
    const http = await startHttpTest();
    http.centre.emit('alert', {});
    const { lastEventSeq } = http.centre;
    const found = Promise.withResolvers<void>();
    let isAsked = false;
    http.centre.lastEventSeq = async () => {
      const seq = await lastEventSeq();
      isAsked = true;
      await found.promise;
      return seq;
    };
    let isOpen = false;
    const opening = openStream(http, {}, '?after=latest').then((stream) => {
      isOpen = true;
      return stream;
    });
    await until('the question for the newest one', () => isAsked);
    await (await fetch(`${http.url}/healthz`)).text();
    expect(isOpen).to.equal(false);
    found.resolve();
    const stream = await opening;
    http.centre.emit('alert', {});
    await until('the next event', () => stream.ids().includes(2));
    expect(stream.text()).to.match(/^retry: 2000\nid: 1\n\nid: 2\nevent: alert\n/);
  });

  it('refuses ids that are none of its own', async () => {
    const http = await startHttpTest();
    for (const id of ['x', '-1', '1.5', '9999999999999999']) {
      await expectProblem(fetch(`${http.url}/v1/events`, { headers: { 'last-event-id': id } }), 'request-invalid');
    }
  });

  it('sends heartbeats', async () => {
    const http = await startHttpTest({ limits: { heartbeatMs: 20 } });
    const stream = await openStream(http);
    await until('two heartbeats', () => stream.text().split(': \n\n').length > 2);
  });

  it('has a bound on clients', async () => {
    const http = await startHttpTest({ limits: { eventClients: 1 } });
    const first = await openStream(http);
    const response = await fetch(`${http.url}/v1/events`);
    expect(response.headers.get('retry-after')).to.equal('10');
    await expectProblem(response, 'rate-limited');
    first.abort();
    await until('a free place', async () => {
      const again = await openStream(http);
      const isOpen = again.response.status === 200;
      again.abort();
      return isOpen;
    });
  });

  it('holds back for a client that does not read, and cuts one that never does', async () => {
    const http = await startHttpTest({ limits: { slowClientMs: 1000 } });
    const data = { text: 'x'.repeat(100_000) };
    for (let count = 0; count < 300; count++) http.centre.emit('alert', data);
    const { socket, closed } = await rawConnection(http);
    socket.pause();
    socket.write('GET /v1/events HTTP/1.1\r\nhost: test\r\n\r\n');
    await until('the stream', () => http.centre.listeners() === 1);
    const before = process.memoryUsage().arrayBuffers;
    await until('the cut', () => http.centre.listeners() === 0);
    expect(process.memoryUsage().arrayBuffers - before).to.be.lessThan(20_000_000);
    socket.resume();
    await closed;
  });

  it('ends when the server stops, and the client can resume elsewhere', async () => {
    const http = await startHttpTest();
    http.centre.emit('alert', {});
    const stream = await openStream(http);
    await until('the event', () => stream.ids().length === 1);
    expect(await http.stop()).to.deep.equal({ cutConnections: 0 });
    await until('the end', () => stream.ended());
    expect(http.centre.listeners()).to.equal(0);
  });
});
