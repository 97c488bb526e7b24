import { writeFile } from 'node:fs/promises';
import { expect } from 'chai';
import type {
  ResourceSetPage,
  ResourceSetView,
  ResourceVersionView,
} from '../../../services/app/resources/ResourceDesk.ts';
import { type HttpServer, startHttpServer } from '../../../services/http/httpServer.ts';
import {
  setListSchema,
  setPageSchema,
  setSchema,
  versionReportsSchema,
} from '../../../services/http/schemas/resources.ts';
import { type RunningChain, startChain } from '../../support/chains.ts';
import { declaredOnly } from '../../support/declaredOnly.ts';
import { startHttpTest, stopHttpTests } from '../../support/httpTest.ts';
import { until } from '../../support/until.ts';
import { type KeptCentre, type ResourcesKit, resourcesKit } from '../app/resources/resourcesKit.ts';

describe('HTTP API of resource sets', () => {
  let running: RunningChain;
  let kit: ResourcesKit;
  let kept: KeptCentre;
  let http: HttpServer;
  let secret: string;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
    kit = await resourcesKit(running);
    kept = await kit.openCentre(0, { checkMs: 60_000 });
    http = declaredOnly(await startHttpServer(kept.centre, { port: 0, rateLimits: false }));
    ({ secret } = await kept.centre.keys.create('operator', ['admin']));
    await kit.passVersion([{ op: 'add', path: '/capacity', value: 5 }]);
    await until('the report', async () => (await version()).ownReport?.state === 'sent');
    await until('it on chain', async () => (await version()).reports.length === 1);
  });
  after(async () => {
    await http.stop();
    await kit[Symbol.asyncDispose]();
    await running.stop();
    await stopHttpTests();
  });

  const get = async (path: string) => (await fetch(`${http.url}${path}`)).json();
  const version = async () => (await get('/v1/resources/radio/versions/1')) as ResourceVersionView;
  const check = (body?: object, set = 'radio', key = secret) =>
    fetch(`${http.url}/v1/resources/${set}/check`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  const codeOf = async (answer: Response | Promise<Response>) => {
    const { status, ...rest } = { ...((await (await answer).json()) as { code: string; status: number }) };
    return [status, rest.code];
  };

  it('shows sets, versions and reports', async () => {
    const { items } = setListSchema.parse(await get('/v1/resources'));
    expect(items).to.have.length(1);
    expect(items[0]).to.deep.include({ resourceSet: 'radio', id: kit.id, head: 1, inForce: 0 });
    const page = setPageSchema.parse(await get(`/v1/resources/${kit.id}?limit=1`));
    expect(page.own).to.deep.include({ version: 1, state: 'applied' });
    expect(page.versions.items[0]).to.deep.include({ version: 1, state: 'applied', matching: 1, differing: 0 });
    expect(((await get('/v1/resources/radio?before=1')) as ResourceSetPage).versions.items).to.deep.equal([]);
    const one = versionReportsSchema.parse(await version());
    expect(one.reports[0]).to.deep.include({ matches: true, sequence: 1, actualHash: one.configurationHash });
    expect(one.ownReport).to.deep.include({ state: 'sent', recordId: one.reports[0]!.recordId });
    expect(await codeOf(fetch(`${http.url}/v1/resources/light`))).to.deep.equal([404, 'resource-unknown']);
    expect(await codeOf(fetch(`${http.url}/v1/resources/radio/versions/2`))).to.deep.equal([404, 'resource-unknown']);
    expect(await codeOf(fetch(`${http.url}/v1/resources/-`))).to.deep.equal([400, 'request-invalid']);
    expect(await codeOf(fetch(`${http.url}/v1/resources/radio/versions/0`))).to.deep.equal([400, 'request-invalid']);
  });

  it('looks when an administrator says so, and repairs when told to', async () => {
    await writeFile(kept.file, '{"capacity":6}');
    expect(await codeOf(check({}, 'radio', 'ntm_x'))).to.deep.equal([401, 'unauthorized']);
    expect(await codeOf(check({ repairs: true }))).to.deep.equal([400, 'request-invalid']);
    expect(await codeOf(check({}, 'light'))).to.deep.equal([404, 'resource-unknown']);
    const drifted = setSchema.parse(await (await check()).json()) as ResourceSetView;
    expect(drifted.own!.check).to.deep.include({ matches: false, differences: ['/capacity'] });
    const repaired = setSchema.parse(await (await check({ repair: true })).json()) as ResourceSetView;
    expect(repaired.own!.check).to.deep.include({ matches: true, differences: [] });
    const stop = new AbortController();
    const told: string[] = [];
    for await (const { type } of kept.centre.events(0, stop.signal)) {
      if (type.startsWith('resource.')) told.push(type);
      if (told.length === 3) stop.abort();
    }
    expect(told).to.deep.equal(['resource.applied', 'resource.drifted', 'resource.applied']);
  });

  it('says that a network without a governor has none', async () => {
    const { url } = await startHttpTest();
    for (const path of ['', '/radio', '/radio/versions/1']) {
      expect(await codeOf(fetch(`${url}/v1/resources${path}`))).to.deep.equal([404, 'governance-missing']);
    }
  });
});
