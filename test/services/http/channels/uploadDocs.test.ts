import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { type HttpServer, startVerifierServer } from '../../../../services/http/httpServer.ts';
import { openApiDocument } from '../../../../services/http/openApi.ts';
import { AccessToken } from '../../../../services/lib/client/channels/AccessToken.ts';
import { declaredOnly } from '../../../support/declaredOnly.ts';
import { deskDouble, doubleChannelId, doubleNetwork, signAsRequester } from '../../../support/deskDouble.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';

type Documented = {
  readonly parameters?: readonly { name: string; in: string; required?: boolean }[];
  readonly responses: Record<string, { description: string; headers?: Record<string, { required?: boolean }> }>;
  readonly security: readonly object[];
};

const uploads = '/v1/channels/{id}/uploads';
const bytesType = { 'content-type': 'application/offset+octet-stream' };

describe('uploads, as the OpenAPI document has them', () => {
  const document = openApiDocument({ version: '1.0.0' }) as unknown as {
    paths: Record<string, Record<string, Documented>>;
  };
  const answered = new Set<string>();
  const content = Buffer.from('evidence');
  const digest = `0x${createHash('sha256').update(content).digest('hex')}`;
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const declared = {
    'Upload-Length': `${content.length}`,
    'Upload-Metadata': `digest ${base64(digest)},kind ${base64('content')}`,
  };
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let http: HttpServer;
  let access: Record<string, string>;

  before(async () => {
    folder = await temporaryFolder();
    http = declaredOnly(
      await startVerifierServer(await deskDouble(folder.path), { port: 0, rateLimits: false, stopMs: 300 }),
    );
    const parts = { network: doubleNetwork, channelId: doubleChannelId, sign: signAsRequester };
    access = { authorization: new AccessToken(parts).header(), 'Tus-Resumable': '1.0.0' };
  });
  after(async () => {
    await http.stop();
    await folder[Symbol.asyncDispose]();
  });

  /** Asks, and checks the answer against what is written of the route. */
  async function ask(
    method: string,
    id: string | undefined,
    headers: Record<string, string>,
    body?: Buffer,
  ): Promise<Response> {
    const path = id === undefined ? uploads : `${uploads}/{upload}`;
    const route = document.paths[path]![method]!;
    const url = `${http.url}/v1/channels/${doubleChannelId}/uploads${id === undefined ? '' : `/${id}`}`;
    const options = { method: method.toUpperCase(), headers, ...(body ? { body: Uint8Array.from(body) } : {}) };
    const response = await fetch(url, options);
    const name = `${method} ${path}: ${response.status}`;
    const told = route.responses[response.status];
    expect(told, name).not.to.equal(undefined);
    for (const [header, { required }] of Object.entries(told!.headers ?? {}))
      if (required) expect(response.headers.has(header), `${name} without ${header}`).to.equal(true);
    if (response.headers.get('content-type') === 'application/problem+json' && method !== 'head') {
      const { code } = (await response.json()) as { code: string };
      expect(told!.description, name).to.include(`\`${code}\``);
    }
    if (response.ok) {
      // What must be there was there.
      const needed = (route.parameters ?? []).filter((one) => one.in === 'header' && one.required);
      const given = Object.keys(headers).map((header) => header.toLowerCase());
      expect(given, name).to.include.members(needed.map((one) => one.name.toLowerCase()));
      answered.add(`${method} ${path}`);
    }
    return response;
  }
  const begun = async (): Promise<string> => {
    const response = await ask('post', undefined, { ...access, ...declared });
    return response.headers.get('location')!.split('/').at(-1)!;
  };

  it('begin, go on, tell how far they are, and end', async () => {
    await ask('options', undefined, {});
    await ask('options', 'a'.repeat(32), {});
    const id = await begun();
    expect((await ask('head', id, access)).headers.get('upload-offset')).to.equal('0');
    const patch = { ...access, ...bytesType };
    await ask('patch', id, { ...patch, 'Upload-Offset': '0' }, content.subarray(0, 3));
    const last = await ask('patch', id, { ...patch, 'Upload-Offset': '3' }, content.subarray(3));
    expect(last.headers.get('upload-offset')).to.equal('8');
    expect((await ask('delete', id, access)).status).to.equal(204);
    const whole = await ask('post', undefined, { ...access, ...bytesType, ...declared }, content);
    expect([whole.status, whole.headers.get('upload-offset')]).to.deep.equal([201, '8']);
    const all = Object.entries(document.paths)
      .filter(([path]) => path.startsWith(uploads))
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
    expect([...answered].sort()).to.deep.equal(all.sort());
  });

  it('refuse by the codes that are written', async () => {
    const patch = { ...access, ...bytesType };
    const gone = 'b'.repeat(32);
    const statuses = [
      await ask('post', undefined, { 'Tus-Resumable': '1.0.0', ...declared }),
      await ask('post', undefined, { ...access, 'Tus-Resumable': '0.2.0', ...declared }),
      await ask('head', gone, { authorization: access.authorization! }),
      await ask('post', undefined, access),
      await ask('post', undefined, { ...access, 'Upload-Length': '8' }),
      await ask('post', undefined, { ...access, ...declared, 'Upload-Length': `${Number.MAX_SAFE_INTEGER}` }),
      await ask('post', undefined, { ...access, ...bytesType, ...declared }, Buffer.from('evidencE')),
      await ask('post', undefined, { ...access, ...declared, 'Evidence-Key': 'short' }),
      await ask('head', gone, access),
      await ask('patch', gone, { ...patch, 'Upload-Offset': '0' }, content),
      await ask('delete', gone, access),
      await ask('patch', await begun(), { ...patch, 'content-type': 'text/plain', 'Upload-Offset': '0' }, content),
      await ask('patch', await begun(), { ...patch, 'Upload-Offset': 'x' }, content),
      await ask('post', undefined, { ...access, ...declared, 'Upload-Metadata': 'digest no base64' }),
      await ask('patch', await begun(), { ...patch, 'Upload-Offset': '5' }, content),
      await ask('patch', await begun(), { ...patch, 'Upload-Offset': '0' }, Buffer.from('evidencE')),
    ].map(({ status }) => status);
    expect(statuses).to.deep.equal([
      ...[401, 412, 412, 400, 422, 413, 422, 400],
      ...[404, 404, 404, 415, 400, 400, 409, 422],
    ]);
  });
});
