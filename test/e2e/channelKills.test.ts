import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { launcher } from '../../scripts/support/launcher.ts';
import { type Hash, toHex } from '../../services/core/bytes.ts';
import { parseChannelReceipt } from '../../services/core/channels/channelReceipt.ts';
import { channelSigner } from '../../services/lib/channelSigner.ts';
import { HttpVerifier } from '../../services/lib/client/channels/HttpVerifier.ts';
import { sendUpload } from '../../services/lib/client/channels/sendUpload.ts';
import { memorySource } from '../../services/lib/client/channels/uploadSource.ts';
import { loadCrypto } from '../../services/lib/nativeCrypto.ts';
import {
  billSeconds,
  contentOf,
  digestOf,
  type EndingsKit,
  endingsKit,
  expectReceipt,
  type RequesterProcess,
} from '../services/app/channels/endings/endingsKit.ts';
import { coin } from '../services/chain/channels/channelKit.ts';
import { type CentreProcess, centreKeys, startListening } from '../support/centreProcess.ts';
import { devKey } from '../support/chains.ts';
import { channelCommand, type RequesterHome } from '../support/channelCommand.ts';
import { freePorts } from '../support/freePorts.ts';
import { until } from '../support/until.ts';

const crypto = await loadCrypto();
const perItem = 1_000_000_000n;
const preload = new URL('../support/crashAt.ts', import.meta.url).href;
/** More moments than there can be between the start of a process and the end of its work. */
const mostMoments = 60;
const mostKills = 12;

