/**
 * A requester has all files of the installed OpenZeppelin contracts and a recording of 2 GB verified and preserved through an evidence
 * channel, is cut off on the way with kill -9 and goes on; the channel settles, and every file is verified from its receipt; one altered
 * byte is refused. Then a second requester hands an old state in while the verifier is away, and a watchtower wins the dispute. Ends by
 * itself with exit code 0, or with 1 when anything was not as it must be.
 */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { openChannelChain } from '../services/chain/channels/openChannelChain.ts';
import { type Address, type Hash, toHex } from '../services/core/bytes.ts';
import { jsonWithAmounts } from '../services/core/channels/amount.ts';
import type { ChannelNetwork } from '../services/core/channels/channel.ts';
import { parseChannelReceipt } from '../services/core/channels/channelReceipt.ts';
import type { ChannelView } from '../services/core/channels/update.ts';
import { verifyChannelReceipt } from '../services/core/channels/verifyChannelReceipt.ts';
import { compactSignature } from '../services/core/signature.ts';
import { channelEvidence } from '../services/lib/channelEvidence.ts';
import { HttpVerifier } from '../services/lib/client/channels/HttpVerifier.ts';
import { systemClock } from '../services/lib/clock.ts';
import { hashFile } from '../services/lib/hashFile.ts';
import { jsonRpc } from '../services/lib/jsonRpc.ts';
import { openKeystore } from '../services/lib/keystore.ts';
import { localSigner } from '../services/lib/localSigner.ts';
import { silentLogger } from '../services/lib/logger.ts';
import { loadCrypto } from '../services/lib/nativeCrypto.ts';
import { walkFiles } from '../services/lib/walkFiles.ts';
import { deployLocal } from './support/deployLocal.ts';
import { ensureBuilt, root } from './support/ensureBuilt.ts';
import { Expectations } from './support/expectations.ts';
import { ensureKeys, fund } from './support/localCentre.ts';
import { type NotariumProcess, type NotariumRun, runNotarium, startNotarium } from './support/notariumProcess.ts';
import { settled } from './support/openToCandidates.ts';
import { freePort } from './support/ports.ts';
import { startChain } from './support/startChain.ts';
import { stopping, unlessStopped } from './support/stopping.ts';

const say = (line = ''): void => void process.stdout.write(`${line}\n`);
const expectations = new Expectations(say);
const recordingBytes = 2 * 2 ** 30;
const challengeSeconds = 60;
const preserved = join(root, 'node_modules', '@openzeppelin', 'contracts');

ensureBuilt(say);
const base = await mkdtemp(join(tmpdir(), 'notarium demo '));
const chain = await startChain({ kind: 'anvil', detached: true });
const { rpcUrl } = chain;
const crypto = await loadCrypto();
const processes: NotariumProcess[] = [];
try {
  await unlessStopped(play());
} catch (error) {
  // What is stopped under it may fail in any way.
  if (!stopping.aborted) throw error;
} finally {
  await Promise.all(processes.map((each) => each.stop()));
  await chain.stop();
  await rm(base, { recursive: true, force: true });
}
expectations.conclude();

