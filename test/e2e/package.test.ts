import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { buildPackage } from '../../scripts/support/buildPackage.ts';
import { compiler } from '../../scripts/support/compiler.ts';
import { root } from '../../scripts/support/ensureBuilt.ts';
import { launcher } from '../../scripts/support/launcher.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';
import { centreCommand, centreKeys, startListening, statusOf } from '../support/centreProcess.ts';
import { deployChannels } from '../support/channels.ts';
import { startNetwork, type TestNetwork } from '../support/network.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { until } from '../support/until.ts';

// A consumer's compiler has no say in the project's own settings.
const strictest = ['--strict', '--noEmit', '--module', 'NodeNext', '--target', 'ES2024', '--lib', 'ESNext,DOM'];

describe('the npm package', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let net: TestNetwork;
  let consumer: string;
  let packed: readonly string[];

  /** Runs a program in the consumer's folder. @throws Error with all that it said when it fails. */
  async function run(
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    // A consumer's process has nothing of this test's own environment that could help it.
    const { NODE_OPTIONS: _, NODE_COMPILE_CACHE: __, ...rest } = process.env;
    const child = spawn(program, args, { cwd: consumer, env: { ...rest, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  before(async () => {
    folder = await temporaryFolder();
    consumer = join(folder.path, 'a consumer');
    await mkdir(consumer);
    const built = join(folder.path, 'dist');
    const [, network] = await Promise.all([buildPackage({ types: true, outDir: built }), startNetwork({})]);
    net = network;
    const [tarball] = JSON.parse(await run('npm', ['pack', built, '--json'])) as [
      { filename: string; files: readonly { path: string }[] },
    ];
    packed = tarball.files.map(({ path }) => path);
    await writeFile(join(consumer, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }');
    // Scripts of packages only compile what there is a fallback for.
    await run('npm', [
      'install',
      `./${tarball.filename}`,
      '--ignore-scripts',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
    ]);
  });
  after(async () => {
    await net?.close();
    await folder?.[Symbol.asyncDispose]();
  });

  it('holds what it is made of, and no sources or tests', () => {
    expect(packed).to.include.members(['bin/notarium.js', 'lib/index.js', 'types/index.d.ts']);
    expect(packed).to.include.members(['README.md', 'LICENSE', 'THIRD-PARTY.txt', 'CHANGELOG.md', 'package.json']);
    const odd = packed.filter((path) => !/^(?:bin|lib)\/.+\.js$|^types\/.+\.d\.ts$|^[^/]+$/.test(path));
    expect(odd).to.deep.equal([]);
  });

  it('has types that a strict compiler takes', async () => {
    const examples = ['notarize.ts', 'channel.ts', 'activity.ts'];
    for (const name of examples) await copyFile(join(root, 'examples', name), join(consumer, name));
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
    await run(process.execPath, [compiler, '--ignoreConfig', ...strictest, ...types, ...examples]);
  });

  it('runs the ten lines of the README', async () => {
    await writeFile(join(consumer, 'example.txt'), 'example');
    const env = { NOTARIUM_URL: net.centre.url, NOTARIUM_RPC_URL: net.chain.rpcUrl };
    const stdout = await run(process.execPath, ['notarize.ts', 'example.txt'], env);
    expect(stdout).to.match(/chain: passed\nanchor: passed\nexample.txt is notarised as record 0x[0-9a-f]{64}\n/);
  });

  it('preserves evidence in a channel as the README has it, with a verifier that is installed too', async () => {
    const { contract } = (await deployChannels(net.chain.rpcUrl)).network;
    const place = join(folder.path, 'verifier');
    const { address } = await centreKeys(place);
    await jsonRpc(net.chain.rpcUrl)('anvil_setBalance', [address, '0xde0b6b3a7640000']);
    const policy = join(folder.path, 'policy.json');
    await writeFile(policy, JSON.stringify({ prices: { perItem: '1000000000', perMebibyte: '5000000000' } }));
    const verifier = await startListening([
      ...[process.execPath, join(consumer, 'node_modules/notarium/bin/notarium.js'), 'verifier', '--data', place],
      ...['--policy', policy, '--password-file', join(place, 'password'), '--port', '0', '--log-level', 'warn'],
      ...['--rpc', net.chain.rpcUrl, '--channels', contract],
    ]);
    try {
      await writeFile(join(consumer, 'evidence.txt'), 'evidence');
      const env = {
        NOTARIUM_RPC_URL: net.chain.rpcUrl,
        NOTARIUM_CHANNELS: contract,
        NOTARIUM_VERIFIER_URL: verifier.url,
      };
      const stdout = await run(process.execPath, ['channel.ts', 'evidence.txt'], env);
      expect(stdout).to.match(/^preserved .*evidence\.txt\ncontent: passed\n/);
      expect(stdout).to.match(/chain: passed\nmeasurement 1000 is proved by the settlement 0x[0-9a-f]{64}\n$/);
    } finally {
      await verifier.stop();
    }
  });

  it('brings the command line', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'services/package.json'), 'utf8')) as { version: string };
    expect(await run('npx', ['--no', '--', 'notarium', '--version'])).to.equal(`${version}\n`);
    const verified = JSON.parse(
      await run('npx', [
        ...['--no', '--', 'notarium', 'verify', 'example.txt', 'example.txt.receipt.json', '--json'],
        ...['--rpc', net.chain.rpcUrl, '--contract', net.deployed.contract],
      ]),
    ) as { ok: boolean };
    expect(verified.ok).to.equal(true);
  });

  it('runs a centre, which goes on with the data of one that ran from the sources', async () => {
    const before = await statusOf(net.centre.url);
    await net.centre.stop();
    const installed = join(consumer, 'node_modules/notarium/bin/notarium.js');
    const [program, ...args] = centreCommand(net.spec).map((word) => (word === launcher ? installed : word));
    const child = spawn(program!, args, { cwd: consumer, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      let stdout = '';
      child.stdout.on('data', (chunk: Buffer) => {
        stdout += chunk.toString();
      });
      const url = await until('the centre to listen', () => {
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${stdout}`);
        return /listening on (http:\/\/\S+)/.exec(stdout)?.[1];
      });
      const { log, version } = await statusOf(url);
      expect(log.size).to.be.at.least(before.log.size);
      expect(before.log.size).to.be.at.least(1);
      expect(version).to.equal(before.version);
      const page = await (await fetch(`${url}/docs`)).text();
      const [script] = /(?<=src=")[^"]+(?=")/.exec(page) ?? [];
      expect((await fetch(new URL(script!, `${url}/docs`))).status).to.equal(200);
      child.kill('SIGTERM');
      const [code] = (await once(child, 'exit')) as [number | null];
      expect(code).to.equal(0);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
