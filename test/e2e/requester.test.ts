import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect } from 'chai';
import { anvilControl } from '../support/anvil.ts';
import { type RequesterCommands, startRequesterCommands } from '../support/requesterCommands.ts';
import { until } from '../support/until.ts';

/** A JSON-RPC that takes no transaction: who sends one waits for ever. */
async function holdingRpc(rpcUrl: string) {
  let held = 0;
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    if (body.includes('eth_sendRawTransaction')) {
      held++;
      return;
    }
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(rpcUrl, { method: 'POST', body, headers });
    response.writeHead(answer.status, headers).end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    held: () => held,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe('a requester that is interrupted', () => {
  let at: RequesterCommands;

  const terms = (amount: string): [string, ...string[]] => ['open', '--url', at.verifier.url, '--amount', amount];
  const held = async (): Promise<bigint> =>
    BigInt((await anvilControl(at.chain.rpcUrl).rpc('eth_getBalance', [at.contract, 'latest'])) as string);
  const channels = async (): Promise<string[]> =>
    (await readdir(join(at.folder, 'home', 'requester'))).filter((name) => name.startsWith('0x'));
  const written = async (name: string, count: number): Promise<string> => {
    const folder = join(at.folder, name);
    await mkdir(folder, { recursive: true });
    for (let index = 0; index < count; index++) await writeFile(join(folder, `${index}.txt`), `${name} ${index}\n`);
    return folder;
  };

  before(async () => {
    at = await startRequesterCommands();
  });
  afterEach(() => rm(join(at.folder, 'home'), { recursive: true, force: true }));
  after(() => at?.stop());

  it('before its deposit has left: the same command pays it, once', async () => {
    const rpc = await holdingRpc(at.chain.rpcUrl);
    const before = await held();
    const first = at.beginChannel(...terms('1000gwei'), '--rpc', rpc.url);
    try {
      await until('the deposit is about to leave', () => rpc.held() > 0);
    } finally {
      first.child.kill('SIGKILL');
      rpc.close();
    }
    await first.done;
    const [channelId] = await channels();
    expect((await at.channel('status')).json).to.deep.include({ ok: true, channelId, status: 'not-opened' });
    const sent = await at.channel('send', await written('none', 1));
    expect(sent.json, sent.output).to.have.nested.property('error.code', 'channel-not-opened');

    const again = await at.channel(...terms('1000gwei'));
    expect(again.json, again.output).to.include({ ok: true, channelId });
    expect((await held()) - before).to.equal(1_000_000_000_000n);
    expect((await at.channel('status')).json).to.include({ status: 'open', version: 0 });
    // What is open stays open: the same terms once more are another channel.
    const other = await at.channel(...terms('1000gwei'));
    expect(other.json, other.output).to.include({ ok: true });
    expect(other.json.channelId).not.to.equal(channelId);
    expect(await channels()).to.have.length(2);
  });

  for (const how of ['the same command', 'a look at its status'] as const) {
    it(`while its deposit is on the way: ${how} finds it`, async () => {
      const anvil = anvilControl(at.chain.rpcUrl);
      const before = await held();
      await anvil.automine(false);
      try {
        const first = at.beginChannel(...terms('2000gwei'));
        await until('it is sent', async () => (await anvil.pending()).length > 0);
        first.child.kill('SIGKILL');
        await first.done;
        const [channelId] = await channels();
        if (how === 'the same command') {
          const again = at.beginChannel(...terms('2000gwei'));
          const mined = until('it is found', async () => {
            await anvil.mine(1);
            return again.child.exitCode !== null;
          });
          expect((await again.done).json).to.include({ ok: true, channelId });
          await mined;
        } else await anvil.mine(1);
        expect(await channels()).to.deep.equal([channelId]);
        expect((await at.channel('status')).json).to.include({ channelId, status: 'open' });
        expect((await held()) - before).to.equal(2_000_000_000_000n);
      } finally {
        await anvil.automine(true);
      }
    });
  }

  it('works on a channel by one process at a time, and a killed one holds nobody up', async () => {
    const { channelId } = (await at.channel(...terms('0.01ether'))).json;
    const files = await written('two', 3);
    // It waits for a verifier that is away.
    await at.verifier.stop();
    const first = at.beginChannel('send', files);
    await until('it holds the channel', async () =>
      (await readdir(at.channelFolder(String(channelId)))).includes('sent.jsonl'),
    );
    const second = await at.channel('send', files);
    expect(second.json, second.output).to.have.nested.property('error.code', 'store-locked');
    expect(second.json).to.have.nested.property('error.data.pid', first.child.pid);
    expect(first.child.exitCode).to.equal(null);
    first.child.kill('SIGKILL');
    await first.done;
    await at.startVerifier();
    const third = await at.channel('send', files);
    expect(third.json, third.output).to.include({ preserved: 3, failed: 0 });
  });

  it('keeps a second verifier out of its folder until the first is gone, also by kill -9', async () => {
    const code = await at.startVerifier().then(
      () => 'started',
      (error: Error) => error.message,
    );
    expect(code).to.include('store-locked');
    await at.verifier.kill();
    await at.startVerifier();
  });

  it('has its second statement beside the evidence, also where a kill has come first', async () => {
    await at.channel(...terms('0.01ether'));
    expect((await at.channel('send', await written('beside', 2))).json).to.include({ preserved: 2 });
    const channels = join(at.folder, 'verifier', 'channels');
    const evidence = join(channels, 'evidence');
    const documents = (await readdir(evidence, { recursive: true })).filter((name) => name.endsWith('.json'));
    const read = async (name: string) =>
      JSON.parse(await readFile(join(evidence, name), 'utf8')) as { statements: object[] };
    await at.verifier.kill();
    for (const name of documents) {
      const document = await read(name);
      const first = { ...document, statements: document.statements.slice(0, 1) };
      await writeFile(join(evidence, name), JSON.stringify(first));
    }
    await at.startVerifier();
    await until('all are there', async () =>
      (await Promise.all(documents.map(read))).every(({ statements }) => statements.length === 2),
    );
    expect(documents.length).to.be.greaterThan(1);
    // Where it is stopped before it has looked at all channels, the next start goes on.
    await until('it knows that none is missing', async () => {
      await at.verifier.stop();
      const isKnown = !(await readdir(channels)).includes('statements-behind');
      await at.startVerifier();
      return isKnown;
    });
  });

  it('gets its evidence from the verifier, and writes only what is what its digest says', async () => {
    const { channelId } = (await at.channel(...terms('0.01ether'))).json;
    const files = await written('evidence', 3);
    expect((await at.channel('send', files)).json).to.include({ preserved: 3 });
    const content = await readFile(join(files, '1.txt'));
    const digest = createHash('sha256').update(content).digest('hex');
    const get = (name: string, ...args: string[]) =>
      at.run(
        ...['evidence', 'get', name, '--data', join(at.folder, 'home'), '--key', at.requesterKey],
        ...['-o', join(at.folder, 'got'), ...args],
      );
    const found = await get(digest, '--verifier');
    expect(found.json, found.output).to.include({ ok: true, kind: 'content', sizeBytes: content.length });
    expect(await readFile(join(at.folder, 'got'))).to.deep.equal(content);
    await rm(join(at.folder, 'got'));
    const ledger = await readFile(join(at.channelFolder(String(channelId)), 'sent.jsonl'), 'utf8');
    const { bill } = JSON.parse(ledger.split('\n').find((line) => line.includes('"members"'))!) as { bill: string };
    const whole = await get(bill, '--verifier', at.verifier.url, '--channel', String(channelId).slice(0, 10));
    expect(whole.json, whole.output).to.include({ ok: true, kind: 'pack' });
    await rm(join(at.folder, 'got'));

    const lies = createServer((request, response) => {
      const isShort = request.url!.includes(bill);
      response.writeHead(200, { 'content-length': content.length });
      if (isShort) response.write(content.subarray(0, 5), () => response.destroy());
      else response.end(Buffer.from(content).fill(0x20, 0, 1));
    });
    await new Promise<void>((done) => lies.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(lies.address() as { port: number }).port}`;
    try {
      const refused: [string, string[], string][] = [
        ['evidence-corrupt', [digest, '--verifier', url], 'other bytes'],
        ['server-unreachable', [bill, '--verifier', url], 'half of it'],
        ['evidence-not-found', ['00'.repeat(32), '--verifier'], 'not of this channel'],
        ['usage-invalid', [digest, '--channel', String(channelId)], 'no verifier'],
        ['key-missing', [digest, '--verifier', '--key', `0x${'11'.repeat(32)}`], 'the key of somebody else'],
      ];
      for (const [code, [name, ...args], what] of refused) {
        const failed = await get(name!, ...args);
        expect(failed.json, `${what}: ${failed.output}`).to.have.nested.property('error.code', code);
        expect((await readdir(at.folder)).filter((left) => left.startsWith('got'))).to.deep.equal([]);
      }
    } finally {
      lies.close();
    }
  });

  it('gets back what a restored backup lacks, and pays for nothing again', async () => {
    await at.channel(...terms('0.01ether'));
    const [early, late] = [await written('early', 3), await written('late', 5)];
    expect((await at.channel('send', early)).json).to.include({ preserved: 3 });
    const [home, backup] = [join(at.folder, 'home'), join(at.folder, 'backup')];
    await cp(home, backup, { recursive: true });
    expect((await at.channel('send', late)).json).to.include({ preserved: 5 });
    await writeFile(join(late, 'one more.txt'), 'one more\n');
    expect((await at.channel('send', late)).json).to.include({ preserved: 1, kept: 5 });
    const before = (await at.channel('status')).json;
    expect(before).to.include({ evidenceCount: 3 });
    for (const folder of [early, late])
      for (const name of await readdir(folder)) if (name.endsWith('.receipt.json')) await rm(join(folder, name));

    await rm(home, { recursive: true });
    await cp(backup, home, { recursive: true });
    const restored = await at.channel('send', early, late);
    expect(restored.json, restored.output).to.include({ kept: 9, preserved: 0, failed: 0, receipts: 9 });
    expect((await at.channel('status')).json).to.include({ evidenceCount: 3, verifierBalance: before.verifierBalance });
    for (const name of ['0.txt', '4.txt', 'one more.txt']) {
      const path = join(late, name);
      const verified = await at.run('verify', path, `${path}.receipt.json`, '--offline');
      expect(verified.code, verified.output).to.equal(0);
    }
    expect((await at.channel('close')).json).to.include({ status: 'settled', evidenceCount: 3 });
  });
});