async function play(): Promise<void> {
  const place = (name: string): string => join(base, name);
  const dataOf = (name: string): string[] => ['--data', place(name), ...keysOf(name)];
  const keysOf = (name: string): string[] => [
    ...['--keystore', join(place(name), 'keystore'), '--password-file', join(place(name), 'password')],
  ];
  const accounts = new Map<string, Address>();
  for (const name of ['verifier', 'requester', 'cheat', 'watchtower']) {
    const { address } = await ensureKeys(place(name));
    await fund(rpcUrl, address);
    accounts.set(name, address);
  }
  const keys = await ensureKeys(place('centre'));
  const deployment = await deployLocal({
    ...{ rpcUrl, members: [{ keys, endpoint: 'http://127.0.0.1:9' }] },
    ...{ stateDir: place('ignition'), periodSeconds: 2, graceSeconds: 30 },
  });
  const contract = deployment.channels.toLowerCase() as Address;
  const network: ChannelNetwork = { chainId: 31_337, contract };
  await writeFile(
    place('policy.json'),
    JSON.stringify({
      prices: { perItem: '1000000000', perMebibyte: '1000000000' },
      challengeSeconds: { least: challengeSeconds, most: 86_400 },
    }),
  );
  const port = await freePort();
  const startVerifier = async (): Promise<NotariumProcess> => {
    const started = startNotarium([
      ...['verifier', '--policy', place('policy.json'), ...dataOf('verifier'), '--rpc', rpcUrl],
      ...['--channels', contract, '--port', String(port), '--no-rate-limit', '--log-level', 'warn'],
    ]);
    processes.push(started);
    await started.url;
    return started;
  };
  let verifier = await startVerifier();
  const url = await verifier.url;
  say(`A chain (anvil) with EvidenceChannels at ${contract}, and a verifier at ${url}.`);

  say('\nA requester opens a channel:');
  const opening = (name: string): string[] => [
    ...['channel', 'open', '--url', url, '--channels', contract, '--amount', '0.01ether', '--rpc', rpcUrl],
    ...dataOf(name),
  ];
  show(await expectCode('it is open, and the deposit paid in', 0, runNotarium(opening('requester'))));

  say(`\nIt has all files of @openzeppelin/contracts and a recording of ${recordingBytes / 2 ** 30} GiB verified:`);
  const recording = place('recording.bin');
  await writeRecording(recording);
  const paths: string[] = [];
  for await (const file of walkFiles([preserved])) if ('path' in file && !('error' in file)) paths.push(file.path);
  expectations.check('there are at least 500 files', paths.length >= 500, true);
  const receipts = place('receipts');
  const sending = ['channel', 'send', preserved, recording, '--out', receipts, '--rpc', rpcUrl, ...dataOf('requester')];
  say(`  notarium channel send contracts recording.bin --out receipts`);
  const first = startNotarium(sending);
  processes.push(first);
  const cutAt = await untilUploaded(place('verifier'), recordingBytes / 3);
  await Promise.all([first.stop('SIGKILL'), verifier.stop('SIGKILL')]);
  expectations.check('both are killed (kill -9) in the midst of the recording', (await first.ended).signal, 'SIGKILL');
  say(`  ${sizeText(cutAt)} were there`);
  verifier = await startVerifier();
  const again = startNotarium([...sending, '--json']);
  processes.push(again);
  const watching = leastUploaded(place('verifier'), again.ended);
  const sent = await expectCode('the same command goes on, to the end', 0, again.ended);
  const { preserved: now, kept, failed } = JSON.parse(sent.stdout) as Record<'preserved' | 'kept' | 'failed', number>;
  expectations.check('every file is preserved, none twice', [now + kept, failed], [paths.length + 1, 0]);
  expectations.check('the recording went on where it was cut off', (await watching) >= cutAt, true);

  say('\nThe channel is settled:');
  const closing = ['channel', 'close', '--rpc', rpcUrl, ...dataOf('requester')];
  show(await expectCode('together, in one transaction', 0, runNotarium(closing)));

  say('\nEvery file is verified from its receipt, by the chain:');
  const files = [...paths.map((path) => [path, join(receipts, 'contracts', relative(preserved, path))] as const)];
  let valid = 0;
  for (const [path, name] of [...files, [recording, join(receipts, 'recording.bin')] as const]) {
    const receipt = parseChannelReceipt(await readFile(`${name}.receipt.json`));
    const { digest } = await hashFile(path);
    const result = await verifyChannelReceipt(receipt, {
      ...{ contentDigest: digest, network, verifier: accounts.get('verifier')!, crypto },
      chainEvidence: (query) => channelEvidence({ ...query, rpcUrl, network }),
    });
    if (result.ok && receipt.settlement?.kind === 'settled') valid++;
  }
  expectations.check('valid, and settled', valid, paths.length + 1);
  const one = files[0]!;
  const verifying = [`${one[1]}.receipt.json`, '--rpc', rpcUrl, '--channels', contract];
  const trusting = ['--verifier', accounts.get('verifier')!];
  show(await expectCode('also by the command line', 0, runNotarium(['verify', one[0], ...verifying, ...trusting])));
  const altered = place('altered');
  await copyFile(one[0], altered);
  const file = await open(altered, 'r+');
  const { buffer } = await file.read({ buffer: Buffer.alloc(1), position: 10 });
  await file.write(Buffer.of(buffer[0]! ^ 1), 0, 1, 10);
  await file.close();
  await expectCode('with one altered bit it is refused', 96, runNotarium(['verify', altered, ...verifying]));

  say('\nAnother requester pays for two pieces of evidence, and then hands in the state after the first:');
  const opened = await expectCode('its channel is open', 0, runNotarium([...opening('cheat'), '--json']));
  const { channelId } = JSON.parse(opened.stdout) as { channelId: Hash };
  const password = await readFile(join(place('cheat'), 'password'), 'utf8');
  const { nodeKey } = await openKeystore(join(place('cheat'), 'keystore'), password.trim());
  const sign = (digest: Uint8Array) => toHex(compactSignature(crypto.sign(digest, nodeKey)));
  const api = new HttpVerifier({ url, network, channelId, sign });
  const views: ChannelView[] = [];
  for (const name of ['first', 'second']) {
    await writeFile(place(name), `${name} piece of evidence ${randomBytes(8).toString('hex')}`);
    const cheating = ['channel', 'send', place(name), '--rpc', rpcUrl, ...dataOf('cheat')];
    await expectCode(`the ${name} is preserved`, 0, runNotarium(cheating));
    views.push(await api.channel(channelId));
  }
  const [old, newest] = views as [ChannelView, ChannelView];
  const tower = startNotarium([
    ...['watchtower', ...dataOf('watchtower'), '--rpc', rpcUrl, '--channels', contract],
    ...['--port', String(await freePort()), '--log-level', 'warn'],
  ]);
  processes.push(tower);
  const handed = await fetch(`${await tower.url}/v1/states`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: jsonWithAmounts({ channelId, ...newest.latest }),
  });
  expectations.check('a watchtower keeps the newest state', handed.status, 200);
  await verifier.stop();
  const cheat = await openChannelChain({
    ...{ rpcUrl, contract, logger: silentLogger, signer: localSigner(nodeKey, crypto) },
  });
  try {
    const { channel } = (await cheat.opening(channelId))!;
    await cheat.startClosing(channel, old.latest!);
    expectations.check(
      'the old state is on chain, the verifier is away',
      (await cheat.status(channelId)).status,
      'closing',
    );
    const want = newest.latest!.state.version;
    await settled(async () => {
      const status = await cheat.status(channelId);
      return status.status === 'closing' && status.version === want;
    });
    expectations.check('the watchtower has put the newest in its place', want > old.latest!.state.version, true);
    await jsonRpc(rpcUrl)('evm_increaseTime', [challengeSeconds + 1]);
    await jsonRpc(rpcUrl)('evm_mine', []);
    await cheat.settle(channel);
    const end = await cheat.settlement(channelId);
    expectations.check(
      'the verifier is paid for both',
      [end?.verifierPayout, end?.evidenceCount].map(String),
      [newest.latest!.state.verifierBalance, newest.latest!.state.evidenceCount].map(String),
    );
  } finally {
    cheat.close();
  }
}

