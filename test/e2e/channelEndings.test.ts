import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { launcher } from '../../scripts/support/launcher.ts';
import { fromHex, type Hash } from '../../services/core/bytes.ts';
import type { Channel } from '../../services/core/channels/channel.ts';
import { type ChannelReceipt, parseChannelReceipt } from '../../services/core/channels/channelReceipt.ts';
import { verifyChannelReceipt } from '../../services/core/channels/verifyChannelReceipt.ts';
import { channelSigner } from '../../services/lib/channelSigner.ts';
import { HttpVerifier } from '../../services/lib/client/channels/HttpVerifier.ts';
import { loadCrypto } from '../../services/lib/nativeCrypto.ts';
import { type ChannelTestKit, channelTestKit } from '../services/chain/channels/channelKit.ts';
import { type CentreProcess, centreKeys, startListening } from '../support/centreProcess.ts';
import { devKey } from '../support/chains.ts';
import { channelCommand, type RequesterHome } from '../support/channelCommand.ts';
import { startNetwork, type TestNetwork } from '../support/network.ts';
import { testPostgres } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { until } from '../support/until.ts';

const crypto = await loadCrypto();
const names = ['a.txt', 'b.txt', 'c.txt'];
const challengeSeconds = 60;

describe('endings of evidence channels by commands', () => {
  let network: TestNetwork;
  let kit: ChannelTestKit;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let policy: string;
  const started: CentreProcess[] = [];

  before(async () => {
    network = await startNetwork({});
    kit = await channelTestKit(network.chain.rpcUrl);
    folder = await temporaryFolder();
    policy = join(folder.path, 'policy.json');
    const prices = { perItem: '1000000000', perMebibyte: '0' };
    const seconds = { least: challengeSeconds, most: 86_400 };
    await writeFile(policy, JSON.stringify({ prices, challengeSeconds: seconds }));
  });
  after(async () => {
    await Promise.all(started.map((verifier) => verifier.kill()));
    kit?.close();
    await network?.close();
    await folder?.[Symbol.asyncDispose]();
  });

  async function homeOf(name: string): Promise<RequesterHome & { readonly files: string }> {
    const files = join(folder.path, name, 'files');
    await mkdir(files, { recursive: true });
    for (const file of names) await writeFile(join(files, file), `${name} ${file}\n`);
    const channels = kit.deployed.network.contract;
    return { dataDir: join(folder.path, name, 'home'), rpcUrl: network.chain.rpcUrl, channels, files };
  }

  async function startVerifier(name: string, ...more: string[]): Promise<CentreProcess> {
    const dataDir = join(folder.path, name, 'verifier');
    const { address } = await centreKeys(dataDir);
    await kit.rpc('anvil_setBalance', [address, '0xde0b6b3a7640000']);
    const verifier = await startListening([
      ...[process.execPath, '--disable-warning=ExperimentalWarning', launcher, 'verifier', '--data', dataDir],
      ...['--policy', policy, '--password-file', join(dataDir, 'password'), '--rpc', network.chain.rpcUrl],
      ...[
        '--channels',
        kit.deployed.network.contract,
        '--port',
        '0',
        '--no-rate-limit',
        '--log-level',
        'warn',
        ...more,
      ],
    ]);
    started.push(verifier);
    return verifier;
  }

  async function opened(home: RequesterHome, url: string): Promise<{ channelId: Hash; channel: Channel }> {
    const answer = await channelCommand(home, 'open', '--url', url, '--amount', '0.01ether');
    expect(answer.code, answer.output).to.equal(0);
    const { channelId, channel } = answer.json as { channelId: Hash; channel: Channel };
    return { channelId, channel };
  }

  const client = (url: string, channelId: Hash): HttpVerifier =>
    new HttpVerifier({ url, channelId, network: kit.deployed.network, sign: channelSigner(devKey(3), crypto).sign });

  async function expectProof(receipt: ChannelReceipt, content: Uint8Array): Promise<void> {
    const { steps, ok } = await verifyChannelReceipt(receipt, {
      contentDigest: createHash('sha256').update(content).digest(),
      network: kit.deployed.network,
      chainEvidence: async ({ channelId, digest, proof, root }) => ({
        isUnder: await kit.stranger.verifyEvidence(channelId, digest, {
          ...proof,
          root,
          path: proof.path.map(fromHex),
        }),
      }),
    });
    expect(ok, JSON.stringify(steps)).to.equal(true);
  }

  /** Time goes on for the chain alone. */
  const pass = async (seconds: number): Promise<void> => {
    await kit.rpc('evm_increaseTime', [seconds]);
    await kit.rpc('evm_mine', []);
  };

  it('with a centre that is a verifier as well, killed on the way', async () => {
    const home = await homeOf('centre');
    await network.centre.stop();
    const more = ['--verifier-policy', policy, '--channels', kit.deployed.network.contract];
    const args = [...network.spec.args!, ...more];
    let centre = await network.start({ args });
    const { channelId, channel } = await opened(home, centre.url);
    expect(channel.verifier).to.equal((await centreKeys(network.dataDir)).address);
    const sent = await channelCommand(home, 'send', join(home.files, 'a.txt'));
    expect(sent.json, sent.output).to.include({ failed: 0, receipts: 1 });
    await centre.kill();
    centre = await network.start({ args, port: Number(new URL(centre.url).port) });
    const again = await channelCommand(home, 'send', home.files);
    expect(again.json, again.output).to.include({ failed: 0, kept: 1, preserved: 2, receipts: 3 });
    const closed = await channelCommand(home, 'close');
    expect(closed.json, closed.output).to.include({ status: 'settled' });
    const end = (await kit.stranger.settlement(channelId))!;
    expect([end.verifierPayout, end.evidenceCount]).to.deep.equal([3_000_000_000n, 2]);
    for (const file of names) {
      const receipt = parseChannelReceipt(await readFile(join(home.files, `${file}.receipt.json`)));
      await expectProof(receipt, await readFile(join(home.files, file)));
    }
    // It goes on as a centre: the account that has closed the channel anchors blocks, too.
    await until('it has no problem', async () => {
      const status = (await (await fetch(`${centre.url}/v1/status`)).json()) as { problems: unknown[] };
      return status.problems.length === 0;
    });
    expect(await centre.stop()).to.deep.equal({ code: 0, signal: null });
    expect(centre.stderr()).to.not.include('"level"');
  });

  it('with a verifier on PostgreSQL that is killed: the requester closes alone', async () => {
    const name = 'postgres';
    const more = ['--database-url', await (await testPostgres()).createDatabase()];
    const home = await homeOf(name);
    let verifier = await startVerifier(name, ...more);
    const { channelId } = await opened(home, verifier.url);
    const sent = await channelCommand(home, 'send', home.files);
    expect(sent.json, sent.output).to.include({ failed: 0, receipts: names.length });
    await verifier.kill();

    const closing = channelCommand(home, 'close', '--alone');
    await until('it closes', async () => (await kit.stranger.status(channelId)).status === 'closing');
    await pass(challengeSeconds + 1);
    const closed = await closing;
    expect(closed.code, closed.output).to.equal(0);
    expect(closed.json).to.include({ status: 'settled' });
    const end = (await kit.stranger.settlement(channelId))!;
    // The three are one pack, of three items.
    expect([end.verifierPayout, end.evidenceCount]).to.deep.equal([3_000_000_000n, 1]);
    for (const file of names) {
      const receipt = parseChannelReceipt(await readFile(join(home.files, `${file}.receipt.json`)));
      expect(receipt.settlement).to.have.property('transactionHash', end.place.transactionHash);
      await expectProof(receipt, await readFile(join(home.files, file)));
    }

    // The verifier comes back, sees the end, and has all of it.
    verifier = await startVerifier(name, ...more);
    const { bill } = parseChannelReceipt(await readFile(join(home.files, 'a.txt.receipt.json')));
    const asked = client(verifier.url, channelId);
    const receipt = await until('the receipt tells of the end', async () => {
      const answer = await asked.receipt(bill.digest);
      return answer.settlement && answer;
    });
    expect(receipt.settlement).to.have.property('transactionHash', end.place.transactionHash);
    for (const file of names) {
      const content = await readFile(join(home.files, file));
      const digest = `0x${createHash('sha256').update(content).digest('hex')}` as Hash;
      expect(new Uint8Array(await (await asked.content(digest)).arrayBuffer())).to.deep.equal(new Uint8Array(content));
    }
    expect(verifier.stderr()).to.not.include('"level"');
    expect(await verifier.stop()).to.deep.equal({ code: 0, signal: null });
  });
});
