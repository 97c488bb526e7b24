import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { buildAggregate } from '../../../../services/core/aggregate.ts';
import { concat, fromHex, type Hash, toHex } from '../../../../services/core/bytes.ts';
import { type HttpServer, startVerifierServer } from '../../../../services/http/httpServer.ts';
import { HttpVerifier } from '../../../../services/lib/client/channels/HttpVerifier.ts';
import { type SendUploadOptions, sendUpload } from '../../../../services/lib/client/channels/sendUpload.ts';
import {
  fileSource,
  type HashedFile,
  memorySource,
  packSource,
  type UploadSource,
} from '../../../../services/lib/client/channels/uploadSource.ts';
import { declaredOnly } from '../../../support/declaredOnly.ts';
import {
  type DeskDouble,
  deskDouble,
  doubleChannelId,
  doubleNetwork,
  signAsRequester,
} from '../../../support/deskDouble.ts';
import { expectCode } from '../../../support/expectCode.ts';

describe('uploads of a requester', () => {
  let folder: string;
  let desk: DeskDouble;
  let http: HttpServer;
  let verifier: HttpVerifier;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'notarium-uploads-'));
    desk = await deskDouble(join(folder, 'uploads'));
    http = declaredOnly(await startVerifierServer(desk, { port: 0, rateLimits: false, stopMs: 300 }));
    const channel = { network: doubleNetwork, channelId: doubleChannelId, sign: signAsRequester };
    verifier = new HttpVerifier({ ...channel, url: http.url });
  });
  after(async () => {
    await http.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const send = (source: UploadSource, digest: Hash, more: Partial<SendUploadOptions> = {}): Promise<string> =>
    sendUpload(source, {
      endpoint: verifier.uploadsUrl,
      authorization: () => verifier.token.header(),
      metadata: { kind: 'content', digest },
      ...more,
    });
  const hashOf = (bytes: Uint8Array): Hash => toHex(createHash('sha256').update(bytes).digest());
  const fileOf = async (name: string, bytes: Uint8Array): Promise<HashedFile> => {
    const path = join(folder, name);
    await writeFile(path, bytes);
    return { path, sizeBytes: bytes.length, digest: hashOf(bytes) };
  };
  const arrived = (id: string): unknown => desk.uploads.find(doubleChannelId, id).info.arrived;

  it('bring a file from the disk, an empty content, and many files as one pack', async () => {
    const file = await fileOf('large', randomBytes(3_000_000));
    let sentBytes = 0;
    const onBytes = (count: number): void => {
      sentBytes += count;
    };
    expect(arrived(await send(fileSource(file), file.digest, { onBytes }))).to.have.property('count', 1);
    expect(sentBytes).to.equal(file.sizeBytes);
    const empty = new Uint8Array();
    expect(arrived(await send(memorySource(empty), hashOf(empty)))).to.have.property('count', 1);
    const small = await Promise.all([0, 1, 5000].map((size) => fileOf(`small-${size}`, randomBytes(size))));
    const root = toHex(buildAggregate(concat(...small.map(({ digest }) => fromHex(digest)))).root);
    const id = await send(packSource(small), root, { metadata: { kind: 'pack', digest: root } });
    expect(arrived(id)).to.include({ count: 3, smallestBytes: 0, largestBytes: 5000 });
  });

  it('go on where they stopped, also in a new process', async () => {
    const bytes = randomBytes(2_000_000);
    const whole = memorySource(bytes);
    let url = '';
    const stop = new AbortController();
    const cut: UploadSource = {
      sizeBytes: whole.sizeBytes,
      async *read() {
        yield bytes.subarray(0, 500_000);
        stop.abort(new Error('the process ends'));
        await new Promise(() => {});
      },
    };
    const onUrl = (begun: string): void => {
      url = begun;
    };
    const error = await send(cut, hashOf(bytes), { onUrl, signal: stop.signal }).catch((reason: unknown) => reason);
    expect(error).to.equal(stop.signal.reason);
    const begin = desk.uploads.find(doubleChannelId, url.split('/').at(-1)!).info;
    expect(begin.arrived).to.equal(undefined);
    const starts: number[] = [];
    const watched: UploadSource = {
      ...whole,
      read(start) {
        starts.push(start);
        return whole.read(start);
      },
    };
    const id = await send(watched, hashOf(bytes), { uploadUrl: url });
    expect(arrived(id)).to.have.property('count', 1);
    expect(id).to.equal(begin.id);
    expect(starts.at(-1)).to.be.within(0, 500_000);
  });

  it('begin anew where the verifier has forgotten them', async () => {
    const bytes = randomBytes(10);
    const forgotten = `${verifier.uploadsUrl}/${'0'.repeat(32)}`;
    expect(arrived(await send(memorySource(bytes), hashOf(bytes), { uploadUrl: forgotten }))).to.have.property(
      'count',
      1,
    );
  });

  it('bring a small content by one request, and by tus where that breaks off', async () => {
    let connections = 0;
    const breaking = createServer((socket) => {
      connections++;
      socket.on('error', () => {});
      if (connections === 1) {
        socket.once('data', () => socket.destroy());
        return;
      }
      const { hostname, port } = new URL(http.url);
      const onwards = connect(Number(port), hostname);
      onwards.on('error', () => socket.destroy());
      socket.pipe(onwards).pipe(socket);
      socket.on('close', () => onwards.destroy());
    });
    breaking.listen(0, '127.0.0.1');
    await once(breaking, 'listening');
    try {
      const { port } = breaking.address() as { port: number };
      const endpoint = verifier.uploadsUrl.replace(http.url, `http://127.0.0.1:${port}`);
      const bytes = randomBytes(10);
      const urls: string[] = [];
      let sentBytes = 0;
      const more = {
        endpoint,
        onUrl: (url: string): void => void urls.push(url),
        onBytes: (count: number): void => {
          sentBytes += count;
        },
      };
      const id = await send(memorySource(bytes), hashOf(bytes), more);
      expect(arrived(id)).to.have.property('count', 1);
      expect([connections > 1, sentBytes]).to.deep.equal([true, bytes.length]);
      expect(urls.map((url) => url.split('/').at(-1))).to.deep.equal([id]);
    } finally {
      breaking.close();
    }
  });

  it("fail with the verifier's code, or with that of the file", async () => {
    const bytes = randomBytes(10);
    await expectCode('evidence-mismatch', () => send(memorySource(bytes), hashOf(randomBytes(1))));
    const file = await fileOf('changing', bytes);
    await writeFile(file.path, 'another');
    await expectCode('file-changed', () => send(fileSource(file), file.digest));
    await expectCode('file-unreadable', () => send(fileSource({ ...file, path: join(folder, 'none') }), file.digest));
    await expectCode('channel-access-invalid', () =>
      send(memorySource(bytes), hashOf(bytes), { authorization: () => 'Channel x' }),
    );
  });
});
