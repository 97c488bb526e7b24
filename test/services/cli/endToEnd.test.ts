import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { launcher } from '../../../scripts/support/launcher.ts';
import { centreKeys } from '../../support/centreProcess.ts';
import { startNetwork, type TestNetwork } from '../../support/network.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const file = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
// Well-known development key: 32 bytes of 5.
const key = `0x${'05'.repeat(32)}`;

describe('notarium, as a process, with a real centre on a real chain', () => {
  let net: TestNetwork;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const run = (
    script: string,
    argv: string[],
    env: Record<string, string> = {},
  ): Promise<{ code: number; stdout: string; stderr: string }> =>
    new Promise((done) => {
      const options = { cwd: folder.path, env: { ...process.env, HOME: folder.path, ...env } };
      execFile(process.execPath, [script, ...argv], options, (error, stdout, stderr) =>
        done({ code: error ? Number(error.code) : 0, stdout, stderr }),
      );
    });
  const notarium = (...argv: string[]) => run(launcher, argv);

  before(async () => {
    net = await startNetwork({});
    folder = await temporaryFolder();
    await mkdir(join(folder.path, 'docs'));
    for (const name of ['a', 'b', 'c']) await writeFile(join(folder.path, 'docs', name), name);
  });
  after(async () => {
    await net?.close();
    await folder?.[Symbol.asyncDispose]();
  });

  it('notarises a folder and verifies by committee and by eth_call; each altered byte or field is refused', async () => {
    // Whatever the others run from.
    const fromSources = (...argv: string[]) => run(file('services/bin/notarium.js'), argv);
    const { url } = net.centre;
    const { rpcUrl } = net.chain;
    const taken = await fromSources('notarize', 'docs', '--url', url, '--key', key, '--wait', '60', '--json');
    expect(taken.code, taken.stdout + taken.stderr).to.equal(0);
    expect(JSON.parse(taken.stdout)).to.include({ anchored: 3, failed: 0 });
    expect((await fromSources('verify', 'docs/a', '--offline')).code).to.equal(0);
    const online = await fromSources('verify', 'docs/a', '--rpc', rpcUrl, '--json');
    expect(online.code, online.stdout + online.stderr).to.equal(0);
    expect(JSON.parse(online.stdout)).to.include({ ok: true, online: true });
    expect((await notarium('verify', 'docs/b', 'docs/a.receipt.json', '--rpc', rpcUrl)).code).to.equal(11);

    const receipt = JSON.parse(await readFile(join(folder.path, 'docs/a.receipt.json'), 'utf8'));
    const changed = { ...receipt, anchor: { ...receipt.anchor, timestamp: receipt.anchor.timestamp - 1 } };
    await writeFile(join(folder.path, 'changed.json'), JSON.stringify(changed));
    expect((await notarium('verify', 'docs/a', 'changed.json', '--rpc', rpcUrl)).code).to.equal(28);
    const { transactionHash } = JSON.parse(await readFile(join(folder.path, 'docs/a.receipt.json'), 'utf8')).anchor;
    const other = {
      ...receipt,
      anchor: {
        ...receipt.anchor,
        transactionHash: transactionHash.replace(/.$/, (x: string) => (x === '0' ? '1' : '0')),
      },
    };
    await writeFile(join(folder.path, 'changed.json'), JSON.stringify(other));
    expect((await notarium('verify', 'docs/a', 'changed.json', '--rpc', rpcUrl)).code).to.equal(28);
  });

  it('lets the centre sign for a client that has an API key and no key pair', async () => {
    const { url } = net.centre;
    const made = await notarium(
      'keys',
      'create',
      '--scope',
      'submit',
      'somebody',
      '--url',
      url,
      '--data',
      net.dataDir,
      '--json',
    );
    expect(made.code, made.stdout + made.stderr).to.equal(0);
    const { secret } = JSON.parse(made.stdout);
    const argv = ['notarize', 'docs', '--url', url, '--api-key', secret, '--out', 'by-key', '--json'];
    const taken = await notarium(...argv, '--wait', '60');
    expect(taken.code, taken.stdout + taken.stderr).to.equal(0);
    expect(JSON.parse(taken.stdout)).to.include({ anchored: 3, failed: 0 });
    expect((await notarium('verify', 'docs/b', 'by-key/docs/b.receipt.json', '--offline')).code).to.equal(0);
  });

  it('shows records and status, keeps a promise, and finds the machine in order', async () => {
    const { url } = net.centre;
    const { rpcUrl } = net.chain;
    await copyFile(join(folder.path, 'docs/a'), join(folder.path, 'again'));
    const taken = await notarium('notarize', 'again', '--url', url, '--key', key, '--json');
    const [{ id }] = JSON.parse(taken.stdout).files;
    await copyFile(join(folder.path, 'again.acceptance.json'), join(folder.path, 'promise.json'));
    expect((await notarium('notarize', 'again', '--url', url, '--key', key, '--resume', '--wait')).code).to.equal(0);
    const promise = await notarium('verify', '--acceptance', 'promise.json', '--url', url, '--rpc', rpcUrl, '--json');
    expect(promise.code, promise.stdout + promise.stderr).to.equal(0);
    expect(JSON.parse(promise.stdout)).to.include({ status: 'kept' });
    const byFile = await notarium('show', 'again', '--url', url, '--json');
    expect(JSON.parse(byFile.stdout).records.map((one: { id: string }) => one.id)).to.include(id);
    expect((await notarium('show', id, '--url', url)).stdout).to.include('file:again');
    expect((await notarium('show', `0x${'0'.repeat(64)}`, '--url', url)).code).to.equal(35);
    const status = await notarium('status', '--url', url, '--json');
    expect(status.code, status.stdout + status.stderr).to.equal(0);
    const { contract } = JSON.parse(await readFile(join(folder.path, 'docs/a.receipt.json'), 'utf8')).anchor;
    const doctor = await notarium(
      'doctor',
      '--url',
      url,
      '--rpc',
      rpcUrl,
      '--contract',
      contract,
      '--port',
      '0',
      '--json',
    );
    expect(doctor.code, doctor.stdout + doctor.stderr).to.equal(0);
    const ill = await notarium(
      'doctor',
      '--url',
      'http://127.0.0.1:1',
      '--rpc',
      'http://127.0.0.1:1',
      '--port',
      new URL(url).port,
    );
    expect(ill.code).to.equal(4);
    for (const name of ['port', 'chain', 'centre']) expect(ill.stdout).to.match(new RegExp(`✗ ${name}`));
  });

  it('ends at the second Ctrl-C without waiting for requests under way', async () => {
    const { child, url, ended, stderr } = net.centre;
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => {});
    // A body that never comes to its end; the centre says when it has the request.
    socket.write(
      'POST /v1/records HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n{',
    );
    await once(socket, 'data');
    child.kill('SIGINT');
    while (!stderr().includes('stopping')) await once(child.stderr!, 'data');
    child.kill('SIGINT');
    expect(await ended).to.deep.equal({ code: 130, signal: null });
    socket.destroy();
  });

  it('makes, lists and revokes API keys of a centre that does not run, without its chain', async () => {
    const data = ['--data', net.dataDir, '--json'];
    const made = await notarium('keys', 'create', 'while it sleeps', '--scope', 'read', ...data);
    expect(made.code, made.stdout + made.stderr).to.equal(0);
    const { key, secret } = JSON.parse(made.stdout);
    const revoked = await notarium('keys', 'revoke', key.id, ...data);
    expect(revoked.code, revoked.stdout + revoked.stderr).to.equal(0);
    const other = JSON.parse((await notarium('keys', 'create', 'another', '--scope', 'read', ...data)).stdout);
    const listed = JSON.parse((await notarium('keys', 'list', ...data)).stdout).keys as {
      id: string;
      revokedAt?: string;
    }[];
    expect(listed.find(({ id }) => id === key.id)?.revokedAt).to.be.a('string');
    expect(listed.find(({ id }) => id === other.key.id)).to.include({ name: 'another' });

    // Nothing of it is a network's yet: it takes the chain to make a database.
    const never = join(folder.path, 'never started');
    await centreKeys(never);
    const early = await notarium('keys', 'list', '--data', never);
    expect(early.code, early.stdout + early.stderr).to.equal(2);
    expect(early.stderr).to.include('--rpc URL');

    await net.start();
    const asking = async (token: string): Promise<number> =>
      (await fetch(`${net.centre.url}/v1/blocks`, { headers: { authorization: `Bearer ${token}` } })).status;
    expect(await asking(other.secret)).to.equal(200);
    expect(await asking(secret)).to.equal(401);
  });

  it('runs the example of the README', async () => {
    await writeFile(join(folder.path, 'example.txt'), 'example');
    const env = { NOTARIUM_URL: net.centre.url, NOTARIUM_RPC_URL: net.chain.rpcUrl };
    const { code, stdout, stderr } = await run(file('examples/notarize.ts'), ['example.txt'], env);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.match(/chain: passed\nanchor: passed\nexample.txt is notarised as record 0x[0-9a-f]{64}\n/);
  });
});