async function expectCode(what: string, want: number, run: Promise<NotariumRun>): Promise<NotariumRun> {
  const ended = await run;
  expectations.check(what, ended.code, want);
  if (ended.code !== want) say(ended.stdout + ended.stderr);
  return ended;
}

function show({ stdout }: NotariumRun): void {
  for (const line of stdout.trimEnd().split('\n')) say(`  ${line}`);
}

async function writeRecording(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (let written = 0; written < recordingBytes; written += 2 ** 24) await file.write(randomBytes(2 ** 24));
  } finally {
    await file.close();
  }
}

/** Size of the greatest file in the folder of a verifier. */
async function greatestFile(folder: string): Promise<number> {
  let most = 0;
  for (const entry of await readdir(folder, { recursive: true })) {
    const size = await stat(join(folder, entry)).then(
      (found) => (found.isFile() ? found.size : 0),
      // It was moved meanwhile.
      () => 0,
    );
    most = Math.max(most, size);
  }
  return most;
}

/** Waits until a file of so many bytes has arrived there. @returns how many. */
async function untilUploaded(folder: string, wantBytes: number): Promise<number> {
  let size = 0;
  await settled(async () => {
    size = await greatestFile(folder);
    return size >= wantBytes;
  });
  return size;
}

/** The least that was there of the recording while a process ran: what began anew would show. */
async function leastUploaded(folder: string, ended: Promise<unknown>): Promise<number> {
  let isOver = false;
  void ended.finally(() => {
    isOver = true;
  });
  let least = await greatestFile(folder);
  while (!isOver) {
    await systemClock.sleep(50);
    least = Math.min(least, await greatestFile(folder));
  }
  return least;
}

function sizeText(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
