import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import { eachEvidence, type Sendables } from '../../../../services/app/channels/send/evidence.ts';
import { SendQueue } from '../../../../services/app/channels/send/SendQueue.ts';
import { sendEach } from '../../../../services/app/channels/send/sendEach.ts';
import type { FileToSend, SentOutcome } from '../../../../services/app/channels/send/sendFiles.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { until } from '../../../support/until.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('sending a stream of many', () => {
  let folder: string;
  let windows: string[][];
  /** Holds the sending back until it is opened. */
  let gate: { readonly opened: Promise<void>; open(): void };
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'notarium-stream-'));
    windows = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = { opened: promise, open: resolve };
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const names = (files: readonly FileToSend[]): string[] => files.map(({ name, path }) => name ?? path);
  const queue = (): SendQueue =>
    new SendQueue(async (files) => {
      windows.push(names(files));
      await gate.opened;
      return files.map(({ name, path, digest }) => ({ path: name ?? path, status: 'preserved', digest }));
    });
  const send = (given: Sendables, options: { queue?: SendQueue; signal?: AbortSignal } = {}) =>
    sendEach(
      { queue: options.queue ?? queue(), spool: join(folder, 'spool'), signal: options.signal },
      eachEvidence(given),
    );
  const all = (outcomes: AsyncIterable<SentOutcome>): Promise<SentOutcome[]> => Array.fromAsync(outcomes);

  it('tells of a content before the next one comes', async () => {
    gate.open();
    const told: string[] = [];
    async function* source() {
      yield { content: bytes('one'), name: 'one' };
      await until('the first is told', () => told.includes('one'));
      yield { content: bytes('two'), name: 'two' };
    }
    for await (const { path } of send(source())) told.push(path);
    expect(told).to.deep.equal(['one', 'two']);
  });

  it('sends the first at once, and together what has come meanwhile; outcomes keep the order', async () => {
    const contents = Array.from({ length: 50 }, (_, index) => ({ content: bytes(`${index}`), name: `${index}` }));
    const sent = all(send(contents));
    await until('the first is on its way', () => windows.length === 1);
    gate.open();
    expect((await sent).map(({ path }) => path)).to.deep.equal(contents.map(({ name }) => name));
    expect(windows.flat()).to.have.length(50);
    expect(windows.length).to.be.at.most(5);
  });

  it('never sends two windows at a time, also for several callers', async () => {
    let [running, most] = [0, 0];
    const one = new SendQueue(async (files) => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
      return files.map(({ path, digest }) => ({ path, status: 'kept', digest }));
    });
    await Promise.all(Array.from({ length: 20 }, (_, index) => all(send(bytes(`${index}`), { queue: one }))));
    expect(most).to.equal(1);
  });

  it('takes no more than it can hold while nothing gets through', async () => {
    let taken = 0;
    async function* source() {
      for (;;) {
        taken++;
        yield { content: new Uint8Array(1 << 20).fill(taken) };
      }
    }
    const outcomes = send(source());
    const first = outcomes.next();
    await until('it has taken what it holds', () => taken >= 65);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    // 64 that are held, and one that was asked for meanwhile.
    expect(taken).to.equal(65);
    gate.open();
    expect((await first).value).to.include({ status: 'preserved' });
    await outcomes.return();
  });

  it('keeps a stream on the disk until it is sent, and the same bytes whoever reads into them again', async () => {
    await writeFile(join(folder, 'file'), 'streamed');
    const memory = Buffer.from('first');
    async function* source() {
      yield memory;
      memory.write('again');
      yield memory;
      yield { content: createReadStream(join(folder, 'file')), name: 'stream' };
    }
    const found: (string | undefined)[] = [];
    const reading = new SendQueue(async (files) => {
      for (const file of files) found.push(file.bytes ? Buffer.from(file.bytes).toString() : undefined);
      const streamed = files.find(({ name }) => name === 'stream');
      if (streamed) expect(await readdir(join(folder, 'spool'))).to.have.length(1);
      return files.map(({ path, digest }) => ({ path, status: 'preserved', digest }));
    });
    await all(send(source(), { queue: reading }));
    expect(found).to.deep.equal(['first', 'again', undefined]);
    expect(await readdir(join(folder, 'spool'))).to.deep.equal([]);
  });

  it('walks folders without the receipts in them, and goes on after what cannot be read', async () => {
    await mkdir(join(folder, 'in'));
    for (const name of ['a.txt', 'a.txt.receipt.json', 'b.txt']) await writeFile(join(folder, 'in', name), name);
    gate.open();
    const outcomes = await all(send([join(folder, 'missing'), join(folder, 'in')]));
    expect(outcomes.map(({ path, status }) => [path, status])).to.deep.equal([
      [join(folder, 'missing'), 'failed'],
      [join(folder, 'in', 'a.txt'), 'preserved'],
      [join(folder, 'in', 'b.txt'), 'preserved'],
    ]);
  });

  it('refuses a stream whose pieces would become contents, and what is none', async () => {
    await expectCode('request-invalid', () => all(send(Readable.from([bytes('a')], { objectMode: false }) as never)));
    await expectCode('request-invalid', () => all(send([7] as never)));
    await expectCode('request-invalid', () => all(send({} as never)));
    await expectCode('request-invalid', () => all(send('')));
    const [text] = await all(send({ content: Readable.from(['text']) as never, name: 'text' }));
    expect(text)
      .to.include({ path: 'text', status: 'failed' })
      .and.have.nested.property('error.code', 'request-invalid');
  });

  it('ends with its signal, and with what the source throws', async () => {
    const stop = new AbortController();
    const waiting = all(send(bytes('x'), { signal: stop.signal }));
    await until('it is on its way', () => windows.length === 1);
    stop.abort(new Error('enough'));
    expect(await waiting.catch((error: Error) => error.message)).to.equal('enough');
    async function* broken() {
      yield bytes('y');
      throw new Error('the source is broken');
    }
    expect(await all(send(broken())).catch((error: Error) => error.message)).to.equal('the source is broken');
  });
});
