import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { launcher } from '../../scripts/support/launcher.ts';
import type { Address } from '../../services/core/bytes.ts';
import { parseChannelReceipt } from '../../services/core/channels/channelReceipt.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';
import { type CentreProcess, centreKeys, startListening } from '../support/centreProcess.ts';
import { devAddress, devKey, type RunningChain, startChain } from '../support/chains.ts';
import { deployChannels } from '../support/channels.ts';
import { freePorts } from '../support/freePorts.ts';
import { until } from '../support/until.ts';

type Finished = { code: number | null; json: Record<string, unknown>; output: string };

const node = [process.execPath, '--disable-warning=ExperimentalWarning', launcher];
const requesterKey = `0x${Buffer.from(devKey(3)).toString('hex')}`;

describe('evidence channels by commands', () => {
  let chain: RunningChain;
  let contract: Address;
  let folder: string;
  let port: number;
  let verifier: CentreProcess;
  let account: Address;

  const place = (): string[] => ['--data', join(folder, 'home'), '--rpc', chain.rpcUrl, '--key', requesterKey];
  const begin = (...args: string[]): { child: ChildProcess; done: Promise<Finished> } => {
    const [command, ...rest] = [...node, ...args, '--json'];
    const env = { ...process.env, NOTARIUM_CHANNELS: contract, HOME: folder };
    const child = spawn(command!, rest, { stdio: ['ignore', 'pipe', 'pipe'], env });
    let output = '';
    let stdout = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      stdout += chunk;
    });
    child.stderr!.on('data', (chunk: Buffer) => {
      output += chunk;
    });
    const done = once(child, 'close').then(([code]) => ({
      code: code as number | null,
      json: (stdout.startsWith('{') ? JSON.parse(stdout) : {}) as Record<string, unknown>,
      output: output + stdout,
    }));
    return { child, done };
  };
  const run = (...args: string[]): Promise<Finished> => begin(...args).done;
  const startVerifier = async (): Promise<CentreProcess> =>
    await startListening([
      ...node,
      ...['verifier', '--data', join(folder, 'verifier'), '--policy', join(folder, 'policy.json')],
      ...['--password-file', join(folder, 'verifier', 'password'), '--rpc', chain.rpcUrl, '--channels', contract],
      ...['--port', String(port), '--no-rate-limit', '--log-level', 'warn'],
    ]);

  before(async () => {
    chain = await startChain({ kind: 'anvil' });
    ({ contract } = (await deployChannels(chain.rpcUrl)).network);
    folder = await mkdtemp(join(tmpdir(), 'notarium-channels-'));
    [port] = (await freePorts(1)) as [number];
    const prices = { perItem: '1000000000', perMebibyte: '5000000000' };
    const challengeSeconds = { least: 60, most: 86_400 };
    await writeFile(join(folder, 'policy.json'), JSON.stringify({ prices, challengeSeconds }));
    account = (await centreKeys(join(folder, 'verifier'))).address;
    await jsonRpc(chain.rpcUrl)('anvil_setBalance', [account, '0xde0b6b3a7640000']);
    verifier = await startVerifier();
    await mkdir(join(folder, 'files', 'more'), { recursive: true });
    for (let index = 0; index < 20; index++)
      await writeFile(join(folder, 'files', index % 2 ? 'more' : '', `file-${index}.txt`), `evidence ${index}\n`);
    await writeFile(join(folder, 'files', 'large.bin'), randomBytes(24 << 20));
  });
  after(async () => {
    await verifier?.stop();
    await chain?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('preserve a folder through kills of either side, settle, and prove every file', async () => {
    const opened = await run('channel', 'open', ...place(), '--url', verifier.url, '--amount', '0.1ether');
    expect(opened.code, opened.output).to.equal(0);
    expect(opened.json).to.have.nested.property('channel.requester', devAddress(3));
    const files = join(folder, 'files');
    const ledger = join(folder, 'home', 'requester', String(opened.json.channelId), 'sent.jsonl');

    const first = begin('channel', 'send', files, ...place());
    await until('an upload has begun', async () =>
      (await readFile(ledger, 'utf8').catch(() => '')).includes('"upload"'),
    );
    first.child.kill('SIGKILL');
    await first.done;

    const second = begin('channel', 'send', files, ...place());
    await until(
      'evidence is on its way',
      async () => (await readdir(join(folder, 'verifier', 'channels', 'uploads'))).length > 0,
    );
    await verifier.kill();
    verifier = await startVerifier();
    const sent = await second.done;
    expect(sent.code, sent.output).to.equal(0);
    expect(sent.json).to.include({ failed: 0, receipts: 21 });

    const again = await run('channel', 'send', files, ...place());
    expect(again.json, again.output).to.include({ kept: 21, preserved: 0, failed: 0 });

    const offline = await run('verify', join(files, 'file-0.txt'), join(files, 'file-0.txt.receipt.json'), '--offline');
    expect(offline.code, offline.output).to.equal(0);

    const closed = await run('channel', 'close', ...place());
    expect(closed.code, closed.output).to.equal(0);
    expect(closed.json).to.include({ status: 'settled' });
    const all = (await readdir(files, { recursive: true })).filter((name) => /\.(txt|bin)$/.test(name));
    expect(all).to.have.length(21);
    for (const name of all) {
      const path = join(files, name);
      const receipt = parseChannelReceipt(await readFile(`${path}.receipt.json`));
      expect(receipt.settlement?.kind).to.equal('settled');
      const online = await run('verify', path, `${path}.receipt.json`, '--rpc', chain.rpcUrl, '--verifier', account);
      expect(online.code, online.output).to.equal(0);
    }
    const altered = join(folder, 'altered.bin');
    const bytes = await readFile(join(files, 'large.bin'));
    bytes[12_345_678]! ^= 1;
    await writeFile(altered, bytes);
    const refused = await run('verify', altered, join(files, 'large.bin.receipt.json'), '--offline');
    expect(refused.code, refused.output).to.equal(96);
  });
});
