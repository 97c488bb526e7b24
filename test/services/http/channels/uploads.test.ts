import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { request, type Server } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Upload, type UploadOptions } from 'tus-js-client';
import { concat, type Hash, toHex } from '../../../../services/core/bytes.ts';
import type { ErrorCode } from '../../../../services/core/errors.ts';
import { EvidenceVault } from '../../../../services/store/channels/EvidenceVault.ts';
import type { Uploads } from '../../../../services/store/channels/Uploads.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { until } from '../../../support/until.ts';
import {
  channelA,
  channelB,
  contentsOf,
  openUploads,
  packOf,
  read,
  sha256Of,
  uploadLimits,
} from '../../store/channels/vaultKit.ts';
import { uploadServer } from './uploadServer.ts';

type Sent = { readonly id: string; readonly url: string };

/** Uploads with the client that everybody uses. */
function send(
  base: string,
  source: Buffer,
  digest: Uint8Array,
  more: { channel?: Hash; kind?: string; key?: Uint8Array; options?: Partial<UploadOptions> } = {},
): Promise<Sent> {
  const { channel = channelA, kind = 'content', key, options } = more;
  return new Promise((resolve, reject) => {
    const upload: Upload = new Upload(source as never, {
      endpoint: `${base}/v1/channels/${channel}/uploads`,
      metadata: { digest: toHex(digest), kind },
      headers: { authorization: `Channel ${channel}`, ...(key ? { 'evidence-key': toHex(key) } : {}) },
      retryDelays: [],
      onError: reject,
      onSuccess: () => resolve({ url: upload.url!, id: upload.url!.split('/').at(-1)! }),
      ...options,
    });
    upload.start();
  });
}

/** Code of the problem that a client was answered with. */
async function refusalOf(sent: Promise<unknown>): Promise<ErrorCode> {
  const error = await sent.then(
    () => undefined,
    (thrown: Error & { originalResponse?: { getBody(): string } }) => thrown,
  );
  if (!error?.originalResponse) throw new Error(`no problem was answered: ${String(error)}`, { cause: error });
  return (JSON.parse(error.originalResponse.getBody()) as { code: ErrorCode }).code;
}

