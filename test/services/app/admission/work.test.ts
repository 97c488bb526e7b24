import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { Work } from '../../../../services/app/admission/work/Work.ts';
import { type Packet, packetSchema, seedOf } from '../../../../services/core/admission/packet.ts';
import { type Address, concat, type Hash, toHex, utf8 } from '../../../../services/core/bytes.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';

type Vectors = {
  manifest: string;
  candidate: Address;
  packets: { packet: Packet; seed: Hash; writtenSha256?: Hash; values: Hash[] }[];
};

const nonce = toHex(new Uint8Array(32).fill(5));
const seed = new Uint8Array(32).fill(6);

describe('Work', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let work: Work;
  let vectors: Vectors;
  before(async () => {
    vectors = JSON.parse(
      await readFile(new URL('../../../vectors/admission.json', import.meta.url), 'utf8'),
    ) as Vectors;
  });
  beforeEach(async () => {
    folder = await temporaryFolder();
    work = new Work({ folder: folder.path });
  });
  afterEach(async () => {
    await work.close();
    await folder[Symbol.asyncDispose]();
  });

  it('answers packets as the vectors say, which others have computed', async () => {
    const { manifest, candidate, packets } = vectors;
    for (const { packet, seed: want, values } of packets) {
      expect(packetSchema.parse(packet)).to.deep.equal(packet);
      const start = seedOf(packet, utf8(manifest), candidate);
      expect(toHex(start)).to.equal(want);
      expect(await work.run(packet, start), packet.check).to.deep.equal(values);
    }
    expect(packets.map(({ packet }) => packet.check)).to.include.members([
      'manifest',
      'hashing',
      'memory',
      'disk-read',
    ]);
    expect(readdirSync(folder.path)).to.deep.equal([]);
  });

  it('hashes as node:crypto does, whatever the lengths of the stretches', async () => {
    for (const [checkpoints, checkpointEvery] of [
      [1, 1],
      [5, 3],
      [2, 500],
    ] as const) {
      const packet: Packet = { check: 'hashing', index: 0, nonce, windowMs: 1, checkpoints, checkpointEvery };
      let value: Uint8Array = seed;
      const want = Array.from({ length: checkpoints }, () => {
        value = concat(value, seed);
        for (let done = 0; done < checkpointEvery; done++) value = createHash('sha256').update(value).digest();
        return toHex(value);
      });
      expect(await work.run(packet, seed)).to.deep.equal(want);
    }
  });

  it('says how far it is', async () => {
    const packet: Packet = {
      check: 'hashing',
      index: 0,
      nonce,
      windowMs: 1,
      checkpoints: 256,
      checkpointEvery: 10_000,
    };
    const seen: number[] = [];
    await work.run(packet, seed, { onProgress: (done) => seen.push(done) });
    expect(seen.length).to.be.greaterThan(1);
    expect(seen).to.deep.equal([...seen].sort((a, b) => a - b));
    expect(Math.min(...seen)).to.be.greaterThan(0);
    expect(Math.max(...seen)).to.be.at.most(1);
  });

  it('ends at once when it is cancelled, whatever it does, and leaves no file', async () => {
    const endless: Packet[] = [
      { check: 'hashing', index: 0, nonce, windowMs: 1, checkpoints: 256, checkpointEvery: 1_000_000 },
      { check: 'disk-write', index: 1, nonce, windowMs: 1, mebibytes: 512 },
    ];
    for (const packet of endless) {
      const stop = new AbortController();
      const reason = new Error('enough');
      const run = work.run(packet, seed, {
        signal: stop.signal,
        onProgress: () => stop.abort(reason),
      });
      const thrown = await run.then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(thrown, packet.check).to.equal(reason);
      expect(readdirSync(folder.path)).to.deep.equal([]);
    }
    const next: Packet = { check: 'manifest', index: 0, nonce, windowMs: 1 };
    expect(await work.run(next, seed)).to.deep.equal([toHex(seed)]);
    const stopped = AbortSignal.abort(new Error('before'));
    const before = await work.run(next, seed, { signal: stopped }).catch((error: Error) => error.message);
    expect(before).to.equal('before');
  });

  it('removes names that an earlier process has left over, and nothing else', async () => {
    for (const name of ['.admission-0123.tmp', 'kept']) writeFileSync(join(folder.path, name), '');
    await work.run({ check: 'disk-write', index: 0, nonce, windowMs: 1, mebibytes: 1 }, seed);
    expect(readdirSync(folder.path)).to.deep.equal(['kept']);
  });

  it('asks whether there is room first', async () => {
    // More than any disk has: a bound of the wire does not stop who calls it so.
    const packet = { check: 'disk-write', index: 0, nonce, windowMs: 1, mebibytes: 2 ** 40 } as const;
    const { data } = await expectCode('storage-full', work.run(packet, seed));
    expect(data.have as number).to.be.lessThan(data.want as number);
  });

  it('says so where the machine does not give the memory', function () {
    // Only there a process can be kept from more memory than it needs to start.
    if (process.platform !== 'linux') this.skip();
    const memory = new URL('../../../../services/app/admission/work/memory.ts', import.meta.url).href;
    const script = `import(${JSON.stringify(memory)}).then(({ memoryPass }) => {
      try { memoryPass(new Uint8Array(32), new Uint8Array(32), 2048); } catch ({ code, data }) { console.log(JSON.stringify({ code, data })); }
    })`;
    const limited = ['-c', 'ulimit -d 1200000 && exec "$0" "$@"', process.execPath];
    const run = spawnSync('sh', [...limited, '--disable-warning=ExperimentalWarning', '-e', script], {
      encoding: 'utf8',
    });
    const data = { check: 'memory', want: 2048, unit: 'MiB' };
    expect(JSON.parse(run.stdout || '{}'), run.stderr).to.deep.equal({ code: 'candidate-too-slow', data });
  });

  it('reads back nothing that it has not written', async () => {
    await expectCode('internal', work.run({ check: 'disk-read', index: 0, nonce, windowMs: 1 }, seed));
  });
});
