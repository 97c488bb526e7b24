import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { root } from '../../scripts/support/ensureBuilt.ts';
import { launcher } from '../../scripts/support/launcher.ts';
import { fund } from '../../scripts/support/localCentre.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';
import { centreKeys, statusOf } from '../support/centreProcess.ts';
import { deployNotarium, startChain } from '../support/chains.ts';
import { freePorts } from '../support/freePorts.ts';
import { expectFree, listener, type Started, startScript } from '../support/startScript.ts';

describe('npm start', () => {
  let base: string;
  const children: ChildProcess[] = [];

  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'notarium start '));
  });
  afterEach(() => {
    // Only what a failed test left behind is still there.
    for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGTERM');
  });
  after(() => rm(base, { recursive: true, force: true }));

  function start(...args: string[]): Started {
    const started = startScript(base, ...args);
    children.push(started.child);
    return started;
  }

  const running = (started: Started): Promise<void> => started.said('Notarium is running');

  const freePort = async (): Promise<number> => (await freePorts(1))[0]!;

  const notarium = (...args: string[]): Promise<{ code: number | null; output: string }> =>
    command(['--disable-warning=ExperimentalWarning', launcher, ...args]);

  function command(args: string[], env: Record<string, string> = {}): Promise<{ code: number | null; output: string }> {
    const child = spawn(process.execPath, args, {
      cwd: base,
      env: { ...process.env, HOME: base, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    return once(child, 'close').then(([code]) => ({ code: code as number | null, output }));
  }

  it('names the port that is taken, and the flag that chooses another one', async () => {
    const taken = await listener();
    const { port } = taken.address() as { port: number };
    for (const [flag, args] of [
      ['--port', ['--port', String(port), '--chain-port', String(await freePort())]],
      ['--chain-port', ['--chain-port', String(port), '--port', String(await freePort())]],
    ] as const) {
      const started = start(...args);
      expect(await started.ended).to.equal(54);
      expect(started.output()).to.include(`port-taken`).and.include(`127.0.0.1:${port}`).and.include(`${flag} PORT`);
    }
    await new Promise((resolve) => taken.close(resolve));
  });

  it('runs on Hardhat: what it prints can be pasted, Ctrl-C ends all, and the next network has a folder of its own', async () => {
    const [port, chainPort] = [String(await freePort()), String(await freePort())];
    const first = start('--port', port, '--chain-port', chainPort);
    await running(first);
    expect(first.output()).to.include('npx notarium notarize README.md --wait --force');
    await writeFile(join(base, 'a file.txt'), 'some content');
    const url = `http://127.0.0.1:${port}`;
    const notarized = await notarium('notarize', 'a file.txt', '--wait', '--url', url);
    expect(notarized.code, notarized.output).to.equal(0);
    const rpc = `http://127.0.0.1:${chainPort}`;
    const verified = await notarium('verify', 'a file.txt', 'a file.txt.receipt.json', '--rpc', rpc);
    expect(verified.code, verified.output).to.equal(0);
    const offline = await notarium('verify', 'a file.txt', 'a file.txt.receipt.json', '--offline');
    expect(offline.code, offline.output).to.equal(0);
    await writeFile(join(base, 'a file.txt'), 'some c0ntent');
    expect((await notarium('verify', 'a file.txt', 'a file.txt.receipt.json', '--offline')).code).to.equal(11);

    const [channels] = /(?<=channels +)0x[0-9a-f]{40}/.exec(first.output()) ?? [];
    expect(await jsonRpc(rpc)('eth_getCode', [channels, 'latest'])).to.have.length.greaterThan(1000);
    const giver = join(root, 'scripts/fund.ts');
    const funded = await command(['--disable-warning=ExperimentalWarning', giver], { NOTARIUM_RPC_URL: rpc });
    expect(funded.output).to.match(/^0x[0-9a-f]{40} has 100\.0 ether\n$/);
    expect(await readdir(join(base, '.notarium'))).to.include('client-key');
    const nobody = await command(['--disable-warning=ExperimentalWarning', giver, 'nobody'], { NOTARIUM_RPC_URL: rpc });
    expect(nobody).to.deep.include({ code: 1 }).and.have.property('output').that.includes('key-missing');

    first.child.kill('SIGINT');
    expect(await first.ended, first.output()).to.equal(0);
    // Both ports are free again: nothing was left running.
    await expectFree(port, chainPort);

    const second = start('--port', port, '--chain-port', chainPort);
    await running(second);
    expect((await statusOf(url)).log.size).to.equal(0);
    expect((await readdir(join(base, '.notarium'))).filter((name) => name.startsWith('hardhat-'))).to.have.length(2);
    // It has a contract address of its own, so what clients have pinned of the first network does not get in the way.
    const again = await notarium('notarize', 'a file.txt', '--url', url, '--out', join(base, 'second'));
    expect(again.code, again.output).to.equal(0);
    second.child.kill('SIGTERM');
    expect(await second.ended).to.equal(0);
  });

  it('has a Hardhat chain whose clock stays right, however many blocks come in a second', async () => {
    await using chain = await startChain({ kind: 'hardhat' });
    const rpc = jsonRpc(chain.rpcUrl);
    const [from] = (await rpc('eth_accounts', [])) as string[];
    for (let block = 0; block < 20; block++) await rpc('eth_sendTransaction', [{ from, to: from }]);
    const { timestamp } = (await rpc('eth_getBlockByNumber', ['latest', false])) as { timestamp: string };
    // A centre beside it would say `clock-skewed`.
    expect(Number(timestamp)).to.be.at.most(Date.now() / 1000 + 1);
  });

  it('has a Hardhat chain whose clock is right, however long it took to start', async () => {
    await using chain = await startChain({ kind: 'hardhat', args: ['--config', 'test/support/slowHardhat.config.ts'] });
    const rpc = jsonRpc(chain.rpcUrl);
    const timeOf = async (block: string): Promise<number> =>
      Number(((await rpc('eth_getBlockByNumber', [block, false])) as { timestamp: string }).timestamp);
    expect(await timeOf('0x0')).to.be.below(Date.now() / 1000 - 50);
    const earliest = Math.floor(Date.now() / 1000);
    // Neither for the time of one block only.
    await rpc('evm_mine', []);
    expect(await timeOf('pending'))
      .to.be.at.least(earliest - 1)
      .and.at.most(Date.now() / 1000 + 1);
  });

  it('goes on where it stopped with --chain anvil', async () => {
    const [port, chainPort] = [String(await freePort()), String(await freePort())];
    const args = ['--chain', 'anvil', '--port', port, '--chain-port', chainPort, '--data', 'kept'];
    const url = `http://127.0.0.1:${port}`;
    const first = start(...args);
    await running(first);
    await writeFile(join(base, 'kept.txt'), 'kept');
    const notarized = await notarium(
      'notarize',
      'kept.txt',
      '--wait',
      '--url',
      url,
      '--networks',
      join(base, 'networks'),
    );
    expect(notarized.code, notarized.output).to.equal(0);
    const before = await statusOf(url);
    expect(before.anchoredHeight).to.equal(1);
    first.child.kill('SIGINT');
    expect(await first.ended, first.output()).to.equal(0);

    // Another port and another period are no reason not to start: what was deployed stays as it is.
    const otherPort = String(await freePort());
    const second = start(...args, '--port', otherPort, '--period', '5');
    await running(second);
    expect(second.output()).to.include('keeps the period of 2 s');
    const after = await statusOf(`http://127.0.0.1:${otherPort}`);
    expect([after.network, after.log, after.anchoredHeight]).to.deep.equal([before.network, before.log, 1]);
    const rpc = ['--rpc', `http://127.0.0.1:${chainPort}`, '--networks', join(base, 'networks')];
    const verified = await notarium('verify', 'kept.txt', 'kept.txt.receipt.json', ...rpc);
    expect(verified.code, verified.output).to.equal(0);
    second.child.kill('SIGINT');
    expect(await second.ended, second.output()).to.equal(0);
  });

  it('ends with 2 where the command line is wrong, and with 0 after --help', async () => {
    for (const args of [
      ['--nonsense'],
      ['--chain', 'other'],
      ['--period', '0'],
      ['--rpc', 'http://127.0.0.1:1'],
      ['--centres', '0'],
      ['--centres', '17'],
    ]) {
      const wrong = start(...args);
      expect(await wrong.ended, args.join(' ')).to.equal(2);
      expect(wrong.output()).not.to.match(/ at .*:\d+:\d+/);
    }
    expect(await start('--help').ended).to.equal(0);
  });

  for (const moment of ['Starting a local', 'Deploying the contracts', 'Starting the centre']) {
    it(`stops at once when told to at "${moment}"`, async () => {
      const [port, chainPort] = [String(await freePort()), String(await freePort())];
      const started = start('--chain', 'anvil', '--port', port, '--chain-port', chainPort, '--data', `early ${moment}`);
      await started.said(moment);
      started.child.kill('SIGINT');
      expect(await started.ended, started.output()).to.equal(130);
      expect(started.output())
        .not.to.include('Notarium is running')
        .and.not.match(/ at .*:\d+:\d+/);
      await expectFree(port, chainPort);
    });
  }

  it('ends at the second Ctrl-C without waiting for requests under way', async () => {
    const [port, chainPort] = [String(await freePort()), String(await freePort())];
    const started = start('--chain', 'anvil', '--port', port, '--chain-port', chainPort, '--data', 'impatient');
    await running(started);
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => {});
    // A body that never comes to its end.
    socket.write(
      'POST /v1/records HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    );
    await once(socket, 'connect');
    started.child.kill('SIGINT');
    await started.said('Stopping');
    started.child.kill('SIGINT');
    expect(await started.ended).to.equal(130);
    socket.destroy();
  });

  it('runs on a chain and a contract of somebody else, by the keys that the contract names', async () => {
    await using chain = await startChain({ kind: 'anvil' });
    const dataDir = join(base, 'own centre');
    const { address } = await centreKeys(dataDir);
    const { contract } = await deployNotarium(chain.rpcUrl, { committee: [{ address }], graceSeconds: 30 });
    await fund(chain.rpcUrl, address);
    const port = String(await freePort());
    const place = ['--port', port, '--rpc', chain.rpcUrl, '--contract', contract];
    const own = start(...place, '--data', dataDir);
    await running(own);
    await writeFile(join(base, 'own.txt'), 'own');
    const url = `http://127.0.0.1:${port}`;
    const notarized = await notarium('notarize', 'own.txt', '--wait', '--url', url);
    expect(notarized.code, notarized.output).to.equal(0);
    own.child.kill('SIGINT');
    expect(await own.ended, own.output()).to.equal(0);
    expect(own.output()).not.to.include('is not ready');
    // The chain is not ours, and goes on.
    expect(await jsonRpc(chain.rpcUrl)('eth_chainId', [])).to.equal('0x7a69');

    const stranger = start(...place, '--data', 'stranger');
    await stranger.said('centre-1 is not ready: not-in-committee');
    stranger.child.kill('SIGINT');
    expect(await stranger.ended, stranger.output()).to.equal(0);

    await rm(join(dataDir, 'password'));
    const locked = start(...place, '--data', dataDir);
    expect(await locked.ended, locked.output()).to.equal(39);
    expect(locked.output()).to.include(join(dataDir, 'password'));
  });

  it('says what is wrong with a chain that has no Notarium contract', async () => {
    const port = String(await freePort());
    const chain = await startChain({ kind: 'anvil' });
    const contract = '0x00000000000000000000000000000000000000aa';
    const started = start('--port', port, '--rpc', chain.rpcUrl, '--contract', contract);
    expect(await started.ended).to.equal(61);
    expect(started.output()).to.include('chain-contract-missing');
    await chain.stop();
  });
});
