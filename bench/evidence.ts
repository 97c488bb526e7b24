import { createHash, hash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mediaTypeOf } from '../services/app/channels/evidence/mediaType.ts';
import { aggregateRoot } from '../services/core/aggregate.ts';
import { concat, toHex } from '../services/core/bytes.ts';
import { encodePackList } from '../services/core/channels/pack.ts';
import type { EvidenceKind } from '../services/core/channels/upload.ts';
import { systemClock } from '../services/lib/clock.ts';
import { EvidenceVault } from '../services/store/channels/EvidenceVault.ts';
import { Uploads } from '../services/store/channels/Uploads.ts';
import type { Row } from './support/Row.ts';

const count = 100_000;
const itemBytes = 200;
const rounds = 5;
const singles = 500;
const largeBytes = 1 << 30;
const pieceBytes = 64 * 1024;

type Parts = { readonly vault: EvidenceVault; readonly uploads: Uploads };

/** The evidence side of a verifier without the network: hashing as it arrives, the file, the index, and the disk. */
export async function evidence(): Promise<Row[]> {
  const digests = new Uint8Array(32 * count);
  for (let index = 0; index < count; index++) digests.set(hash('sha256', `digest ${index}`, 'buffer'), 32 * index);
  const packed = await fastest(async (round, parts) => putPack(parts, `${round}`));
  const typed = await fastest(async (round, parts) => putPack(parts, `typed ${round}`), mediaTypeOf);
  const sealed = await fastest(async (round, parts) => putPack(parts, `sealed ${round}`, new Uint8Array(32).fill(1)));
  const listed = await fastest(async (_round, parts) => {
    const ms = clock();
    await put(parts, 'digests', aggregateRoot(digests), pieces(digests), digests.length);
    return ms();
  });
  const single = await fastest(async (round, parts) => {
    const ms = clock();
    for (let index = 0; index < singles; index++) {
      const content = Buffer.from(`single ${round} ${index}`.padEnd(itemBytes));
      await put(parts, 'content', hash('sha256', content, 'buffer'), [content], itemBytes);
    }
    return ms();
  });
  const large = await fastest(async (_round, parts) => putLarge(parts), undefined, 1);
  const note = `${count} contents of ${itemBytes} bytes, synced to the disk; fastest of ${rounds}`;
  return [
    {
      figure: 'contents of a pack through hashing and disk',
      value: perSecond(count, packed),
      unit: '1/s',
      target: { atLeast: 50_000 },
      note,
    },
    { figure: 'the same, encrypted', value: perSecond(count, sealed), unit: '1/s', note },
    {
      figure: 'the same, with media types',
      value: perSecond(count, typed),
      unit: '1/s',
      note: `${note}; a policy with an allow list`,
    },
    {
      figure: 'digests alone',
      value: perSecond(count, listed),
      unit: '1/s',
      target: { atLeast: 50_000 },
      note: `a list of ${count}`,
    },
    {
      figure: 'single contents, one after the other',
      value: perSecond(singles, single),
      unit: '1/s',
      note: `${singles} of ${itemBytes} bytes, each synced`,
    },
    { figure: 'one large content', value: largeBytes / 2 ** 20 / (large / 1000), unit: 'MiB/s', note: '1 GiB' },
  ];
}

async function fastest(
  run: (round: number, parts: Parts) => Promise<number>,
  typeOf?: (head: Uint8Array) => Promise<string>,
  times = rounds,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'notarium-bench-'));
  try {
    const limits = {
      uploadBytes: 2 * largeBytes,
      itemCount: count,
      openUploads: 10,
      openBytes: 8 * largeBytes,
      idleMs: 1e9,
    };
    const uploads = await Uploads.open({
      folder: join(folder, 'uploads'),
      limits,
      clock: systemClock,
      mediaTypeOf: typeOf,
    });
    const vault = await EvidenceVault.open({ folder: join(folder, 'evidence') });
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < times; round++) best = Math.min(best, await run(round, { vault, uploads }));
    return best;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function putPack(parts: Parts, name: string, key?: Uint8Array): Promise<number> {
  const contents = Array.from({ length: count }, (_, index) => Buffer.from(`${name} ${index}`.padEnd(itemBytes)));
  const members = contents.map((content) => ({ digest: hash('sha256', content, 'buffer'), sizeBytes: itemBytes }));
  const root = aggregateRoot(concat(...members.map(({ digest }) => digest)));
  const pack = concat(encodePackList(members), ...contents);
  const ms = clock();
  await put(parts, 'pack', root, pieces(pack), pack.length, key);
  return ms();
}

async function putLarge(parts: Parts): Promise<number> {
  const piece = Buffer.alloc(pieceBytes, 'large ');
  const all = function* (): Generator<Uint8Array> {
    for (let at = 0; at < largeBytes; at += pieceBytes) yield piece;
  };
  const digest = createHash('sha256');
  for (const part of all()) digest.update(part);
  const want = digest.digest();
  const ms = clock();
  await put(parts, 'content', want, all(), largeBytes);
  return ms();
}

async function put(
  { vault, uploads }: Parts,
  kind: EvidenceKind,
  digest: Uint8Array,
  content: Iterable<Uint8Array>,
  sizeBytes: number,
  key?: Uint8Array,
): Promise<void> {
  const channelId = toHex(new Uint8Array(32));
  const declared = { kind, digest: toHex(digest), sizeBytes };
  const { id } = await uploads.create(channelId, declared, key);
  await uploads.append(channelId, id, 0, content, key);
  await uploads.markTaken(id, await vault.take(await uploads.finished(channelId, id)));
  await uploads.forgetTaken(channelId, declared.digest);
}

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

function clock(): () => number {
  const startMs = performance.now();
  return () => performance.now() - startMs;
}

function perSecond(items: number, ms: number): number {
  return items / (ms / 1000);
}
