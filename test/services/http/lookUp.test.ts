import { expect } from 'chai';
import type { NetworkView } from '../../../services/app/Centre.ts';
import type { RecordId } from '../../../services/core/bytes.ts';
import { fromHex } from '../../../services/core/bytes.ts';
import { openCheckpoint } from '../../../services/core/log/checkpoint.ts';
import { parseVerifierKey } from '../../../services/core/log/note.ts';
import { verifyConsistency } from '../../../services/core/log/verifyProof.ts';
import type { Receipt } from '../../../services/core/receipt.ts';
import type { VerifyResult } from '../../../services/core/verifyReceipt.ts';
import {
  answerLines,
  expectProblem,
  type HttpTest,
  post,
  postBatch,
  recordTexts,
  signedRecord,
  startHttpTest,
  stopHttpTests,
} from '../../support/httpTest.ts';

const nobody = `0x${'0'.repeat(64)}`;

describe('look-up over HTTP', () => {
  let http: HttpTest;
  let ids: RecordId[];
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${http.url}${path}`, { headers });
  const json = async <T>(path: string): Promise<T> => {
    const response = await get(path);
    expect(response.status).to.equal(200);
    expect(response.headers.get('content-type')).to.equal('application/json; charset=utf-8');
    return (await response.json()) as T;
  };
  before(async () => {
    http = await startHttpTest();
    for (const prefix of ['urn:first', 'urn:second']) {
      const lines = await answerLines(await postBatch(http, (await recordTexts(300, prefix)).join('\n')));
      ids = lines.map(({ id }) => id as RecordId);
      await http.centre.seal();
    }
  });
  after(stopHttpTests);

  it('shows a record and where it stands', async () => {
    const view = await json<{ state: string; leafIndex: number; height: number; record: { subject: string } }>(
      `/v1/records/${ids[5]}`,
    );
    expect(view).to.include({ state: 'logged', leafIndex: 305, height: 2 });
    expect(view.record.subject).to.equal('urn:second:5');
    await expectProblem(get(`/v1/records/${nobody}`), 'record-not-found');
    for (const id of ['1', '0xAB', `${nobody}0`, nobody.slice(2)]) {
      await expectProblem(get(`/v1/records/${id}`), 'request-invalid');
    }
    await expectProblem(get('/v1/records/%ff'), 'request-invalid');
  });

  it('gives the receipt, at once or when it is there', async () => {
    const receipt = await json<Receipt>(`/v1/records/${ids[0]}/receipt`);
    expect(receipt.proof).to.include({ leafIndex: 300, treeSize: 600 });
    await expectProblem(get(`/v1/records/${nobody}/receipt?wait=30`), 'record-not-found');
    for (const wait of ['61', '-1', '1.5', '01', '']) {
      await expectProblem(get(`/v1/records/${ids[0]}/receipt?wait=${wait}`), 'request-invalid');
    }
    const { id } = (await (
      await post(`${http.url}/v1/records`, JSON.stringify(await signedRecord('urn:slow')))
    ).json()) as { id: string };
    await expectProblem(get(`/v1/records/${id}/receipt`), 'record-not-anchored');
    await expectProblem(get(`/v1/records/${id}/receipt?wait=1`), 'record-not-anchored');
    const waiting = json<Receipt>(`/v1/records/${id}/receipt?wait=30`);
    await http.centre.seal();
    expect((await waiting).block.height).to.equal(3);
  });

  it('says why a refused record has no receipt', async () => {
    const answer = await post(`${http.url}/v1/records`, JSON.stringify(await signedRecord('urn:refused')));
    const { id } = (await answer.json()) as { id: RecordId };
    await http.centre.refuse(id);
    const problem = await expectProblem(get(`/v1/records/${id}/receipt`), 'record-refused');
    expect(problem.data).to.have.nested.property('refusal.reason', 'record-expired');
    expect((await json<{ state: string }>(`/v1/records/${id}`)).state).to.equal('refused');
  });

  it('finds records page by page', async () => {
    const digest = `sha-256:${'ab'.repeat(32)}`;
    const found: string[] = [];
    let after = '';
    for (let pages = 0; pages < 10; pages++) {
      const page = await json<{ items: { id: string }[]; next?: string }>(
        `/v1/records?digest=${digest}&limit=200${after}`,
      );
      found.push(...page.items.map(({ id }) => id));
      if (page.next === undefined) break;
      after = `&after=${encodeURIComponent(page.next)}`;
    }
    expect(new Set(found).size).to.equal(601);
    expect(
      (await json<{ items: { id: string }[] }>('/v1/records?subject=urn:second:7')).items.map(({ id }) => id),
    ).to.deep.equal([ids[7]]);
    await expectProblem(get('/v1/records'), 'request-invalid');
    for (const query of [
      'digest=1',
      'submitter=0x1',
      'subject=',
      'limit=10',
      `digset=${digest}`,
      `digest=${digest}&limit=201`,
      `digest=${digest}&digest=${digest}`,
    ]) {
      await expectProblem(get(`/v1/records?${query}`), 'request-invalid');
    }
  });

  it('lists blocks, newest first, and gives one', async () => {
    const page = await json<{ items: { header: { height: number }; count: number }[]; next: string }>(
      '/v1/blocks?limit=2',
    );
    expect(page.items.map(({ header }) => header.height)).to.deep.equal([3, 2]);
    const rest = await json<{ items: { header: { height: number } }[]; next?: string }>(
      `/v1/blocks?before=${page.next}`,
    );
    expect(rest.items.map(({ header }) => header.height)).to.deep.equal([1]);
    expect(rest.next).to.equal(undefined);
    expect((await json<{ count: number }>('/v1/blocks/2')).count).to.equal(300);
    await expectProblem(get('/v1/blocks/99'), 'block-not-found');
    for (const height of ['0', 'x', '1e3', '99999999999999999'])
      await expectProblem(get(`/v1/blocks/${height}`), 'request-invalid');
  });

  it('proves that the log only grew', async () => {
    const proof = await json<{ fromRoot: string; toRoot: string; path: string[] }>(
      '/v1/proof/consistency?from=300&to=600',
    );
    const path = proof.path.map(fromHex);
    const roots = [fromHex(proof.fromRoot), fromHex(proof.toRoot)] as const;
    expect(verifyConsistency(300, 600, roots[0], roots[1], path)).to.equal(true);
    await expectProblem(get('/v1/proof/consistency?from=1&to=100000'), 'proof-malformed');
    await expectProblem(get('/v1/proof/consistency?from=1'), 'request-invalid');
  });

  it('serves the checkpoint with a short life', async () => {
    const response = await get('/log/checkpoint');
    expect(response.headers.get('content-type')).to.equal('text/plain; charset=utf-8');
    expect(response.headers.get('cache-control')).to.equal('public, max-age=1');
    const network = await json<NetworkView>('/v1/network');
    const note = await response.text();
    const checkpoint = openCheckpoint(note, [parseVerifierKey(network.centres[0]!.verifierKey)]);
    expect(checkpoint.size).to.equal((await http.centre.status()).log.size);
    expect((await get('/log/checkpoint', { 'if-none-match': response.headers.get('etag')! })).status).to.equal(304);
  });

  it('serves tiles as they are, full ones for ever', async () => {
    const full = await get('/log/tile/0/000');
    expect(full.headers.get('cache-control')).to.equal('public, max-age=31536000, immutable');
    expect(full.headers.get('content-type')).to.equal('application/octet-stream');
    expect(new Uint8Array(await full.arrayBuffer())).to.deep.equal(Uint8Array.from((await http.centre.tile('0/000'))!));
    const entries = await get('/log/tile/entries/001');
    expect((await entries.arrayBuffer()).byteLength).to.equal((await http.centre.tile('entries/001'))!.length);
    const partial = await get('/log/tile/1/000.p/2');
    expect(partial.headers.get('cache-control')).to.equal('public, max-age=60');
    expect((await partial.arrayBuffer()).byteLength).to.equal(64);
    const again = await get('/log/tile/0/000', { 'if-none-match': full.headers.get('etag')! });
    expect(again.status).to.equal(304);
    expect(await again.text()).to.equal('');
    const head = await fetch(`${http.url}/log/tile/0/000`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).to.equal('8192');
  });

  it('has no other tiles, whatever the path', async () => {
    for (const path of [
      '0/x000/000',
      '0/000.p/256',
      '0/1',
      '64/000',
      'entries/',
      '0/009',
      '..%2f..%2fetc',
      'x',
      '0/000/',
      '0//000',
      '0/000%00',
    ]) {
      await expectProblem(get(`/log/tile/${path}`), 'tile-not-found');
    }
  });

  it('verifies a receipt file, alone or with the digest of the content', async () => {
    const receipt = await json<Receipt>(`/v1/records/${ids[0]}/receipt`);
    const verify = async (body: unknown, query = ''): Promise<VerifyResult> => {
      const response = await post(`${http.url}/v1/verify${query}`, JSON.stringify(body));
      expect(response.status).to.equal(200);
      return (await response.json()) as VerifyResult;
    };
    const digest = `sha-256:${'ab'.repeat(32)}`;
    const wrong = `sha-256:${'ac'.repeat(32)}`;
    const codes = ({ steps }: VerifyResult): unknown[] => steps.flatMap(({ code }) => code ?? []);
    expect(await verify(receipt)).to.include({ ok: true, recordId: ids[0] });
    expect((await verify({ receipt, digest })).steps[0]).to.deep.equal({ step: 'content', status: 'passed' });
    expect((await verify(receipt, `?digest=${digest}`)).ok).to.equal(true);
    expect(codes(await verify({ receipt, digest: wrong }))).to.deep.equal(['receipt-content-mismatch']);
    expect(codes(await verify(receipt, `?digest=${wrong}`))).to.deep.equal(['receipt-content-mismatch']);
    expect(codes(await verify({ ...receipt, proof: { ...receipt.proof, leafIndex: 3 } }))).to.deep.equal([
      'receipt-inclusion-mismatch',
    ]);
    const url = `${http.url}/v1/verify`;
    await expectProblem(post(url, '{}'), 'receipt-malformed');
    await expectProblem(post(url, '{"receipt":{},"digest":"1"}'), 'request-invalid');
    await expectProblem(post(url, '{"a":1,"a":1}'), 'json-duplicate-key');
    await expectProblem(post(url, '{'), 'json-malformed');
    await expectProblem(post(url, `"${'x'.repeat(600_000)}"`), 'request-too-large');
    await expectProblem(post(url, '{}', { 'content-type': 'text/plain' }), 'request-media-type-unsupported');
  });

  it('shows the network, the status, and whether the centre is ready', async () => {
    expect(await json('/v1/network')).to.deep.equal(await http.centre.network());
    expect(await json('/v1/status')).to.deep.equal(await http.centre.status());
    expect(await json('/healthz')).to.deep.equal({ status: 'ok' });
    expect(await json('/readyz')).to.deep.equal({ status: 'ready' });
    http.centre.setProblems([{ code: 'chain-unreachable', detail: 'no answer' }]);
    const problem = await expectProblem(get('/readyz'), 'not-ready');
    expect(problem.data).to.deep.equal({ problems: [{ code: 'chain-unreachable', detail: 'no answer' }] });
    expect(await json('/healthz')).to.deep.equal({ status: 'ok' });
    http.centre.setProblems([]);
  });

  it('counts by route template', async () => {
    await get(`/v1/records/${ids[1]}`);
    await get('/nowhere');
    const response = await get('/metrics');
    expect(response.headers.get('content-type')).to.match(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    expect(text).to.match(
      /notarium_http_request_duration_seconds_count\{method="GET",route="\/v1\/records\/\{id\}",status="200"\} \d+/,
    );
    expect(text).to.match(/route="none",status="404"/);
    expect(text).to.match(/notarium_http_batch_lines_total\{status="accepted"\} 600/);
    expect(text)
      .to.match(/notarium_ready 1/)
      .and.to.match(/process_resident_memory_bytes \d+/);
    expect(text).not.to.include(ids[1]);
  });
});