describe('uploads by tus', () => {
  const servers: Server[] = [];
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  async function serve(uploads: Uploads): Promise<string> {
    const { url, server } = await uploadServer(uploads);
    servers.push(server);
    return url;
  }

  it('takes content, packs and lists from the usual client', async () => {
    await using folder = await temporaryFolder();
    const uploads = await openUploads(join(folder.path, 'uploads'));
    const vault = await EvidenceVault.open({ folder: join(folder.path, 'evidence') });
    const url = await serve(uploads);
    const content = randomBytes(3_000_000);
    const { bytes, root, digests } = packOf(contentsOf(1000));
    for (const [kind, body, digest] of [
      ['content', content, sha256Of(content)],
      ['content', Buffer.alloc(0), sha256Of(Buffer.alloc(0))],
      ['pack', Buffer.from(bytes), root],
    ] as const) {
      const { id } = await send(url, body, digest, { kind, options: { chunkSize: 1_000_003 } });
      await vault.take(await uploads.finished(channelA, id));
      expect(await read(vault, digest)).to.deep.equal(body);
    }
    const { id } = await send(url, Buffer.from(digests), root, { kind: 'digests' });
    expect(uploads.find(channelA, id).info.arrived).to.deep.equal({ count: 1000, mediaTypes: [] });
  });

  it('refuses what is not what was declared, and keeps nothing of it', async () => {
    await using folder = await temporaryFolder();
    const url = await serve(await openUploads(folder.path));
    const { bytes, root } = packOf(contentsOf(100));
    const altered = Buffer.from(bytes);
    altered[altered.length - 1]! ^= 1;
    const lying = Buffer.from(bytes);
    lying.writeBigUInt64BE(8n, 20 + 32);
    const huge = Buffer.from(bytes);
    huge.writeBigUInt64BE(2n ** 63n, 20 + 32);
    const pack = { kind: 'pack' };
    for (const [code, body, digest, more] of [
      ['evidence-mismatch', Buffer.from('evidence'), root, {}],
      ['evidence-mismatch', altered, root, pack],
      ['evidence-mismatch', Buffer.from(bytes), sha256Of(bytes), pack],
      ['upload-invalid', lying, root, pack],
      ['upload-invalid', huge, root, pack],
      ['upload-invalid', Buffer.from(bytes.subarray(0, 3000)), root, pack],
      ['upload-invalid', Buffer.from('no pack at all, and long enough'), root, pack],
      ['upload-invalid', Buffer.from('not 32 bytes'), root, { kind: 'digests' }],
      ['upload-invalid', Buffer.from('x'), root, { kind: 'folder' }],
      ['upload-invalid', Buffer.from('x'), new Uint8Array(5), {}],
    ] as const) {
      expect(await refusalOf(send(url, body, digest, more))).to.equal(code);
    }
    expect(await readdir(folder.path)).to.deep.equal([]);
  });

  it('takes a small content with the request that creates it, and keeps nothing of half a one', async () => {
    await using folder = await temporaryFolder();
    const uploads = await openUploads(folder.path);
    const url = await serve(uploads);
    const content = randomBytes(1000);
    const key = randomBytes(32);
    const whole = { uploadDataDuringCreation: true };
    for (const withKey of [{}, { key }]) {
      let requests = 0;
      const options = { ...whole, onBeforeRequest: () => void requests++ };
      const { id } = await send(url, content, sha256Of(content), { ...withKey, options });
      expect(requests).to.equal(1);
      // Before the answer it is on the disk: a kill does it no harm.
      const again = await openUploads(folder.path);
      expect(again.find(channelA, id).info).to.deep.equal(uploads.find(channelA, id).info);
      expect(again.find(channelA, id).info.arrived?.count).to.equal(1);
      await uploads.remove(channelA, id);
    }
    expect(await refusalOf(send(url, content, sha256Of(key), { options: whole }))).to.equal('evidence-mismatch');
    const tooMuch = { openUploads: uploadLimits.openUploads, openBytes: 999 };
    const small = await openUploads(folder.path, { limits: { ...uploadLimits, ...tooMuch } });
    const full = send(await serve(small), content, sha256Of(content), { options: whole });
    expect(await refusalOf(full)).to.equal('uploads-full');
    const headers = {
      authorization: `Channel ${channelA}`,
      'tus-resumable': '1.0.0',
      'upload-length': '1000',
      'content-type': 'application/offset+octet-stream',
    };
    const post = (metadata: string) =>
      fetch(`${url}/v1/channels/${channelA}/uploads`, {
        method: 'POST',
        headers: { ...headers, 'upload-metadata': metadata },
        body: content,
      });
    expect((await post('digest not-base64!')).status).to.equal(400);
    const metadata = `digest ${Buffer.from(toHex(sha256Of(content))).toString('base64')}`;
    const broken = request(`${url}/v1/channels/${channelA}/uploads`, {
      method: 'POST',
      headers: { ...headers, 'upload-metadata': metadata, 'content-length': '1000' },
    });
    const gone = once(broken, 'error');
    broken.write(content.subarray(0, 500));
    await until('the server has the first half', () => broken.writableLength === 0);
    broken.destroy(new Error('the client breaks off'));
    await gone;
    expect((await post(metadata)).status).to.equal(201);
    expect((await readdir(folder.path)).filter((name) => name.endsWith('.json'))).to.have.length(1);
  });

  it('lets nobody touch what belongs to another channel', async () => {
    await using folder = await temporaryFolder();
    const url = await serve(await openUploads(folder.path));
    const content = Buffer.from('of channel A');
    const { id } = await send(url, content, sha256Of(content));
    const own = `${url}/v1/channels/${channelB}/uploads/${id}`;
    const headers = { authorization: `Channel ${channelB}`, 'tus-resumable': '1.0.0' };
    const patch = { 'upload-offset': '12', 'content-type': 'application/offset+octet-stream' };
    for (const [method, extra] of [
      ['HEAD', {}],
      ['PATCH', patch],
      ['DELETE', {}],
    ] as const) {
      expect((await fetch(own, { method, headers: { ...headers, ...extra } })).status, method).to.equal(404);
    }
    const other = await fetch(own.replace(channelB, channelA), { method: 'DELETE', headers });
    expect(other.status).to.equal(401);
    const removed = await fetch(own.replace(channelB, channelA), {
      method: 'DELETE',
      headers: { ...headers, authorization: `Channel ${channelA}` },
    });
    expect(removed.status).to.equal(204);
    expect(await readdir(folder.path)).to.deep.equal([]);
  });

  it('holds to the offset, the size, the number and the time', async () => {
    await using folder = await temporaryFolder();
    let nowMs = Date.now();
    const clock = { nowMs: () => nowMs, sleep: async () => {} };
    const limits = { ...uploadLimits, uploadBytes: 1000 };
    const uploads = await openUploads(folder.path, { clock, limits });
    const url = await serve(uploads);
    expect(await refusalOf(send(url, Buffer.alloc(1001), sha256Of(Buffer.alloc(1001))))).to.equal('request-too-large');
    const content = Buffer.alloc(10);
    const info = await uploads.create(channelA, { kind: 'content', digest: toHex(sha256Of(content)), sizeBytes: 10 });
    const patch = (offset: number, body: Uint8Array): Promise<Response> =>
      fetch(`${url}/v1/channels/${channelA}/uploads/${info.id}`, {
        method: 'PATCH',
        headers: {
          authorization: `Channel ${channelA}`,
          'tus-resumable': '1.0.0',
          'upload-offset': String(offset),
          'content-type': 'application/offset+octet-stream',
        },
        body: body as BodyInit,
      });
    expect((await patch(3, content)).status).to.equal(409);
    expect((await patch(0, content.subarray(0, 4))).headers.get('upload-offset')).to.equal('4');
    expect((await patch(0, content)).status).to.equal(409);
    expect((await patch(4, content)).status).to.equal(413);
    for (let more = 0; more < 3; more++)
      await uploads.create(channelA, { kind: 'content', digest: toHex(randomBytes(32)), sizeBytes: 10 });
    expect(await refusalOf(send(url, content, sha256Of(content)))).to.equal('uploads-full');
    await send(url, content, sha256Of(content), { channel: channelB });
    nowMs += uploadLimits.idleMs;
    expect((await patch(4, content.subarray(4))).status).to.equal(204);
    expect(await uploads.removeIdle()).to.equal(4);
    nowMs += uploadLimits.idleMs;
    expect(await uploads.removeIdle()).to.equal(1);
    expect(await readdir(folder.path)).to.deep.equal([]);
    expect((await patch(4, content)).status).to.equal(404);
  });

  for (const encrypted of [false, true]) {
    it(`resumes after kill -9 with the hash from the disk${encrypted ? ', encrypted' : ''}`, async () => {
      await using folder = await temporaryFolder();
      const key = encrypted ? randomBytes(32) : undefined;
      const start = async (): Promise<{ url: string; child: ChildProcess }> => {
        const child = spawn(
          process.execPath,
          [
            '--disable-warning=ExperimentalWarning',
            fileURLToPath(new URL('./uploadChild.ts', import.meta.url)),
            folder.path,
          ],
          { stdio: ['ignore', 'pipe', 'inherit'] },
        );
        children.push(child);
        const [line] = (await once(child.stdout!, 'data')) as [Buffer];
        return { url: line.toString().trim(), child };
      };
      const content = randomBytes(5_000_000);
      let { url, child } = await start();
      const headers = {
        authorization: `Channel ${channelA}`,
        'tus-resumable': '1.0.0',
        ...(key ? { 'evidence-key': toHex(key) } : {}),
      };
      const made = await fetch(`${url}/v1/channels/${channelA}/uploads`, {
        method: 'POST',
        headers: {
          ...headers,
          'upload-length': String(content.length),
          'upload-metadata': `digest ${Buffer.from(toHex(sha256Of(content))).toString('base64')}`,
        },
      });
      expect(made.status).to.equal(201);
      const patch = request(new URL(made.headers.get('location')!, url), {
        method: 'PATCH',
        headers: {
          ...headers,
          'upload-offset': '0',
          'content-type': 'application/offset+octet-stream',
          'content-length': content.length,
        },
      });
      const broken = once(patch, 'error');
      patch.write(content.subarray(0, 2_345_678));
      const grown = await until('most of it is on the disk', async () => {
        const [name] = (await readdir(folder.path)).filter((found) => /^[0-9a-f]{32}$/.test(found));
        return name && (await stat(join(folder.path, name))).size > 2_000_000 && name;
      });
      child.kill('SIGKILL');
      await broken;
      ({ url, child } = await start());
      const resumed = await send(url, content, sha256Of(content), {
        ...(key ? { key } : {}),
        options: { uploadUrl: `${url}/v1/channels/${channelA}/uploads/${grown}` },
      });
      expect(resumed.id).to.equal(grown);
      child.kill('SIGKILL');
      await once(child, 'close');
      const uploads = await openUploads(folder.path);
      const vault = await EvidenceVault.open({ folder: join(folder.path, 'evidence') });
      await vault.take(await uploads.finished(channelA, grown));
      expect(await read(vault, sha256Of(content), { key })).to.deep.equal(content);
    });
  }

  it('finishes what was whole when the kill came, and takes no other key than the first', async () => {
    await using folder = await temporaryFolder();
    const key = randomBytes(32);
    const content = concat(randomBytes(70_000), randomBytes(100));
    const before = await openUploads(folder.path);
    const declared = { kind: 'content' as const, digest: toHex(sha256Of(content)), sizeBytes: content.length };
    const { id } = await before.create(channelA, declared, key);
    await before.append(channelA, id, 0, [content.subarray(0, 70_000)], key);
    await before.append(channelA, id, 70_000, [content.subarray(70_000, 70_050)], key);
    const after = await openUploads(folder.path);
    const url = await serve(after);
    const head = (withKey: Uint8Array): Promise<Response> =>
      fetch(`${url}/v1/channels/${channelA}/uploads/${id}`, {
        method: 'HEAD',
        headers: { authorization: `Channel ${channelA}`, 'tus-resumable': '1.0.0', 'evidence-key': toHex(withKey) },
      });
    expect((await head(randomBytes(32))).status).to.equal(422);
    expect((await head(key)).headers.get('upload-offset')).to.equal('70050');
    await after.append(channelA, id, 70_050, [content.subarray(70_050)], key);
    const last = await openUploads(folder.path);
    expect(await last.offset(channelA, id)).to.equal(content.length);
    expect((await last.finished(channelA, id)).keyId).to.match(/^[0-9a-f]{16}$/);
  });
});
