import { randomBytes } from 'node:crypto';
import { readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { EvidenceDesk } from '../../../../../services/app/channels/evidence/EvidenceDesk.ts';
import { evidencePrice, readEvidencePolicy } from '../../../../../services/app/channels/evidence/evidencePolicy.ts';
import { mediaTypeOf } from '../../../../../services/app/channels/evidence/mediaType.ts';
import { type Address, type Hash, toHex } from '../../../../../services/core/bytes.ts';
import { captureDigest } from '../../../../../services/core/channels/capture.ts';
import type { BillKind, UploadDeclaration } from '../../../../../services/core/channels/upload.ts';
import { systemClock } from '../../../../../services/lib/clock.ts';
import { localSigner } from '../../../../../services/lib/localSigner.ts';
import { silentLogger } from '../../../../../services/lib/logger.ts';
import { loadCrypto } from '../../../../../services/lib/nativeCrypto.ts';
import { expectCode } from '../../../../support/expectCode.ts';
import { temporaryFolder } from '../../../../support/temporaryFolder.ts';
import { webhookReceiver, webhookSecret } from '../../../../support/webhookReceiver.ts';
import { channelA, channelB, contentsOf, declare, packOf, sha256Of } from '../../../store/channels/vaultKit.ts';

const crypto = await loadCrypto();
const network = { chainId: 31337, contract: '0x00000000000000000000000000000000000000cc' as Address };
const requester: Address = '0x00000000000000000000000000000000000000aa';
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** Hash of a content's leaf under the root of a pack. */
const leafOf = (content: Uint8Array) => sha256Of(Buffer.concat([Buffer.of(0), sha256Of(content)]));

/** A desk with a policy, and a way to offer something. */
async function deskOf(evidence: object, folder: string) {
  const policy = readEvidencePolicy(JSON.stringify({ prices: { perItem: '10', perMebibyte: '0' }, evidence }));
  const desk = await EvidenceDesk.open({ folder, policy, network, crypto, clock: systemClock, logger: silentLogger });
  const upload = async (
    bytes: Uint8Array,
    declared: UploadDeclaration = declare(bytes),
    channelId: Hash = channelA,
  ): Promise<string> => {
    const { id } = await desk.uploads.create(channelId, declared);
    await desk.uploads.append(channelId, id, 0, [bytes]);
    return id;
  };
  const offer = async (bytes: Uint8Array, declared = declare(bytes), channelId: Hash = channelA) => {
    const id = await upload(bytes, declared, channelId);
    const { arrived } = desk.uploads.find(channelId, id).info;
    return desk.judge({ upload: id, digest: declared.digest, count: arrived!.count }, { channelId, requester });
  };
  return { desk, upload, offer };
}

const billOf = (channelId: Hash, digest: Hash, kind: BillKind = 'content', id = toHex(randomBytes(32))) => ({
  bill: { id, channelId, digest, count: 1, amount: 10n, expiry: 2_000_000_000, keyHash: toHex(randomBytes(32)) },
  kind,
  statements: [],
});

describe('EvidenceDesk', () => {
  const reasonOf = async (offered: Promise<unknown>): Promise<unknown> =>
    (await expectCode('evidence-refused', offered)).data.reason;

  it('bounds what nobody pays, also in the evidence store, until that lets it go', async () => {
    await using folder = await temporaryFolder();
    const uploads = { mostOpen: 2, mostOpenBytes: 2000, idleSeconds: 60, unpaidSeconds: 7200 };
    const policy = readEvidencePolicy(JSON.stringify({ prices: { perItem: '10', perMebibyte: '0' }, uploads }));
    let nowMs = Date.now();
    const clock = { nowMs: () => nowMs, sleep: async () => {} };
    const open = () => EvidenceDesk.open({ folder: folder.path, policy, network, crypto, clock, logger: silentLogger });
    const by = { channelId: channelA, requester };
    const offer = async (desk: EvidenceDesk, filler: number, sizeBytes = 1000) => {
      const bytes = Buffer.alloc(sizeBytes, filler);
      const declared = declare(bytes);
      const { id } = await desk.uploads.create(channelA, declared);
      await desk.uploads.append(channelA, id, 0, [bytes]);
      await desk.judge({ upload: id, digest: declared.digest, count: 1 }, by);
      return { upload: id, digest: declared.digest, count: 1 };
    };
    const first = await open();
    const one = await offer(first, 1);
    const two = await offer(first, 2);
    await expectCode('uploads-full', offer(first, 3));
    await expectCode('upload-conflict', first.uploads.remove(channelA, one.upload));
    nowMs += 60_000;
    expect(await first.uploads.removeIdle()).to.equal(0);
    const desk = await open();
    await expectCode('uploads-full', offer(desk, 3));
    await desk.keep([billOf(channelA, one.digest)]);
    const three = await offer(desk, 3);
    await expectCode('uploads-full', offer(desk, 4, 1));
    // What is asked for again may still be paid: it stays as long as a new one.
    nowMs += 7200_000 - 60_000;
    await desk.judge(three, by);
    nowMs += 60_000;
    expect(await desk.uploads.removeIdle()).to.equal(1);
    await expectCode('upload-unknown', desk.judge(two, by));
    await offer(desk, 4);
    expect([three.digest, two.digest].map((digest) => desk.uploads.isAwaited(digest))).to.deep.equal([true, false]);
    // Descriptions are bounded too.
    await desk.keep([billOf(channelA, three.digest)]);
    for (let filler = 5; filler < 5 + 31; filler++) await offer(desk, filler, 1);
    await expectCode('uploads-full', offer(desk, 50, 1));
  });

  it('takes what the policy takes, keeps it with its bills, and gives it to its channel alone', async () => {
    await using folder = await temporaryFolder();
    const { desk, upload, offer } = await deskOf({}, folder.path);
    const content = Buffer.from('evidence');
    const declared = declare(content);
    const id = await upload(content, declared);
    const asked = { upload: id, digest: declared.digest, count: 1 };
    const by = { channelId: channelA, requester };
    const judged = { digest: declared.digest, count: 1, kind: 'content', sizeBytes: 8, locator: '' };
    expect(await desk.judge(asked, by)).to.deep.equal(judged);
    expect(await desk.judge(asked, by)).to.deep.equal(judged);
    await expectCode('upload-unknown', desk.judge(asked, { ...by, channelId: channelB }));
    await expectCode('evidence-mismatch', desk.judge({ ...asked, count: 2 }, by));
    expect(await desk.content(channelA, declared.digest)).to.equal(undefined);
    await desk.keep([billOf(channelA, declared.digest, declared.kind)]);
    await expectCode('upload-unknown', desk.judge(asked, by));
    expect((await buffer((await desk.content(channelA, declared.digest))!.content)).toString()).to.equal('evidence');
    expect(await desk.content(channelB, declared.digest)).to.equal(undefined);
    const { bytes, root } = packOf(contentsOf(20));
    await offer(bytes, declare(bytes, root, 'pack'));
    await desk.keep([billOf(channelB, toHex(root), 'pack')]);
    const member = sha256Of(contentsOf(20)[13]!);
    expect(await buffer((await desk.content(channelB, toHex(member)))!.content)).to.deep.equal(contentsOf(20)[13]);
    expect(await desk.content(channelA, toHex(member))).to.equal(undefined);
    await expectCode('evidence-not-found', desk.keep([billOf(channelA, toHex(randomBytes(32)))]));
  });

  it('gives a channel only the kind of evidence that it has paid for, whatever else has the same digest', async () => {
    await using folder = await temporaryFolder();
    const { desk, offer } = await deskOf({ lists: true }, folder.path);
    const contents = [Buffer.from('secret one'), Buffer.from('secret two')];
    const { bytes, root, digests } = packOf(contents);
    const channelC: Hash = toHex(new Uint8Array(32).fill(0xcc));
    const channelD: Hash = toHex(new Uint8Array(32).fill(0xdd));
    // The content whose SHA-256 is the root of two: the inputs of that node.
    const node = Buffer.concat([Buffer.of(1), ...contents.map((content) => leafOf(content))]);
    const offered = [
      [channelA, bytes, declare(bytes, root, 'pack')],
      [channelB, digests, declare(digests, root, 'digests')],
      [channelC, node, declare(node)],
    ] as const;
    for (const [channelId, content, declared] of offered) {
      expect(declared.digest).to.equal(toHex(root));
      await offer(content, declared, channelId);
      await desk.keep([billOf(channelId, declared.digest, declared.kind)]);
    }
    // Of a verifier that has forgotten what the bill is for.
    await desk.keep([billOf(channelD, toHex(root), 'unknown')]);
    const readAll = async (by: EvidenceDesk, channelId: Hash) => {
      const read = async (digest: Uint8Array) => {
        const opened = await by.content(channelId, toHex(digest));
        return opened && { kind: opened.kind, content: await buffer(opened.content) };
      };
      return [await read(root), await read(digests.subarray(0, 32)), await read(digests.subarray(32))];
    };
    const again = await deskOf({ lists: true }, folder.path);
    for (const by of [desk, again.desk]) {
      expect(await readAll(by, channelA)).to.deep.equal([
        { kind: 'pack', content: Buffer.from(bytes) },
        ...contents.map((content) => ({ kind: 'content', content })),
      ]);
      const list = { kind: 'digests', content: Buffer.from(digests) };
      expect(await readAll(by, channelB)).to.deep.equal([list, undefined, undefined]);
      expect(await readAll(by, channelC)).to.deep.equal([{ kind: 'content', content: node }, undefined, undefined]);
      expect(await readAll(by, channelD)).to.deep.equal([undefined, undefined, undefined]);
    }
  });

  it('knows after a restart what it has taken, and does not believe what a loss of power has undone', async () => {
    await using folder = await temporaryFolder();
    const first = await deskOf({}, folder.path);
    const by = { channelId: channelA, requester };
    const asked = await Promise.all(
      ['a', 'b', 'c'].map(async (text) => {
        const content = Buffer.from(text);
        return { upload: await first.upload(content), digest: declare(content).digest, count: 1 };
      }),
    );
    const [a, b, c] = asked as [(typeof asked)[0], (typeof asked)[0], (typeof asked)[0]];
    for (const each of [a, b]) await first.desk.judge(each, by);
    const hex = b.digest.slice(2);
    await rm(join(folder.path, 'evidence', hex.slice(0, 2), hex.slice(2, 4), hex));
    const { desk } = await deskOf({}, folder.path);
    expect(desk.uploads.find(channelA, a.upload).info.taken).to.equal(true);
    expect(await desk.judge(a, by)).to.include({ digest: a.digest });
    await expectCode('upload-unknown', desk.judge(b, by));
    expect(await desk.judge(c, by)).to.include({ digest: c.digest });
    await desk.keep([a, c].map(({ digest }) => billOf(channelA, digest)));
    expect((await buffer((await desk.content(channelA, c.digest))!.content)).toString()).to.equal('c');
    expect(await readdir(join(folder.path, 'uploads'))).to.deep.equal([]);
  });

  for (const kind of ['content', 'pack'] as const) {
    it(`does not take a ${kind} that a loss of power has damaged after it had arrived`, async () => {
      await using folder = await temporaryFolder();
      const first = await deskOf({}, folder.path);
      const by = { channelId: channelA, requester };
      const { bytes, root } = packOf(contentsOf(20));
      const [declared, count] = kind === 'pack' ? [declare(bytes, root, 'pack'), 20] : ([declare(bytes), 1] as const);
      const asked = async () => ({ upload: await first.upload(bytes, declared), digest: declared.digest, count });
      const all = [await asked(), await asked(), await asked(), await asked()];
      const pathOf = (at: number) => join(folder.path, 'uploads', all[at]!.upload);
      await truncate(pathOf(0), 0);
      await truncate(pathOf(1), 100);
      await writeFile(pathOf(2), Buffer.alloc(bytes.length));
      if (kind === 'pack') await truncate(`${pathOf(3)}.members`, 10);
      const { desk } = await deskOf({}, folder.path);
      for (const damaged of all.slice(0, 3)) await expectCode('upload-unknown', desk.judge(damaged, by));
      await desk.judge(all[3]!, by);
      await desk.keep([billOf(channelA, declared.digest, declared.kind)]);
      expect(await buffer((await desk.content(channelA, declared.digest))!.content)).to.deep.equal(Buffer.from(bytes));
      if (kind === 'content') return;
      const member = contentsOf(20)[13]!;
      expect(await buffer((await desk.content(channelA, toHex(sha256Of(member))))!.content)).to.deep.equal(member);
    });
  }

  it('does not take sealed content that a loss of power has damaged after it had arrived', async () => {
    await using folder = await temporaryFolder();
    const { desk: first } = await deskOf({}, folder.path);
    const by = { channelId: channelA, requester };
    const bytes = Buffer.alloc(100_000, 7);
    const { digest } = declare(bytes);
    const key = randomBytes(32);
    const ids = await Promise.all(
      [0, 1, 2].map(async () => {
        const { id } = await first.uploads.create(channelA, declare(bytes), key);
        await first.uploads.append(channelA, id, 0, [bytes], key);
        return id;
      }),
    );
    const pathOf = (at: number) => join(folder.path, 'uploads', ids[at]!);
    await truncate(pathOf(0), 70_000);
    await writeFile(pathOf(1), Buffer.alloc((await stat(pathOf(1))).size));
    const { desk } = await deskOf({}, folder.path);
    const judged = (at: number) => desk.judge({ upload: ids[at]!, digest, count: 1 }, by);
    await expectCode('upload-unknown', judged(0));
    await expectCode('upload-unknown', judged(1));
    await judged(2);
    await desk.keep([billOf(channelA, digest)]);
    expect(await buffer((await desk.content(channelA, digest, key))!.content)).to.deep.equal(bytes);
  });

  it('refuses by size, media type and kind, and lets the upload go', async () => {
    await using folder = await temporaryFolder();
    const rules = { leastBytes: 5, mostBytes: 10_000, mediaTypes: ['image/*', 'text/plain'] };
    const { desk, upload, offer } = await deskOf(rules, folder.path);
    expect(await reasonOf(offer(Buffer.from('tiny')))).to.equal('too-small');
    expect(await reasonOf(offer(Buffer.from('%PDF-1.7\nnot a picture')))).to.equal('media-type');
    expect(await offer(png)).to.include({ count: 1 });
    const { bytes, root, digests } = packOf([png, Buffer.from('text'), Buffer.from('more text')]);
    expect(await reasonOf(offer(bytes, declare(bytes, root, 'pack')))).to.equal('too-small');
    const mixed = packOf([png, Buffer.from('text text'), Buffer.from('PK\x03\x04zip?')]);
    expect(await reasonOf(offer(mixed.bytes, declare(mixed.bytes, mixed.root, 'pack')))).to.equal('media-type');
    expect(await reasonOf(offer(digests, declare(digests, root, 'digests')))).to.equal('list');
    const id = await upload(Buffer.from('tiny'));
    const asked = { upload: id, digest: toHex(sha256Of(Buffer.from('tiny'))), count: 1 };
    await expectCode('evidence-refused', desk.judge(asked, { channelId: channelA, requester }));
    await expectCode('upload-unknown', desk.judge(asked, { channelId: channelA, requester }));
  });

  it('refuses what is known, also in a pack, also before it is paid', async () => {
    await using folder = await temporaryFolder();
    const { desk, offer } = await deskOf({ unique: true, lists: true }, folder.path);
    const content = Buffer.from('item of A');
    const { digest } = await offer(content);
    expect(await reasonOf(offer(content, declare(content), channelB))).to.equal('known');
    await desk.keep([billOf(channelA, digest)]);
    expect(await reasonOf(offer(content))).to.equal('known');
    const holding = packOf([Buffer.from('new'), content]);
    expect(await reasonOf(offer(holding.bytes, declare(holding.bytes, holding.root, 'pack')))).to.equal('known');
    const fresh = packOf(contentsOf(30));
    await offer(fresh.bytes, declare(fresh.bytes, fresh.root, 'pack'));
    await desk.keep([billOf(channelA, toHex(fresh.root), 'pack')]);
    expect(await reasonOf(offer(contentsOf(1)[0]!, undefined, channelB))).to.equal('known');
    const list = packOf([Buffer.from('elsewhere'), contentsOf(30)[29]!]);
    expect(await reasonOf(offer(list.digests, declare(list.digests, list.root, 'digests')))).to.equal('known');
    await desk.release(channelA, digest);
    expect(await offer(content, declare(content), channelB)).to.include({ digest });
  });

  it('takes what must be unique once, however it is offered', async () => {
    await using folder = await temporaryFolder();
    const { desk, upload, offer } = await deskOf({ unique: true }, folder.path);
    const reasons = async (...offered: Promise<unknown>[]) =>
      (await Promise.allSettled(offered)).map((each) =>
        each.status === 'fulfilled' ? 'taken' : each.reason.data.reason,
      );
    const [content, other] = [Buffer.from('the same'), Buffer.from('another')];
    const { digest } = declare(content);
    const [a, b] = [await upload(content, undefined, channelA), await upload(content, undefined, channelB)];
    const judged = (id: string, channelId: Hash) =>
      desk.judge({ upload: id, digest, count: 1 }, { channelId, requester });
    // The same upload may be asked for twice at once.
    expect(await reasons(judged(a, channelA), judged(b, channelB), judged(a, channelA))).to.deep.equal([
      'taken',
      'known',
      'taken',
    ]);
    expect(await reasonOf(offer(content, undefined, channelA))).to.equal('known');
    // In packs too, at once and after.
    const packs = [
      packOf([content, Buffer.from('1')]),
      packOf([other, Buffer.from('2')]),
      packOf([other, Buffer.from('3')]),
    ];
    const offerPack = ({ bytes, root }: (typeof packs)[0], channelId: Hash) =>
      offer(bytes, declare(bytes, root, 'pack'), channelId);
    expect(await reasonOf(offerPack(packs[0]!, channelB))).to.equal('known');
    const both = await reasons(offerPack(packs[1]!, channelA), offerPack(packs[2]!, channelB));
    expect(both).to.have.members(['taken', 'known']);
    expect(await reasonOf(offer(other, undefined, channelB))).to.equal('known');
  });

  it('wants the signature of a listed device, not too old', async () => {
    await using folder = await temporaryFolder();
    const device = localSigner(new Uint8Array(32).fill(7), crypto);
    const stranger = localSigner(new Uint8Array(32).fill(8), crypto);
    const { offer } = await deskOf({ devices: [device.address], captureSeconds: 60 }, folder.path);
    const content = Buffer.from('a picture');
    const now = Math.floor(Date.now() / 1000);
    const captured = async (signer: typeof device, capturedAt: number, digest = toHex(sha256Of(content))) => ({
      ...declare(content),
      capture: { capturedAt, signature: toHex(await signer.sign(captureDigest(network, digest, { capturedAt }))) },
    });
    expect(await reasonOf(offer(content))).to.equal('device');
    expect(await reasonOf(offer(content, await captured(stranger, now)))).to.equal('device');
    expect(await reasonOf(offer(content, await captured(device, now, toHex(randomBytes(32)))))).to.equal('device');
    expect(await reasonOf(offer(content, await captured(device, now - 600)))).to.equal('captured-at');
    expect(await offer(content, await captured(device, now))).to.include({ count: 1 });
  });

  it('asks a hook; one that does not answer loses nothing', async () => {
    await using folder = await temporaryFolder();
    const secret = webhookSecret();
    await using receiver = await webhookReceiver(secret);
    const { desk, upload } = await deskOf({ hook: { url: receiver.url, secret, timeoutSeconds: 3 } }, folder.path);
    const content = Buffer.from('what the hook decides about');
    const declared = declare(content);
    const asked = { upload: await upload(content, declared), digest: declared.digest, count: 1 };
    const by = { channelId: channelA, requester };
    const json = (value: unknown) => {
      receiver.answer = (response) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    receiver.answer = (response) => response.writeHead(500).end();
    await expectCode('evidence-hook-failed', desk.judge(asked, by));
    receiver.answer = () => {};
    await expectCode('evidence-hook-failed', desk.judge(asked, by));
    for (const nonsense of ['yes', { accept: 'yes' }, { accept: true, reason: 'x'.repeat(20_000) }]) {
      json(nonsense);
      await expectCode('evidence-hook-failed', desk.judge(asked, by));
    }
    receiver.answer = (response) => response.writeHead(302, { location: receiver.url }).end();
    await expectCode('evidence-hook-failed', desk.judge(asked, by));
    json({ accept: true });
    expect(await desk.judge(asked, by)).to.include({ digest: declared.digest });
    const other = Buffer.from('another one');
    const refused = { upload: await upload(other), digest: toHex(sha256Of(other)), count: 1 };
    json({ accept: false, reason: 'looks made up' });
    const { data } = await expectCode('evidence-refused', desk.judge(refused, by));
    expect(data).to.deep.equal({ reason: 'hook', have: 'looks made up' });
  });
});

describe('evidence policy', () => {
  it('has defaults, and says what is wrong with a file', async () => {
    const policy = readEvidencePolicy('{"prices":{"perItem":"3","perMebibyte":"1000"}}');
    expect(policy).to.include({ billSeconds: 3600, leastDeposit: 0n });
    expect(evidencePrice(policy, 2, 0)).to.equal(6n);
    expect(evidencePrice(policy, 2, 1)).to.equal(7n);
    expect(evidencePrice(policy, 1, 3 << 20)).to.equal(3003n);
    for (const [text, field] of [
      ['{', undefined],
      ['{"prices":{"perItem":3,"perMebibyte":"0"}}', 'prices.perItem'],
      ['{"prices":{"perItem":"3","perMebibyte":"0"},"more":1}', ''],
      ['{"prices":{"perItem":"3","perMebibyte":"0"},"uploads":{"unpaidSeconds":100}}', undefined],
      ['{"prices":{"perItem":"3","perMebibyte":"0"},"evidence":{"hook":{"url":"ftp://x","secret":"y"}}}', undefined],
    ] as const) {
      expect((await expectCode('config-invalid', () => readEvidencePolicy(text))).data.field, text).to.equal(field);
    }
  });

  it('names media types by the first bytes', async () => {
    expect(await mediaTypeOf(png)).to.equal('image/png');
    expect(await mediaTypeOf(Buffer.from('Zeugnis für alle'))).to.equal('text/plain');
    expect(await mediaTypeOf(Buffer.from('für').subarray(0, 2))).to.equal('text/plain');
    expect(await mediaTypeOf(Buffer.from([0, 1, 2]))).to.equal('application/octet-stream');
  });
});
