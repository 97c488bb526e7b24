import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { launcher } from '../../scripts/support/launcher.ts';
import { untilConnected } from '../../scripts/support/untilConnected.ts';
import { parseNetworkName } from '../../services/core/eip712.ts';
import { json, post, receiptOf } from '../support/centreApi.ts';
import { statusOf } from '../support/centreProcess.ts';
import { startConsortium } from '../support/consortium.ts';
import { freePorts, freePortsInARow } from '../support/freePorts.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';
import { expectFree, listener, type Started, startScript } from '../support/startScript.ts';
import { until } from '../support/until.ts';

type Metrics = (start: string) => number | undefined;

describe('npm start -- --centres', () => {
  let base: string;
  const children: ChildProcess[] = [];

  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'notarium start many '));
  });
  afterEach(() => {
    // Only what a failed test left behind is still there.
    for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGTERM');
  });
  after(() => rm(base, { recursive: true, force: true }));

  function start(...args: string[]): Started {
    const started = startScript(base, '--chain', 'anvil', ...args);
    children.push(started.child);
    return started;
  }

  const urlsFrom = (port: number, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `http://127.0.0.1:${port + index}`);

  it('runs four centres that keep one log, and Ctrl-C ends all', async () => {
    const port = await freePortsInARow(4);
    const [chainPort] = await freePorts(1);
    const started = start('--centres', '4', '--port', `${port}`, '--chain-port', `${chainPort}`, '--data', 'four');
    await started.said('Ctrl-C stops everything');
    const urls = urlsFrom(port, 4);
    for (const url of urls) expect(started.output()).to.include(url);
    expect(started.output())
      .to.include('with 4 centres')
      .and.include(`npx notarium status --url ${urls[0]}`)
      .and.include(`npx notarium notarize README.md --wait --force --url ${urls[0]}`);
    const centres = await Promise.all(urls.map(statusOf));
    // It says that it runs when all see each other.
    expect(centres.map(({ peers }) => peers.filter(({ connected }) => connected).length)).to.deep.equal([3, 3, 3, 3]);
    expect(new Set(centres.map(({ centre }) => centre)).size).to.equal(4);

    const record = await signedRecord(parseNetworkName(centres[0]!.network)!, randomSigner(), 'at the third');
    expect((await post(urls[2]!, record)).status).to.equal(201);
    await until('the record to come', async () => (await json(`${urls[0]}/v1/records/${record.id}`)).status === 200);
    await receiptOf(urls[0]!, record);
    await until('the record in every log', async () =>
      (await Promise.all(urls.map(statusOf))).every(({ log }) => log.size === 1),
    );

    await expectMetrics(urls);

    started.child.kill('SIGINT');
    expect(await started.ended, started.output()).to.equal(0);
    expect(started.output()).to.include('Stopping: the centres first, then the chain');
    await expectFree(chainPort!, ...urls.map((url) => new URL(url).port));
  });

  /** What an operator looks at, after one block: its publisher paid gas, each has voted, none is behind. */
  async function expectMetrics(urls: readonly string[]): Promise<void> {
    const hasGas = (metrics: Metrics): boolean => (metrics('notarium_anchor_gas') ?? 0) > 60_000;
    // The gas is looked up when the block is in the log already.
    const all = await until('every centre to have looked at the chain once more', async () => {
      const some = await Promise.all(urls.map((url) => metricsOf(url)));
      return some.every((metrics) => metrics('notarium_sync_lag_blocks') === 0) && some.some(hasGas) && some;
    });
    for (const metrics of all) {
      expect(metrics('notarium_log_size')).to.equal(1);
      expect(metrics('notarium_block_height')).to.equal(1);
      expect(metrics('notarium_pool_records')).to.equal(0);
      expect(metrics('notarium_net_connected_peers')).to.equal(3);
      expect(metrics('notarium_net_bytes_total{')).to.be.greaterThan(0);
    }
    expect(all.filter(hasGas)).to.have.length(1);
    expect(all.filter((metrics) => metrics('notarium_anchor_seconds_count') === 1)).to.have.length(1);
    expect(all.filter((metrics) => (metrics('notarium_votes_total') ?? 0) >= 1).length).to.be.at.least(3);
  }

  /** Gives the sum of all values whose line begins so. */
  async function metricsOf(url: string): Promise<Metrics> {
    const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n');
    return (start) => {
      const found = lines.filter((line) => line.startsWith(start)).map((line) => Number(line.split(' ').at(-1)));
      return found.length === 0 ? undefined : found.reduce((sum, value) => sum + value, 0);
    };
  }

  it('names who is not connected when the time is up', async () => {
    await using consortium = await startConsortium({ centres: 3, idle: [2], wires: true });
    const all = consortium.members.map(({ url }, index) => ({ name: `centre-${index + 1}`, url }));
    const { signal } = new AbortController();
    expect(await untilConnected(all.slice(0, 2), { limitMs: 60_000, signal })).to.deep.equal([]);
    expect(await untilConnected(all, { limitMs: 0, signal })).to.deep.equal(['centre-3 does not answer']);
    consortium.partition([0], [1]);
    const cut = await until('the two to be apart', async () => {
      const missing = await untilConnected(all.slice(0, 2), { limitMs: 0, signal });
      return missing.length === 2 && missing;
    });
    expect(cut).to.deep.equal(['centre-1 is not connected with centre-2', 'centre-2 is not connected with centre-1']);
    const aborted = await untilConnected(all, { limitMs: 60_000, signal: AbortSignal.abort() });
    expect(aborted).to.have.length(3);
  });

  it('names a port that is taken, and refuses what cannot be', async () => {
    const port = await freePortsInARow(2);
    const taken = await listener(port + 1);
    const started = start('--centres', '2', '--port', `${port}`, '--data', 'taken');
    expect(await started.ended).to.equal(54);
    expect(started.output())
      .to.include('port-taken')
      .and.include(`127.0.0.1:${port + 1}`)
      .and.include('--port PORT');
    await new Promise((resolve) => taken.close(resolve));
    for (const args of [
      ['--port', `${port}`, '--chain-port', `${port + 1}`],
      ['--port', '65535'],
      ['--rpc', 'http://127.0.0.1:1', '--contract', `0x${'0'.repeat(40)}`],
    ]) {
      const wrong = start('--centres', '2', ...args);
      expect(await wrong.ended, args.join(' ')).to.equal(2);
    }
  });

  it('keeps the number of centres, finds them on other ports, and goes on when one ends, which can come back', async () => {
    const [chainPort] = await freePorts(1);
    const first = start(
      ...['--centres', '2', '--port', `${await freePortsInARow(2)}`],
      ...['--chain-port', `${chainPort}`, '--data', 'kept'],
    );
    await first.said('Starting 2 centres');
    // While they come up.
    first.child.kill('SIGINT');
    expect(await first.ended, first.output()).to.equal(130);
    expect(first.output()).not.to.match(/ at .*:\d+:\d+/);
    await expectFree(chainPort!);

    const port = await freePortsInARow(2);
    const second = start('--port', `${port}`, '--chain-port', `${chainPort}`, '--data', 'kept');
    await second.said('Ctrl-C stops everything');
    expect(second.output()).to.include('keeps the 2 centres that it was deployed with');
    const urls = urlsFrom(port, 2);
    for (const { peers } of await Promise.all(urls.map(statusOf))) expect(peers[0]).to.include({ connected: true });

    const pid = Number(await readFile(join(base, 'kept', 'anvil', 'centre-2', 'lock.pid'), 'utf8'));
    expect(second.output()).to.include(`(process ${pid})`);
    process.kill(pid, 'SIGKILL');
    await second.said('centre-2 has ended by itself');
    const how = /npx notarium (node .*--no-rate-limit)\n/s;
    await until('it says how it comes back', () => how.test(second.output()));
    const [, again] = how.exec(second.output())!;
    // As it is printed, by the shell; for npx the command line itself.
    const shell = spawn('sh', ['-c', `exec "$0" "$1" ${again}`, process.execPath, launcher], { stdio: 'ignore' });
    children.push(shell);
    await until('both see each other again', async () => {
      const all = await Promise.all(urls.map((url) => statusOf(url).catch(() => undefined)));
      return all.every((one) => one?.peers[0]?.connected === true);
    });
    process.kill(Number(await readFile(join(base, 'kept', 'anvil', 'centre-1', 'lock.pid'), 'utf8')), 'SIGKILL');
    const shellEnded = once(shell, 'exit');
    shell.kill('SIGTERM');
    expect(await second.ended).to.equal(1);
    expect(second.output()).to.include('the last centre ended by itself');
    // That one is nobody's who would have waited for its end.
    await shellEnded;
    await expectFree(chainPort!, port, port + 1);
  });
});
