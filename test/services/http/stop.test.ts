import { expect } from 'chai';
import type { RecordId } from '../../../services/core/bytes.ts';
import {
  answerLines,
  expectProblem,
  post,
  postBatch,
  rawConnection,
  recordTexts,
  signedRecord,
  startHttpTest,
  stopHttpTests,
} from '../../support/httpTest.ts';
import { until } from '../../support/until.ts';

describe('stop of the HTTP server', () => {
  afterEach(stopHttpTests);

  it('answers what is under way, all of a batch included, and closes', async () => {
    const http = await startHttpTest({ stopMs: 60_000 });
    const texts = await recordTexts(1200);
    const release = http.centre.hold();
    const batch = postBatch(http, texts.join('\n'));
    const single = post(`${http.url}/v1/records`, JSON.stringify(await signedRecord('urn:single')));
    await until('both', () => http.centre.calls.length === 2);
    const stopped = http.stop();
    await expectClosed(http.url);
    release();
    const lines = await answerLines(await batch);
    expect(lines).to.have.length(1200);
    for (const { status, id } of lines) {
      expect(status).to.equal('accepted');
      expect(await http.centre.record(id as RecordId)).not.to.equal(undefined);
    }
    const answer = await single;
    expect([answer.status, answer.headers.get('connection')]).to.deep.equal([201, 'close']);
    expect(await stopped).to.deep.equal({ cutConnections: 0 });
    expect(await http.stop()).to.deep.equal({ cutConnections: 0 });
  });

  it('does not wait for a connection that never brought a request', async () => {
    const http = await startHttpTest({ stopMs: 60_000 });
    const silent = await rawConnection(http);
    await until('the connection', async () => {
      const count = await new Promise<number>((resolve) => http.server.getConnections((_error, open) => resolve(open)));
      return count === 1;
    });
    expect(await http.stop()).to.deep.equal({ cutConnections: 0 });
    await silent.closed;
  });

  it('stops an endless upload with the results of what it took', async () => {
    const http = await startHttpTest({ stopMs: 1000 });
    const [text] = await recordTexts(1);
    const upload = await rawConnection(http);
    upload.socket.write(
      `POST /v1/records/batch HTTP/1.1\r\nhost: test\r\ncontent-type: application/x-ndjson\r\ncontent-length: 9999999\r\n\r\n${text}\n{"next`,
    );
    await until('the first answer', () => upload.text().includes('accepted'));
    await http.stop();
    await upload.closed;
    const last = upload
      .text()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .at(-1)!;
    expect(JSON.parse(last))
      .to.deep.include({ line: 2, status: 'failed', stopped: true })
      .and.to.have.nested.property('error.code', 'shutting-down');
  });

  it('ends waits, and lets the client know that its record stays accepted', async () => {
    const http = await startHttpTest({ stopMs: 60_000 });
    const text = JSON.stringify(await signedRecord('urn:waiting'));
    const waiting = post(`${http.url}/v1/records?ack=anchored&wait=60`, text);
    await until('the record', () => http.centre.calls.length === 1);
    await new Promise((done) => setImmediate(done));
    const stopped = http.stop();
    const problem = await expectProblem(waiting, 'wait-timeout');
    expect(problem.data).to.include({ status: 'accepted' });
    await stopped;
  });

  it('closes idle keep-alive connections, and answers late requests on busy ones', async () => {
    const http = await startHttpTest({ stopMs: 60_000 });
    const idle = await rawConnection(http);
    idle.socket.write('GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n');
    await until('the answer', () => idle.text().includes('ok'));
    const busy = await rawConnection(http);
    const release = http.centre.hold();
    const body = JSON.stringify(await signedRecord('urn:busy'));
    busy.socket.write(`POST /v1/records HTTP/1.1\r\nhost: test\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    await until('the record', () => http.centre.calls.length === 1);
    const stopped = http.stop();
    await idle.closed;
    release();
    await busy.closed;
    expect(busy.text())
      .to.match(/^HTTP\/1\.1 201 /)
      .and.to.match(/connection: close/i);
    expect(await stopped).to.deep.equal({ cutConnections: 0 });
  });

  it('cuts what does not end in time', async () => {
    const http = await startHttpTest({ stopMs: 200 });
    const release = http.centre.hold();
    const never = post(`${http.url}/v1/records`, JSON.stringify(await signedRecord('urn:never'))).catch(
      (error: Error) => error,
    );
    await until('the record', () => http.centre.calls.length === 1);
    expect(await http.stop()).to.deep.equal({ cutConnections: 1 });
    expect(await never).to.be.instanceOf(Error);
    release();
  });
});

async function expectClosed(url: string): Promise<void> {
  const answer = await fetch(`${url}/healthz`).catch((error: Error) => error);
  expect(answer).to.be.instanceOf(Error);
}
