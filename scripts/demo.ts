/**
 * Notarises every file of the installed OpenZeppelin contracts, one by one and as one aggregate, through a real chain and a
 * real centre that is killed on the way; verifies all receipts offline and by eth_call; then changes one thing at a time and
 * shows each refused. Ends by itself with exit code 0, or with 1 when anything was not as it must be.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Address } from '../services/core/bytes.ts';
import { Notarium, type Receipt, type TrustedNetwork } from '../services/index.ts';
import { hashFile } from '../services/lib/hashFile.ts';
import { walkFiles } from '../services/lib/walkFiles.ts';
import { alterations } from './support/alterations.ts';
import { deployLocal } from './support/deployLocal.ts';
import { ensureBuilt, root } from './support/ensureBuilt.ts';
import { ensureKeys, fund, type LocalCentre, startLocalCentre } from './support/localCentre.ts';
import { freePort } from './support/ports.ts';
import { startChain } from './support/startChain.ts';

type Row = { readonly what: string; readonly count: number; readonly failed: number; readonly seconds: number };

const rows: Row[] = [];
const say = (line = ''): void => void process.stdout.write(`${line}\n`);

/** Runs one part, and notes how many of its items were as they must be. */
async function part(what: string, run: () => Promise<{ count: number; failed: number }>): Promise<void> {
  const startMs = performance.now();
  const { count, failed } = await run();
  const seconds = (performance.now() - startMs) / 1000;
  rows.push({ what, count, failed, seconds });
  say(`${failed === 0 ? '✔' : '✘'} ${what}: ${count - failed} of ${count} (${seconds.toFixed(1)} s)`);
}

ensureBuilt(say);
const base = await mkdtemp(join(tmpdir(), 'notarium demo '));
const chain = await startChain({ kind: 'anvil', detached: true });
let centre: LocalCentre | undefined;
try {
  const dataDir = join(base, 'centre-1');
  const port = await freePort();
  const keys = await ensureKeys(dataDir);
  await fund(chain.rpcUrl, keys.address);
  const deployment = await deployLocal({
    rpcUrl: chain.rpcUrl,
    members: [{ keys, endpoint: `http://127.0.0.1:${port}` }],
    stateDir: join(base, 'ignition'),
    periodSeconds: 2,
    graceSeconds: 30,
  });
  const contract = deployment.blockAnchor.toLowerCase() as Address;
  const start = async (): Promise<LocalCentre> => {
    const started = await startLocalCentre({ dataDir, port, rpcUrl: chain.rpcUrl, contract });
    if (!started) throw new Error('the centre did not start');
    return started;
  };
  centre = await start();
  say(`A chain (anvil) with BlockAnchor at ${contract}, and one centre at ${centre.url}.`);

  const client = new Notarium({
    url: centre.url,
    privateKey: `0x${randomBytes(32).toString('hex')}`,
    rpcUrl: chain.rpcUrl,
  });
  const folder = join(root, 'node_modules', '@openzeppelin', 'contracts');
  const paths: string[] = [];
  for await (const file of walkFiles([folder])) if ('path' in file && !('error' in file)) paths.push(file.path);
  say(`${paths.length} files of @openzeppelin/contracts.\n`);

  const { trusted } = await client.network();
  const ids: string[] = [];
  const digests = await Promise.all(paths.map(async (path) => (await hashFile(path)).digest));
  const submit = async (from: number, to: number): Promise<{ count: number; failed: number }> => {
    let failed = 0;
    const drafts = paths.slice(from, to).map((path, index) => ({
      subject: `urn:openzeppelin:${relative(folder, path)}`,
      digest: `sha-256:${Buffer.from(digests[from + index]!).toString('hex')}` as const,
    }));
    for await (const result of client.submitMany(drafts, { batchSize: 64 })) {
      if (result.status === 'failed') failed++;
      ids.push(result.id ?? '');
    }
    return { count: to - from, failed };
  };
  const half = Math.ceil(paths.length / 2);
  await part('files notarised one by one, first half', () => submit(0, half));
  await part('centre killed (kill -9) and started again', async () => {
    await centre!.stop('SIGKILL');
    centre = await start();
    return { count: 1, failed: 0 };
  });
  await part('files notarised one by one, second half', () => submit(half, paths.length));
  const aggregate = await client.notarizeAggregate(paths, { subject: 'urn:openzeppelin:contracts' });
  const receipts: Receipt[] = [];
  await part('receipts of single files, anchored', async () => {
    for (const id of ids) receipts.push(await client.waitForReceipt(id as `0x${string}`, { timeoutMs: 60_000 }));
    return { count: receipts.length, failed: 0 };
  });
  const whole = await client.waitForReceipt(aggregate.id, { timeoutMs: 60_000 });
  const members = paths.map((_, index) => aggregate.receiptOf(whole, index));

  const offline = new Notarium({ url: 'http://127.0.0.1:9', trusted });
  const verifyAll = async (verifier: Notarium, list: readonly Receipt[], trust: TrustedNetwork) => {
    let failed = 0;
    for (const [index, receipt] of list.entries()) {
      const verdict = await verifier.verify(paths[index]!, receipt, { committees: trust.committees });
      if (!verdict.ok) failed++;
    }
    return { count: list.length, failed };
  };
  await part('single receipts verified offline, without centre or chain', () => verifyAll(offline, receipts, trusted));
  await part('single receipts verified by eth_call', () => verifyAll(client, receipts, trusted));
  await part('members of the aggregate verified offline', () => verifyAll(offline, members, trusted));
  await part('members of the aggregate verified by eth_call', () => verifyAll(client, members, trusted));

  say('\nOne thing changed at a time:\n');
  const content = await readFile(paths[0]!);
  await part('changes refused, each by its own code', async () => {
    let failed = 0;
    const all = alterations(content, members[0]!);
    for (const { what, bytes, receipt, code } of all) {
      const verdict = await client.verify(bytes, receipt, { committees: trusted.committees });
      const step = verdict.steps.find(({ status }) => status === 'failed');
      const isRefused = step?.code === code;
      if (!isRefused) failed++;
      say(`  ${isRefused ? '✔' : '✘'} ${what.padEnd(36)} ${step?.step ?? '-'}: ${step?.code ?? 'accepted'}`);
    }
    return { count: all.length, failed };
  });
} finally {
  await centre?.stop();
  await chain.stop();
  await rm(base, { recursive: true, force: true });
}

say('\n  what                                                          items   failed   seconds');
for (const { what, count, failed, seconds } of rows) {
  say(
    `  ${what.padEnd(60)} ${String(count).padStart(6)} ${String(failed).padStart(8)} ${seconds.toFixed(1).padStart(9)}`,
  );
}
const failures = rows.reduce((sum, { failed }) => sum + failed, 0);
say(failures === 0 ? '\nEverything was as it must be.' : `\n${failures} items were not as they must be.`);
process.exitCode = failures === 0 ? 0 : 1;
