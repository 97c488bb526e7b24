import { Writable } from 'node:stream';
import { expect } from 'chai';
import { pino } from 'pino';
import {
  answerLines,
  expectProblem,
  type HttpTest,
  post,
  postBatch,
  rawConnection,
  recordTexts,
  signedRecord,
  startHttpTest,
  stopHttpTests,
} from '../../support/httpTest.ts';
import { until } from '../../support/until.ts';

/** Status and problem code of a raw answer. */
function rawAnswer(text: string): { status: number; code: string } {
  const [head = '', body = ''] = text.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), code: (JSON.parse(body) as { code: string }).code };
}

const recordHead = 'POST /v1/records HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n';
const batchHead = 'POST /v1/records/batch HTTP/1.1\r\nhost: test\r\ncontent-type: application/x-ndjson\r\n';

describe('HTTP protocol', () => {
  afterEach(stopHttpTests);

  it('has a problem document for every unknown path, and the allowed methods for every known one', async () => {
    const http = await startHttpTest();
    for (const path of [
      '/',
      '/v1',
      '/v1/Records',
      '/v2/records',
      '/v1/records/a/b',
      '/docs/other.js',
      '/.env',
      '/v1/blocks/1/2',
    ]) {
      await expectProblem(fetch(http.url + path), 'not-found');
    }
    const wrong: [string, string, string][] = [
      ['PUT', '/v1/records', 'POST, OPTIONS, GET, HEAD'],
      ['GET', '/v1/records/batch', 'POST, OPTIONS'],
      ['PUT', '/v1/records/0x12', 'GET, HEAD, OPTIONS'],
      ['POST', '/v1/blocks/1', 'GET, HEAD, OPTIONS'],
      ['PATCH', '/v1/keys/abc', 'DELETE, OPTIONS'],
      ['POST', '/log/tile/0/000', 'GET, HEAD, OPTIONS'],
      ['POST', '/healthz', 'GET, HEAD, OPTIONS'],
    ];
    for (const [method, path, allow] of wrong) {
      const response = await fetch(http.url + path, { method });
      expect(response.headers.get('allow'), path).to.equal(allow);
      await expectProblem(response, 'method-not-allowed');
    }
    const options = await fetch(`${http.url}/v1/blocks`, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')]).to.deep.equal([204, 'GET, HEAD, OPTIONS']);
  });

  it('answers HEAD without a body', async () => {
    const http = await startHttpTest();
    const response = await fetch(`${http.url}/v1/network`, { method: 'HEAD' });
    expect(response.status).to.equal(200);
    expect(Number(response.headers.get('content-length'))).to.be.greaterThan(100);
    expect(await response.text()).to.equal('');
  });

  it('has security headers and a request id on everything', async () => {
    const http = await startHttpTest();
    for (const path of ['/healthz', '/nowhere', '/docs', '/log/checkpoint']) {
      const { headers } = await fetch(http.url + path, { headers: { 'x-request-id': 'mine-1' } });
      expect(headers.get('x-content-type-options')).to.equal('nosniff');
      expect(headers.get('x-powered-by')).to.equal(null);
      expect(headers.get('content-security-policy')).to.match(/default-src 'none'/);
      expect(headers.get('x-request-id')).to.equal('mine-1');
    }
    const { headers } = await fetch(`${http.url}/healthz`, { headers: { 'x-request-id': 'not an id <script>' } });
    expect(headers.get('x-request-id')).to.match(/^[0-9a-f-]{36}$/);
  });

  it('answers what is no HTTP', async () => {
    const http = await startHttpTest();
    for (const [text, status, code] of [
      ['nonsense\r\n\r\n', 400, 'request-invalid'],
      ['GET / HTTP/1.1\r\n\r\n', 400, undefined],
      [`GET / HTTP/1.1\r\nhost: a\r\nbig: ${'x'.repeat(40_000)}\r\n\r\n`, 413, 'request-too-large'],
      [`${recordHead}content-length: 3\r\ncontent-length: 4\r\n\r\n{}`, 400, 'request-invalid'],
    ] as const) {
      const connection = await rawConnection(http);
      connection.socket.write(text);
      await connection.closed;
      expect(connection.text()).to.match(new RegExp(`^HTTP/1.1 ${status} `));
      if (code) expect(rawAnswer(connection.text())).to.deep.equal({ status, code });
    }
  });

  it('takes a body that comes byte by byte for longer than it may stop, and gives up on one that stops', async () => {
    const idleMs = 2_000;
    const http = await startHttpTest({ limits: { bodyIdleMs: idleMs } });
    const body = JSON.stringify(await signedRecord('urn:slow'));
    const slow = await rawConnection(http);
    slow.socket.setNoDelay(true);
    slow.socket.write(`${recordHead}connection: close\r\ncontent-length: ${body.length}\r\n\r\n`);
    // By then a limit that does not begin anew with each byte is over.
    const untilMs = performance.now() + 1.5 * idleMs;
    let at = 0;
    for (; performance.now() < untilMs; at++) {
      slow.socket.write(body.slice(at, at + 1));
      await new Promise((done) => setTimeout(done, 15));
    }
    expect(at).to.be.below(body.length);
    expect(slow.text()).to.equal('');
    slow.socket.write(body.slice(at));
    await slow.closed;
    expect(slow.text()).to.match(/^HTTP\/1\.1 201 /);

    const stuck = await rawConnection(http);
    stuck.socket.write(`${recordHead}content-length: ${body.length}\r\n\r\n${body.slice(0, 50)}`);
    await until('the answer', () => stuck.text().includes('}'));
    expect(rawAnswer(stuck.text())).to.deep.equal({ status: 408, code: 'request-timeout' });
    stuck.socket.destroy();
  });

  it('answers what a stuck batch brought before it gives up', async () => {
    const http = await startHttpTest({ limits: { bodyIdleMs: 1000 } });
    const [text] = await recordTexts(1);
    const stuck = await rawConnection(http);
    const chunk = `${text}\n{"half`;
    stuck.socket.write(`${batchHead}transfer-encoding: chunked\r\n\r\n${chunk.length.toString(16)}\r\n${chunk}\r\n`);
    await stuck.closed;
    const lines = stuck
      .text()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
    expect(lines.map(({ line, status, stopped, error }) => [line, status, stopped, error?.code])).to.deep.equal([
      [1, 'accepted', undefined, undefined],
      [2, 'failed', true, 'request-timeout'],
    ]);
  });

  it('closes a connection whose headers do not come', async () => {
    const http = await startHttpTest({ limits: { headersMs: 1000 } });
    const stuck = await rawConnection(http);
    stuck.socket.write('GET /healthz HTTP/1.1\r\nhost:');
    await stuck.closed;
    expect(rawAnswer(stuck.text())).to.deep.equal({ status: 408, code: 'request-timeout' });
  });

  it('refuses a body that is declared too large before it comes, and one that lies about it', async () => {
    const http = await startHttpTest();
    const declared = await rawConnection(http);
    declared.socket.write(`${recordHead}content-length: 99999999\r\n\r\n`);
    await until('the answer', () => declared.text().includes('}'));
    expect(rawAnswer(declared.text())).to.deep.equal({ status: 413, code: 'request-too-large' });
    const endless = await rawConnection(http);
    endless.socket.write(`${recordHead}transfer-encoding: chunked\r\n\r\n`);
    const flood = setInterval(() => endless.socket.write(`10000\r\n${'x'.repeat(65_536)}\r\n`), 1);
    await endless.closed;
    clearInterval(flood);
    expect(endless.text()).to.match(/^HTTP\/1\.1 413 /);
    declared.socket.destroy();
  });

  it('forgets a client that goes away in the middle, and keeps what it brought', async () => {
    const http = await startHttpTest();
    const [text] = await recordTexts(1);
    const gone = await rawConnection(http);
    gone.socket.write(`${batchHead}content-length: 100000\r\n\r\n${text}\n`);
    await until('the record', () => http.centre.calls.length === 1);
    gone.socket.destroy();
    await until('the end of the request', () => http.context.lifetime.underWay.size === 0);
    const [line] = await answerLines(await postBatch(http, text!));
    expect(line?.status).to.equal('known');
  });

  it('does not read on when the centre is slow, nor when the client does not take its answers', async () => {
    const http = await startHttpTest({
      limits: { answerBufferBytes: 20_000, chunkLines: 16, chunkBytes: 8192, slowClientMs: 400 },
    });
    const texts = await recordTexts(64);
    const flood = async (): Promise<number> => {
      const client = await rawConnection(http);
      client.socket.pause();
      client.socket.write(`${batchHead}transfer-encoding: chunked\r\n\r\n`);
      const body = `${texts.join('\n')}\n`;
      const chunk = `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n`;
      let writtenBytes = 0;
      // Until the socket takes nothing for 100 ms: all buffers on the way are full.
      for (let isOpen = true; isOpen && writtenBytes < 200_000_000; ) {
        writtenBytes += chunk.length;
        if (client.socket.write(chunk)) continue;
        isOpen = await new Promise<boolean>((resolve) => {
          const timer = setTimeout(() => resolve(false), 100);
          client.socket.once('drain', () => {
            clearTimeout(timer);
            resolve(true);
          });
        });
      }
      client.socket.destroy();
      return writtenBytes;
    };
    const release = http.centre.hold();
    expect(await flood()).to.be.lessThan(100_000_000);
    expect(http.centre.calls.length).to.be.at.most(2);
    release();
    expect(await flood()).to.be.lessThan(100_000_000);
    await until('the end of the requests', () => http.context.lifetime.underWay.size === 0);
  });

  it('logs one line for a request at level debug, none above, and no secrets', async () => {
    const lines: string[] = [];
    const sink = new Writable({
      write(chunk, _encoding, done) {
        lines.push(String(chunk));
        done();
      },
    });
    const run = async (level: string): Promise<HttpTest> => {
      const http = await startHttpTest({ logger: pino({ level }, sink) });
      const { secret } = await http.centre.keys.create('a', ['read']);
      await fetch(`${http.url}/v1/status`, { headers: { authorization: `Bearer ${secret}`, 'x-request-id': 'one' } });
      await fetch(`${http.url}/v1/records?subject=private`);
      expect(lines.join('')).not.to.include(secret).and.not.to.include('private');
      return http;
    };
    const http = await run('info');
    expect(lines).to.have.length(0);
    http.centre.throwNext(new Error('broken'));
    await expectProblem(fetch(`${http.url}/v1/network`), 'internal');
    expect(lines).to.have.length(1);
    expect(JSON.parse(lines.pop()!))
      .to.deep.include({ path: '/v1/network' })
      .and.to.have.nested.property('err.message', 'broken');
    await run('debug');
    await until('the lines', () => lines.length === 2);
    expect(JSON.parse(lines[0]!)).to.deep.include({
      req: { method: 'GET', path: '/v1/status', remoteAddress: '127.0.0.1' },
      res: { status: 200 },
    });
  });

  it('says which port is taken', async () => {
    const http = await startHttpTest();
    const { expectCode } = await import('../../support/expectCode.ts');
    const error = await expectCode('port-taken', startHttpTest({ port: http.port }));
    expect(error.data).to.deep.equal({ host: '127.0.0.1', port: http.port });
  });

  it('keeps connections open between requests', async () => {
    const http = await startHttpTest();
    const { socket, text } = await rawConnection(http);
    for (let count = 1; count <= 3; count++) {
      socket.write('GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n');
      await until('an answer', () => text().split('{"status":"ok"}').length === count + 1);
    }
    const bad = await post(`${http.url}/v1/records`, 'x');
    expect(bad.headers.get('connection')).to.equal('keep-alive');
    socket.destroy();
  });
});
