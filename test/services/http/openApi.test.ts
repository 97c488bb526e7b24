import { Validator } from '@seriousme/openapi-schema-validator';
import { expect } from 'chai';
import { errorsPage } from '../../../scripts/error-table.ts';
import { openApiText } from '../../../scripts/openapi.ts';
import { errorTable } from '../../../services/core/errors.ts';
import { openApiDocument } from '../../../services/http/openApi.ts';
import { deskDouble } from '../../support/deskDouble.ts';
import { type HttpTest, startHttpTest, stopHttpTests } from '../../support/httpTest.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

type Operation = { operationId: string; responses: Record<string, { description: string }>; security: object[] };
type Document = {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
};

describe('OpenAPI document', () => {
  const document = openApiDocument({ version: '1.2.3' }) as unknown as Document;
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
  );
  let http: HttpTest;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => {
    folder = await temporaryFolder();
    http = await startHttpTest({ version: '1.2.3', channels: await deskDouble(folder.path) });
  });
  after(async () => {
    await stopHttpTests();
    await folder[Symbol.asyncDispose]();
  });

  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(document));
    expect(result.valid, JSON.stringify(result.errors)).to.equal(true);
    expect(document.openapi).to.match(/^3\.1\./);
  });

  it('is what the server serves', async () => {
    expect(await (await fetch(`${http.url}/openapi.json`)).json()).to.deep.equal(JSON.parse(JSON.stringify(document)));
  });

  it('has every route of the app, and no other', () => {
    type Layer = { route?: { path: string; methods: Record<string, boolean> } };
    const layers = (http.app as unknown as { router: { stack: Layer[] } }).router.stack;
    const served = layers.flatMap(({ route }) =>
      route ? Object.keys(route.methods).map((method) => `${method} ${route.path.replace(/[:*](\w+)/g, '{$1}')}`) : [],
    );
    expect(served).to.have.length.greaterThan(20);
    expect(operations.map(({ name }) => name).sort()).to.deep.equal(served.sort());
  });

  it('names every operation once, and its errors with their codes', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).to.equal(ids.length);
    for (const { name, operation } of operations) {
      expect(Object.keys(operation.responses), name).to.include('500');
      for (const [status, { description }] of Object.entries(operation.responses)) {
        if (Number(status) < 400) continue;
        const codes = [...description.matchAll(/`([a-z-]+)`/g)].map((match) => match[1] as keyof typeof errorTable);
        expect(codes, `${name} ${status}`).not.to.have.length(0);
        for (const code of codes) expect(errorTable[code].status).to.equal(Number(status));
      }
    }
  });

  it('names the errors of store and chain where they can occur, and none that cannot', async () => {
    const codes = (method: string, path: string): string =>
      Object.values(document.paths[path]![method]!.responses)
        .map(({ description }) => description)
        .join(' ');
    for (const [method, path, code] of [
      ['get', '/v1/network', 'chain-answer-invalid'],
      ['get', '/v1/status', 'not-ready'],
      ['get', '/v1/records/{id}', 'tile-corrupt'],
      ['get', '/v1/records/{id}/receipt', 'tile-corrupt'],
      ['get', '/v1/records', 'tile-corrupt'],
      ['get', '/v1/records', 'storage-failed'],
      ['get', '/v1/proof/consistency', 'tile-corrupt'],
      ['get', '/v1/blocks', 'storage-failed'],
      ['post', '/v1/records', 'not-ready'],
      ['post', '/v1/records', 'clock-skewed'],
      ['post', '/v1/records', 'tile-corrupt'],
    ] as const) {
      expect(codes(method, path), `${method} ${path}`).to.include(`\`${code}\``);
    }
    expect(codes('get', '/v1/records/{id}/receipt')).not.to.include('wait-timeout');
    expect(codes('get', '/healthz')).not.to.include('storage-failed');
  });

  it('describes what core checks by functions', () => {
    const record = document.components.schemas.Record as { properties: Record<string, object>; required: string[] };
    expect(record.properties.submitter).to.include({ type: 'string', pattern: '^0x[0-9a-f]{40}$' });
    expect(record.properties.meta).to.include({ type: 'object' });
    expect(record.required).to.include('signature').and.not.to.include('meta');
    expect(JSON.stringify(document)).not.to.match(/"schema":\{\}/);
  });

  it('is committed as it is made, as is the page of errors', async () => {
    const { readFile } = await import('node:fs/promises');
    const docs = new URL('../../../docs/', import.meta.url);
    expect(await readFile(new URL('openapi.json', docs), 'utf8'), 'run node scripts/openapi.ts').to.equal(
      await openApiText(),
    );
    expect(await readFile(new URL('errors.md', docs), 'utf8'), 'run node scripts/error-table.ts').to.equal(
      errorsPage(),
    );
  });

  it('explains every code on the page of errors', () => {
    const page = errorsPage();
    for (const code of Object.keys(errorTable)) expect(page).to.include(`<a id="${code}"></a>`);
  });
});

describe('reference page', () => {
  afterEach(stopHttpTests);

  it('asks no other host for anything', async () => {
    const http = await startHttpTest();
    const response = await fetch(`${http.url}/docs`);
    const html = await response.text();
    expect(html).not.to.match(/(?:https?:)?\/\/[a-z]/i);
    expect(html).to.include('load-fonts="false"');
    const policy = response.headers.get('content-security-policy')!;
    expect(policy)
      .to.include("default-src 'none'")
      .and.to.include("script-src 'self'")
      .and.to.include("connect-src 'self'");
    expect(policy).not.to.match(/https?:|\*|unsafe-eval|script-src[^;]*unsafe/);
    const links = [...html.matchAll(/(?:src|spec-url|href)="([^"]+)"/g)].map((match) => match[1]!);
    expect(links).to.include.members(['docs/rapidoc-min.js', 'openapi.json']);
    for (const link of links.filter((name) => !name.startsWith('data:'))) {
      const answer = await fetch(new URL(link, `${http.url}/docs`));
      expect(answer.status, link).to.equal(200);
      expect((await answer.text()).length).to.be.greaterThan(10_000);
    }
  });

  it('serves the script with its type and a condition', async () => {
    const http = await startHttpTest();
    const response = await fetch(`${http.url}/docs/rapidoc-min.js`);
    expect(response.headers.get('content-type')).to.equal('text/javascript; charset=utf-8');
    expect(response.headers.get('cache-control')).to.equal('public, max-age=86400');
    await response.arrayBuffer();
  });
});
