import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { zeroHash } from '../../../../services/core/block.ts';
import type { Receipt } from '../../../../services/core/receipt.ts';
import type { NotariumRecord } from '../../../../services/core/recordSchema.ts';
import { Notarium, verifyReceiptOffline } from '../../../../services/index.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { signedRecord, stopHttpTests, testSigner } from '../../../support/httpTest.ts';
import { memoryNetwork } from '../../../support/memoryCentre.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { draft, freshCentre } from './notariumKit.ts';

describe('lib/client/Notarium', () => {
  const centre = freshCentre();
  const { open, between } = centre;

  it('signs, submits, waits and verifies', async () => {
    const notary = open();
    const submitted = await notary.submit(draft);
    expect(submitted.status).to.equal('accepted');
    expect(submitted.record?.submitter).to.equal(testSigner.address);
    expect(await notary.submit(submitted.record!)).to.deep.equal({ ...submitted, status: 'known' });
    const waiting = notary.waitForReceipt(submitted.id);
    await centre.http.centre.seal();
    const receipt = await waiting;
    expect((await notary.submit(submitted.record!)).status).to.equal('logged');
    const { trusted } = await notary.network();
    expect(verifyReceiptOffline(receipt, { network: memoryNetwork, committees: trusted.committees }).ok).to.equal(true);
    expect((await Array.fromAsync(notary.search({ digest: draft.digest }))).map(({ id }) => id)).to.deep.equal([
      submitted.id,
    ]);
  });

  it('waits on through what is wrong only for now, and no longer', async () => {
    const answers: { status: number; type: string; body: string }[] = [
      { status: 502, type: 'text/html', body: '<h1>Bad Gateway</h1>' },
      { status: 504, type: 'text/html', body: '' },
      { status: 503, type: 'application/problem+json', body: '{"code":"storage-failed","retry":true}' },
      { status: 503, type: 'application/problem+json', body: '{"code":"of-tomorrow","retry":true}' },
    ];
    let last = 0;
    const url = await between(({ url: path }, response) => {
      if (!path!.includes('/receipt')) return false;
      const own = answers.shift();
      if (!own) last++;
      if (own) response.writeHead(own.status, { 'content-type': own.type }).end(own.body);
      return own !== undefined;
    });
    const notary = open({ url });
    const { id } = await notary.submit(draft);
    await centre.http.centre.seal();
    expect((await notary.waitForReceipt(id)).proof.leafIndex).to.equal(0);
    expect([answers.length, last]).to.deep.equal([0, 1]);
    answers.push({ status: 500, type: 'application/problem+json', body: '{"code":"tile-corrupt","retry":false}' });
    await expectCode('tile-corrupt', notary.waitForReceipt(id));
  });

  it('notarises a file, bytes and a stream, and verifies them', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'file');
    await writeFile(path, 'content');
    const notary = open();
    const byPath = await notary.notarizeFile(path);
    expect(byPath.record?.subject).to.equal('file:file');
    const byUrl = await notary.notarizeFile(pathToFileURL(path), { kind: 'x-url' });
    expect(byUrl.record).to.include({ subject: 'file:file', kind: 'x-url' });
    await expectCode('request-invalid', notary.notarizeFile(path, { kind: 'aggregate' }));
    const byBytes = await notary.notarizeFile(Buffer.from('content'));
    const byStream = await notary.notarizeFile(new Blob(['content']).stream());
    expect(new Set([byPath.digest, byBytes.digest, byStream.digest]).size).to.equal(1);
    await centre.http.centre.seal();
    const receipt = await notary.waitForReceipt(byPath.id);
    expect((await notary.verify(path, receipt)).ok).to.equal(true);
    const wrong = await notary.verify(Buffer.from('other'), receipt);
    expect(wrong.steps[0]).to.include({ step: 'content', code: 'receipt-content-mismatch' });
    await expectCode('file-unreadable', notary.notarizeFile(join(folder.path, 'missing')));
    // A receipt comes from a file: what is none has a verdict like any other.
    for (const value of [{ ...receipt, entry: '!!' }, { ...receipt, block: undefined }, {}, null, 'no receipt']) {
      const verdict = await notary.verify(path, value as Receipt);
      expect(verdict.ok).to.equal(false);
      expect(verdict.steps.find(({ status }) => status === 'failed')).to.include({ code: 'receipt-malformed' });
      const online = await notary.verify(path, value as Receipt, { rpcUrl: 'http://127.0.0.1:1', committees: [] });
      expect(online.ok).to.equal(false);
    }
  });

  it('puts many files under one record', async () => {
    await using folder = await temporaryFolder();
    const paths = ['a', 'b', 'c', 'd', 'e'].map((name) => join(folder.path, name));
    for (const path of paths) await writeFile(path, path);
    const notary = open();
    const { id, members, receiptOf } = await notary.notarizeAggregate(paths);
    expect(members.map(({ path }) => path)).to.deep.equal(paths);
    await centre.http.centre.seal();
    const receipt = await notary.waitForReceipt(id);
    for (const [index, path] of paths.entries()) {
      expect((await notary.verify(path, receiptOf(receipt, index))).ok).to.equal(true);
      expect((await notary.verify(path, receiptOf(receipt, (index + 1) % 5))).ok).to.equal(false);
    }
    await expectCode('request-invalid', notary.notarizeAggregate([]));
  });

  it('lets the centre sign for a client with an API key', async () => {
    const { secret } = await centre.http.centre.keys.create('somebody', ['submit', 'read']);
    const notary = open({ signer: undefined, apiKey: secret });
    const { id, record } = await notary.submit(draft);
    expect(record).to.equal(undefined);
    expect((await notary.record(id)).record.meta).to.deep.equal({ onBehalfOf: 'somebody' });
    await expectCode('key-missing', open({ signer: undefined }).submit(draft));
    await expectCode('unauthorized', open({ signer: undefined, apiKey: 'wrong' }).submit(draft));
  });

  it('trusts no acceptance that a known centre did not sign', async () => {
    const record: NotariumRecord = await signedRecord('urn:forged');
    for (const forge of [
      (text: string) => text.replace(/"centre":"0x[0-9a-f]{40}"/, `"centre":"0x${'ab'.repeat(20)}"`),
      (text: string) => text.replace(/"includeBySlot":\d+/, '"includeBySlot":7'),
      (text: string) => text.replace(/("recordId":"0x)[0-9a-f]{2}/, '$100'),
    ]) {
      const url = await between((request, response) => {
        if (request.method !== 'POST') return false;
        void (async () => {
          let body = '';
          for await (const chunk of request) body += chunk;
          const real = await fetch(`${centre.http.url}/v1/records`, {
            method: 'POST',
            body,
            headers: { 'content-type': 'application/json' },
          });
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(forge(await real.text()));
        })();
        return true;
      });
      const error = await open({ url })
        .submit(record)
        .catch((reason) => reason);
      expect(error.code).to.be.oneOf(['acceptance-signer-unknown', 'signature-mismatch', 'server-answer-invalid']);
    }
  });

  it('gives no receipt of another record, and none that does not hold', async () => {
    const notary = open();
    const [a, b] = [await notary.submit(draft), await notary.submit({ ...draft, subject: 'urn:other' })];
    await centre.http.centre.seal();
    const swapped = await between((request, response) => {
      if (!request.url!.includes(a.id)) return false;
      void fetch(`${centre.http.url}/v1/records/${b.id}/receipt`).then(async (real) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(await real.text());
      });
      return true;
    });
    await expectCode('server-answer-invalid', open({ url: swapped }).waitForReceipt(a.id));
    const trusted = { ...(await notary.network()).trusted, committees: [{ epoch: 1, members: [testSigner.address] }] };
    await expectCode('network-changed', open({ trusted }).waitForReceipt(a.id));
  });

  it('stops waiting when told to, or when the time is over', async () => {
    const notary = open();
    const { id } = await notary.submit(draft);
    const stop = new AbortController();
    const waiting = notary.waitForReceipt(id, { signal: stop.signal }).catch((reason) => reason);
    setTimeout(() => stop.abort(new Error('enough')), 50);
    expect((await waiting).message).to.equal('enough');
    await expectCode('wait-timeout', notary.waitForReceipt(id, { timeoutMs: 0 }));
    await expectCode('record-not-found', notary.waitForReceipt(zeroHash));
    await centre.http.centre.refuse(id);
    await expectCode('record-refused', notary.waitForReceipt(id));
  });

  it('pins the network on first use, and refuses another story later', async () => {
    await using folder = await temporaryFolder();
    const networksFolder = join(folder.path, 'networks');
    const first = await open({ networksFolder }).network();
    expect(first.status).to.equal('pinned');
    expect((await open({ networksFolder }).network()).status).to.equal('known');
    const [name] = await readdir(networksFolder);
    expect(first.path).to.equal(join(networksFolder, name!));
    const pinned = JSON.parse(await readFile(first.path!, 'utf8'));
    const rewrite = (change: object): Promise<void> => writeFile(first.path!, JSON.stringify({ ...pinned, ...change }));
    await rewrite({ committees: [{ epoch: 1, members: [`0x${'ab'.repeat(20)}`] }] });
    await expectCode('network-changed', open({ networksFolder }).network());
    await rewrite({ committees: [{ epoch: 0, members: [`0x${'ab'.repeat(20)}`] }] });
    const untrusted = await open({ networksFolder }).network();
    expect(untrusted.untrustedEpochs).to.deep.equal([1]);
    expect(untrusted.trusted.committees.map(({ epoch }) => epoch)).to.deep.equal([0]);
    const extended = await open({ networksFolder, trustNewEpochs: true }).network();
    expect([extended.status, extended.trusted.committees.length]).to.deep.equal(['extended', 2]);
    expect((await open({ networksFolder }).network()).untrustedEpochs).to.deep.equal([]);
  });

  it('judges promises', async () => {
    const notary = open();
    const { id, acceptance } = await notary.submit(draft);
    const { trusted } = await notary.network();
    const dueMs = 1001 * trusted.periodSeconds * 1000 + trusted.graceSeconds * 1000;
    const judge = async (nowMs: number) => (await notary.checkAcceptance(acceptance!, { nowMs })).status;
    expect(await judge(dueMs - 1)).to.equal('pending');
    expect(await judge(dueMs)).to.equal('broken');
    await centre.http.centre.seal();
    expect(await judge(dueMs)).to.equal('kept');
    const late = { ...acceptance!, includeBySlot: 1 };
    await expectCode('signature-mismatch', notary.checkAcceptance(late));
    await expectCode(
      'acceptance-signer-unknown',
      notary.checkAcceptance({ ...acceptance!, centre: testSigner.address }),
    );
    const other = await notary.submit({ ...draft, subject: 'urn:refused' });
    await centre.http.centre.refuse(other.id);
    expect((await notary.checkAcceptance(other.acceptance!, { nowMs: dueMs })).status).to.equal('refused');
    await stopHttpTests();
    await expectCode('server-unreachable', notary.checkAcceptance({ ...acceptance!, recordId: id }, { nowMs: dueMs }));
  });

  it('blames no centre for an answer that says nothing about the record', async () => {
    const { acceptance } = await open().submit(draft);
    const nowMs = Number.MAX_SAFE_INTEGER;
    const problem = (status: number, code: string) => ({ status, body: { code, status, title: code, retry: true } });
    for (const [{ status, body }, code] of [
      [problem(503, 'not-ready'), 'not-ready'],
      [problem(503, 'shutting-down'), 'shutting-down'],
      [problem(503, 'storage-failed'), 'storage-failed'],
      [problem(429, 'rate-limited'), 'rate-limited'],
      [problem(504, 'wait-timeout'), 'wait-timeout'],
      [problem(404, 'not-found'), 'not-found'],
      [problem(404, 'of-a-newer-centre'), 'server-answer-invalid'],
      [{ status: 502, body: 'bad gateway' }, 'server-answer-invalid'],
    ] as const) {
      // Whichever of its two questions is answered so.
      for (const path of [/\/receipt/, /\/v1\/records\/0x[0-9a-f]+$/]) {
        const url = await between((request, response) => {
          if (!path.test(request.url!)) return false;
          response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body));
          return true;
        });
        await expectCode(code, open({ url }).checkAcceptance(acceptance!, { nowMs }));
      }
    }
    // These words do say something.
    const unknown = problem(404, 'record-not-found');
    const url = await between((request, response) => {
      if (!request.url!.includes('/v1/records/')) return false;
      response.writeHead(404, { 'content-type': 'application/problem+json' }).end(JSON.stringify(unknown.body));
      return true;
    });
    expect((await open({ url }).checkAcceptance(acceptance!, { nowMs })).status).to.equal('broken');
  });

  it('takes no wrong address or key', () => {
    for (const url of ['nonsense', 'ftp://x', 'http://user:password@x']) {
      expect(() => new Notarium({ url }))
        .to.throw()
        .with.property('code', 'config-invalid');
    }
    for (const privateKey of ['0x12', `0x${'00'.repeat(32)}`, `0x${'ff'.repeat(32)}`] as const) {
      expect(() => open({ privateKey }))
        .to.throw()
        .with.property('code', 'config-invalid');
    }
    for (const apiKey of ['with\nline', 'schlüssel', '']) {
      expect(() => open({ apiKey }))
        .to.throw()
        .with.property('code', 'config-invalid');
    }
  });
});
