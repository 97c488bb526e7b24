import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ActivityPlace, delivered, send, start, startText, textOf } from './activityRequests.ts';
import { residentBytes } from './metrics.ts';

/** Largest resident memory, in bytes, up to the first part of a way, up to its middle, and up to its end. */
type Peaks = readonly [number, number, number];

/** One way of a file: how long it took, and the memory of both centres. */
export type FileWay = { readonly seconds: number; readonly sender: Peaks; readonly receiver: Peaks };

/** A file on its way into the first centre, from there to the second one, and out of that. */
export type FileRun = { readonly upload: FileWay; readonly fetch: FileWay; readonly download: FileWay };

type Ends = { readonly sender: ActivityPlace; readonly receiver: ActivityPlace };
type Sizes = { readonly sizeBytes: number; readonly settledBytes: number };

const sampleMs = 50;
const pieceBytes = 256 * 1024;

/** Uploads a file, multicasts the activity that names it, and downloads it at the other member. */
export async function sendFile(places: readonly ActivityPlace[], sizes: Sizes): Promise<FileRun> {
  const [sender, receiver] = places as [ActivityPlace, ActivityPlace];
  const ends = { sender, receiver };
  const { sizeBytes } = sizes;
  const digest = createHash('sha256');
  let sentBytes = 0;
  async function* content(): AsyncGenerator<Buffer> {
    for (; sentBytes < sizeBytes; sentBytes += pieceBytes) {
      const piece = Buffer.alloc(Math.min(pieceBytes, sizeBytes - sentBytes), `a file from ${sentBytes} on `);
      digest.update(piece);
      yield piece;
    }
  }
  const upload = watch(ends, sizes, () => sentBytes);
  const kept = await send(sender, {
    ...{ method: 'POST', path: '/v1/activity-attachments', body: Readable.from(content(), { objectMode: false }) },
    headers: { 'attachment-name': 'a%20file', 'content-length': String(sizeBytes) },
  });
  const attachment = JSON.parse(await textOf(kept)) as object;
  const uploaded = await upload.end();
  const sent = await start(sender, startText([sender, receiver], sender, { see: 'the file' }, [attachment]));
  await delivered(sent, 1);
  // It is fetched from the sender as a whole before the first byte of it comes out.
  const fetching = watch(ends, sizes, () => arrivedAt(receiver));
  const path = `/v1/activities/${sent.activity}/messages/${sent.message}/attachments/0`;
  const answer = await send(receiver, { method: 'GET', path });
  const fetched = await fetching.end();
  let gotBytes = 0;
  const got = createHash('sha256');
  const download = watch(ends, sizes, () => gotBytes);
  for await (const chunk of answer) {
    got.update(chunk as Buffer);
    gotBytes += (chunk as Buffer).length;
  }
  const downloaded = await download.end();
  if (!got.digest().equals(digest.digest())) throw new Error('what was downloaded is another file');
  return { upload: uploaded, fetch: fetched, download: downloaded };
}

/** Looks at the memory of both again and again until the end. */
function watch(
  ends: Ends,
  { sizeBytes, settledBytes }: Sizes,
  placeNow: () => Promise<number> | number,
): { end(): Promise<FileWay> } {
  const startMs = performance.now();
  const peaks = { sender: [0, 0, 0] as [number, number, number], receiver: [0, 0, 0] as [number, number, number] };
  let part = 0;
  let isOver = false;
  const loop = (async () => {
    for (;;) {
      const isLast = isOver;
      const place = isLast ? sizeBytes : await placeNow();
      // A file that has arrived is not among those that arrive any more.
      part = Math.max(part, place <= settledBytes ? 0 : place <= sizeBytes / 2 ? 1 : 2);
      for (const name of ['sender', 'receiver'] as const)
        peaks[name][part] = Math.max(peaks[name][part]!, await residentBytes(ends[name].pid));
      if (isLast) return;
      await sleep(sampleMs);
    }
  })();
  return {
    async end() {
      const seconds = (performance.now() - startMs) / 1000;
      isOver = true;
      await loop;
      return { seconds, ...peaks };
    },
  };
}

/** Bytes that have arrived of the only attachment that is on its way. */
async function arrivedAt({ arrivals }: ActivityPlace): Promise<number> {
  const names = await readdir(arrivals);
  const gone = (): number => 0;
  const sizes = await Promise.all(names.map((name) => stat(join(arrivals, name)).then(({ size }) => size, gone)));
  return Math.max(0, ...sizes);
}
