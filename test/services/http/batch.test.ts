import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import {
  type AnswerLine,
  answerLines,
  expectProblem,
  postBatch,
  recordTexts,
  startHttpTest,
  stopHttpTests,
} from '../../support/httpTest.ts';
import { until } from '../../support/until.ts';

const statuses = (lines: AnswerLine[]): string[] => lines.map(({ line, status }) => `${line} ${status}`);

describe('POST /v1/records/batch', () => {
  let texts: string[];
  before(async () => {
    texts = await recordTexts(1500);
  });
  afterEach(stopHttpTests);

  it('answers every line in order, each for itself', async () => {
    const http = await startHttpTest();
    const body = [texts[0], '', 'nonsense', texts[1], '  \r', texts[0], texts[2]].join('\n');
    const response = await postBatch(http, body);
    expect(response.status).to.equal(200);
    expect(response.headers.get('content-type')).to.equal('application/x-ndjson');
    const lines = await answerLines(response);
    expect(statuses(lines)).to.deep.equal(['1 accepted', '3 failed', '4 accepted', '6 known', '7 accepted']);
    expect(lines[1]!.error?.code).to.equal('json-malformed');
    expect(lines[0]!.acceptance).to.deep.equal(lines[3]!.acceptance);
    expect(lines[0]!.acceptance?.recordId).to.equal(lines[0]!.id);
  });

  it('leaves acceptances out for a client that prefers so', async () => {
    const http = await startHttpTest();
    const body = [texts[0], 'nonsense', texts[0]].join('\n');
    const response = await postBatch(http, body, { prefer: 'return=minimal' });
    expect(response.headers.get('preference-applied')).to.equal('return=minimal');
    const [first, second, third] = await answerLines(response);
    expect(first).to.deep.equal({ line: 1, status: 'accepted', id: first!.id });
    expect(second!.error?.code).to.equal('json-malformed');
    expect(third).to.deep.equal({ line: 3, status: 'known', id: first!.id });
    const whole = await postBatch(http, texts[0]!);
    expect(whole.headers.get('preference-applied')).to.equal(null);
    expect((await answerLines(whole))[0]!.acceptance?.recordId).to.equal(first!.id);
  });

  it('takes all others of thousands with one bad line, in bounded chunks, at most two under way', async () => {
    const http = await startHttpTest();
    const all = texts.with(777, texts[777]!.replace('urn:test', 'urn:forged'));
    const lines = await answerLines(await postBatch(http, `${all.join('\n')}\n`));
    expect(lines).to.have.length(1500);
    expect(lines.every(({ line }, index) => line === index + 1)).to.equal(true);
    const failed = lines.filter(({ status }) => status !== 'accepted');
    expect(statuses(failed)).to.deep.equal(['778 failed']);
    expect(failed[0]!.error?.code).to.equal('signature-mismatch');
    expect(Math.max(...http.centre.calls)).to.be.at.most(512);
    expect(http.centre.mostOpen()).to.be.at.most(2);
  });

  it('knows logged records', async () => {
    const http = await startHttpTest();
    await postBatch(http, texts[0]!).then(answerLines);
    await http.centre.seal();
    const [line] = await answerLines(await postBatch(http, texts[0]!));
    expect(line).to.include({ line: 1, status: 'logged', leafIndex: 0 });
  });

  it('answers lines while the body is still being sent', async () => {
    const http = await startHttpTest();
    const upload = request(`${http.url}/v1/records/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
    });
    upload.write(`${texts[0]}\n`);
    const response = await new Promise<import('node:http').IncomingMessage>((resolve) =>
      upload.on('response', resolve),
    );
    let answered = '';
    response.setEncoding('utf8').on('data', (chunk) => {
      answered += chunk;
    });
    await until('the first answer', () => answered.split('\n').length === 2);
    upload.end(texts[1]);
    await until('the whole answer', () => response.complete);
    expect(
      statuses(
        answered
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as AnswerLine),
      ),
    ).to.deep.equal(['1 accepted', '2 accepted']);
  });

  it('is an empty answer to an empty body', async () => {
    const http = await startHttpTest();
    const response = await postBatch(http, '\n\n');
    expect(response.status).to.equal(200);
    expect(await response.text()).to.equal('');
  });

  it('refuses only the line that is too long, or not UTF-8', async () => {
    const http = await startHttpTest();
    const huge = `{"meta":"${'x'.repeat(3_000_000)}"}`;
    const body = Buffer.concat([
      Buffer.from(`${texts[0]}\n${huge}\n${texts[1]}\n{"a":"`),
      Buffer.from([0xff]),
      Buffer.from(`"}\n${texts[2]}`),
    ]);
    const lines = await answerLines(await postBatch(http, body));
    expect(statuses(lines)).to.deep.equal(['1 accepted', '2 failed', '3 accepted', '4 failed', '5 accepted']);
    expect(lines[1]!.error?.code).to.equal('record-too-large');
    expect(lines[3]!.error?.code).to.equal('text-not-utf8');
  });

  it('takes gzip', async () => {
    const http = await startHttpTest();
    const body = gzipSync(texts.slice(0, 700).join('\n'));
    const lines = await answerLines(await postBatch(http, body, { 'content-encoding': 'gzip' }));
    expect(lines.filter(({ status }) => status === 'accepted')).to.have.length(700);
  });

  it('stops a gzip bomb, and answers what was taken before', async () => {
    const http = await startHttpTest();
    const bomb = gzipSync(Buffer.concat([Buffer.from(`${texts[0]}\n`), Buffer.alloc(30_000_000, 10)]));
    expect(bomb.length).to.be.lessThan(60_000);
    const lines = await answerLines(await postBatch(http, bomb, { 'content-encoding': 'gzip' }));
    expect(statuses(lines.slice(0, 1))).to.deep.equal(['1 accepted']);
    expect(lines.at(-1)).to.include({ status: 'failed', stopped: true });
    expect(lines.at(-1)!.error?.code).to.equal('request-too-large');
    expect(await http.centre.record(lines[0]!.id as `0x${string}`)).not.to.equal(undefined);
  });

  it('stops a batch over the bound, compressed or not', async () => {
    const http = await startHttpTest({ limits: { batchBytes: 100_000 } });
    for (const [body, headers] of [
      [Buffer.from(texts.join('\n')), {}],
      [gzipSync(texts.join('\n')), { 'content-encoding': 'gzip' }],
    ] as [Uint8Array, Record<string, string>][]) {
      const response = await postBatch(http, body, headers);
      if (response.status === 413) await expectProblem(response, 'request-too-large');
      else expect((await answerLines(response)).at(-1)!.error?.code).to.equal('request-too-large');
    }
  });

  it('says when gzip data are damaged or end early', async () => {
    const http = await startHttpTest();
    const body = gzipSync(texts.slice(0, 1).join('\n'));
    await expectProblem(
      postBatch(http, Buffer.from('no gzip at all'), { 'content-encoding': 'gzip' }),
      'request-invalid',
    );
    await expectProblem(postBatch(http, body.subarray(0, 100), { 'content-encoding': 'gzip' }), 'request-invalid');
  });

  it('refuses other media types, encodings and queries', async () => {
    const http = await startHttpTest();
    await expectProblem(
      postBatch(http, texts[0]!, { 'content-type': 'application/json' }),
      'request-media-type-unsupported',
    );
    await expectProblem(postBatch(http, texts[0]!, { 'content-encoding': 'br' }), 'request-encoding-unsupported');
    await expectProblem(
      fetch(`${http.url}/v1/records/batch?ack=anchored`, { method: 'POST', body: texts[0]! }),
      'request-invalid',
    );
  });

  it('is refused as a whole when nothing can be taken', async () => {
    const http = await startHttpTest();
    http.centre.fail('storage-full');
    const response = await postBatch(http, texts.slice(0, 10).join('\n'));
    expect(response.headers.get('retry-after')).to.equal('30');
    await expectProblem(response, 'storage-full');
  });

  it('gives each remaining line the code when the pool fills in between, without asking the centre again', async () => {
    const http = await startHttpTest();
    http.centre.fail('pool-full', 600);
    const lines = await answerLines(await postBatch(http, texts.join('\n')));
    expect(lines).to.have.length(1500);
    expect(lines.slice(0, 600).every(({ status }) => status === 'accepted')).to.equal(true);
    expect(lines.slice(600).every(({ error }) => error?.code === 'pool-full' && error.retry)).to.equal(true);
    expect(lines.at(-1)!.error?.data).to.deep.equal({ retryAfterSeconds: 1 });
    expect(http.centre.calls.reduce((sum, count) => sum + count)).to.be.lessThan(1500);
  });
});
