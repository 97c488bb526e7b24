import { expect } from 'chai';
import {
  type HttpTest,
  type RawConnection,
  rawConnection,
  recordTexts,
  startHttpTest,
  stopHttpTests,
} from '../../support/httpTest.ts';
import { until } from '../../support/until.ts';

const keptBytes = 64 * 1024 * 1024;
const badLines = 'x\n'.repeat(30_000);

function openConnections(http: HttpTest): Promise<number> {
  return new Promise((resolve) => http.server.getConnections((_error, count) => resolve(count)));
}

/** Sends a batch whose answer is some 10 MB, more than the system keeps for us, and reads nothing of it. */
async function unreadAnswer(http: HttpTest): Promise<RawConnection> {
  const before = new Set(http.context.lifetime.underWay);
  const connection = await rawConnection(http);
  connection.socket.pause();
  connection.socket.write(
    `POST /v1/records/batch HTTP/1.1\r\nhost: test\r\ncontent-type: application/x-ndjson\r\ncontent-length: ${badLines.length}\r\n\r\n${badLines}`,
  );
  await until('the whole answer', () =>
    [...http.context.lifetime.underWay].some((response) => !before.has(response) && response.writableEnded),
  );
  return connection;
}

const recordRequest = (text: string): string =>
  `POST /v1/records HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`;

describe('HTTP clients that do not read', () => {
  afterEach(stopHttpTests);

  it('are cut when they take nothing of an answer that is at its end', async () => {
    const http = await startHttpTest({ limits: { slowClientMs: 1000, answerBufferBytes: keptBytes } });
    await unreadAnswer(http);
    await until('no connection', async () => (await openConnections(http)) === 0);
  });

  it('are cut, the longest waiting first, when all answers together are too large', async () => {
    const http = await startHttpTest({
      limits: { slowClientMs: 60_000, answerBufferBytes: keptBytes, unsentBytes: 14_000_000 },
    });
    const first = await unreadAnswer(http);
    const second = await unreadAnswer(http);
    await until('one connection', async () => (await openConnections(http)) === 1);
    first.socket.resume();
    second.socket.resume();
    await first.closed;
    await until('the last line', () => second.text().includes('"line":30000'));
  });

  it('get one answer at a time', async () => {
    const http = await startHttpTest();
    const release = http.centre.hold();
    const connection = await rawConnection(http);
    const texts = await recordTexts(3);
    connection.socket.write(texts.map(recordRequest).join(''));
    await until('the first record', () => http.centre.calls.length > 0);
    expect(http.context.lifetime.underWay.size).to.equal(1);
    release();
    const ids = await until('three answers', () => {
      const found = [...connection.text().matchAll(/"acceptance":\{"recordId":"(0x[0-9a-f]+)"/g)];
      return found.length === 3 && found.map(([, id]) => id);
    });
    expect(new Set(ids).size).to.equal(3);
    expect(http.centre.calls).to.deep.equal([1, 1, 1]);
    connection.socket.destroy();
  });

  it('are cut when too many of their requests wait', async () => {
    const http = await startHttpTest({ limits: { pipelinedRequests: 2 } });
    const release = http.centre.hold();
    const connection = await rawConnection(http);
    connection.socket.write((await recordTexts(4)).map(recordRequest).join(''));
    await connection.closed;
    release();
    await until('nothing under way', () => http.context.lifetime.underWay.size === 0);
    expect(http.centre.calls).to.have.length.at.most(1);
  });
});