/** Environment that kills a process at a moment. */
const crashAt = (moment: string): Record<string, string> => ({
  NOTARIUM_TEST_CRASH: moment,
  NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import ${preload}`,
});

describe('a side of an evidence channel that is killed', () => {
  let kit: EndingsKit;
  let port: number;
  let dataDir: string;
  let verifier: CentreProcess | undefined;

  const url = (): string => `http://127.0.0.1:${port}`;
  const startVerifier = async (env: Record<string, string> = {}): Promise<CentreProcess> =>
    await startListening(
      [
        ...[process.execPath, '--disable-warning=ExperimentalWarning', launcher, 'verifier', '--data', dataDir],
        ...['--policy', join(kit.folder, 'policy.json'), '--password-file', join(dataDir, 'password')],
        ...['--rpc', kit.rpcUrl, '--channels', kit.chain.deployed.network.contract, '--port', String(port)],
        ...['--no-rate-limit', '--log-level', 'warn'],
      ],
      env,
    );

  beforeEach(async () => {
    kit = await endingsKit();
    [port] = (await freePorts(1)) as [number];
    dataDir = join(kit.folder, 'verifier process');
    const policy = {
      prices: { perItem: String(perItem), perMebibyte: '0' },
      challengeSeconds: { least: 60, most: 86_400 },
      billSeconds,
    };
    await writeFile(join(kit.folder, 'policy.json'), JSON.stringify(policy));
    await kit.chain.rpc('anvil_setBalance', [(await centreKeys(dataDir)).address, '0xde0b6b3a7640000']);
  });
  afterEach(async () => {
    await verifier?.kill();
    await kit?.[Symbol.asyncDispose]();
  });

  // Between one of them and the next nothing is seen from outside: after the one is before the other.
  for (const kind of ['commit', 'sync', 'message']) {
    it(`goes on, requester: before each ${kind}`, async () => {
      verifier = await startVerifier();
      const home: RequesterHome = {
        dataDir: join(kit.folder, 'home'),
        rpcUrl: kit.rpcUrl,
        channels: kit.chain.deployed.network.contract,
      };
      const opened = await channelCommand(home, 'open', '--url', url(), '--amount', '0.01ether');
      expect(opened.code, opened.output).to.equal(0);
      const channelId = opened.json.channelId as Hash;
      const files = join(kit.folder, 'files');
      await mkdir(files);
      let count = 0;
      const killed = await untilDone(async (at) => {
        const name = `${kind} ${++count}`;
        await writeFile(join(files, `${name}.txt`), contentOf(name));
        return await channelCommand({ ...home, env: crashAt(`${kind} ${at} before`) }, 'send', files);
      });
      expect(killed, 'there were moments to be killed at').to.be.greaterThan(2);
      const sent = await channelCommand(home, 'send', files);
      expect(sent.json, sent.output).to.include({ failed: 0, receipts: count });
      await untilDone((at) => channelCommand({ ...home, env: crashAt(`${kind} ${at} before`) }, 'close'));
      const closed = await channelCommand(home, 'close');
      expect(closed.json, closed.output).to.include({ status: 'settled' });
      const end = (await kit.chain.stranger.settlement(channelId))!;
      expect(end.verifierPayout, 'each is paid once').to.equal(perItem * BigInt(count));
      const names = (await readdir(files)).filter((name) => name.endsWith('.txt'));
      expect(names).to.have.length(count);
      const receipts = await channelCommand(home, 'status', '--receipts');
      expect(receipts.code, receipts.output).to.equal(0);
      for (const name of names) {
        const receipt = parseChannelReceipt(await readFile(join(files, `${name}.receipt.json`)));
        expect(receipt.settlement).to.have.property('transactionHash', end.place.transactionHash);
        await expectReceipt(kit, receipt, await readFile(join(files, name)));
      }
    });

    it(`goes on, verifier: before each ${kind}`, async () => {
      const { address } = await centreKeys(dataDir);
      const terms = { verifier: address, token: coin, amount: 10n ** 16n, challengeSeconds: 60, salt: 1n };
      const { channel, channelId } = await kit.chain.requester.open(terms);
      const { network } = kit.chain.deployed;
      const api = new HttpVerifier({ url: url(), channelId, network, sign: channelSigner(devKey(0), crypto).sign });
      let side: RequesterProcess | undefined;
      const names: string[] = [];
      const preserve = async (name: string): Promise<void> => {
        names.push(name);
        const [content, digest] = [contentOf(name), digestOf(name)];
        for (;;) {
          const upload = await sendUpload(memorySource(content), {
            endpoint: api.uploadsUrl,
            authorization: () => api.token.header(),
            metadata: { kind: 'content', digest },
          });
          const item = { uploads: [upload], digest, count: 1, maxAmount: perItem };
          const done = await side!.requester.preserve(item).catch((error: { code?: string }) => error);
          if ('leafIndex' in done) return;
          // Its description was not on disk yet.
          if (done.code !== 'upload-unknown' && done.code !== 'upload-invalid') throw done;
        }
      };
      let work: Promise<void> | undefined;
      for (let at = 1; ; at++) {
        expect(at).to.be.lessThan(mostMoments);
        verifier = await startVerifier(crashAt(`${kind} ${at} before`)).catch(() => undefined);
        // It was killed before it listened.
        if (!verifier) continue;
        side ??= await kit.requester(channel, 'requester', api);
        const isNew = work === undefined;
        work ??= preserve(`${kind} ${at}`);
        const gone = verifier.ended.then(() => 'killed');
        const how = await Promise.race([gone, work.then(() => 'done')]);
        if (how === 'killed') continue;
        work = undefined;
        // A whole exchange in one life: there are no further moments in it.
        if (isNew) break;
        await verifier.kill();
      }
      await verifier.kill();
      verifier = await startVerifier();
      void side!.requester.closeTogether().catch(() => undefined);
      const end = await until('it is settled', () => kit.chain.stranger.settlement(channelId));
      expect(end.verifierPayout, 'each is paid once').to.equal(perItem * BigInt(names.length));
      expect(end.evidenceCount).to.equal(names.length);
      for (const name of names) {
        await expectReceipt(kit, await side!.receipt(digestOf(name)), contentOf(name));
        await expectReceipt(kit, await api.receipt(digestOf(name)), contentOf(name));
        const content = await (await api.content(digestOf(name))).arrayBuffer();
        expect(toHex(new Uint8Array(content))).to.equal(toHex(contentOf(name)));
      }
      expect(await verifier.stop()).to.deep.equal({ code: 0, signal: null });
    });
  }

  /**
   * Runs a command that is killed at its first moment, then at its second, until it comes to its end or has written all that it
   * decides by: what follows are receipts, as many as there are files. Answers how often it was killed.
   */
  async function untilDone(run: (at: number) => Promise<{ code: number | null; output: string }>): Promise<number> {
    for (let at = 1; at <= mostKills; at++) {
      const { code, output } = await run(at);
      if (code === 0) return at - 1;
      expect(code, output).to.equal(null);
    }
    return mostKills;
  }
});
