import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { pino } from 'pino';
import { Watchtower, type WatchtowerParts } from '../../../../services/app/channels/Watchtower.ts';
import { watchtowerMetrics } from '../../../../services/app/channels/watchtowerMetrics.ts';
import { type Hash, toHex } from '../../../../services/core/bytes.ts';
import { jsonWithAmounts } from '../../../../services/core/channels/amount.ts';
import { keyHashOf } from '../../../../services/core/channels/bill.ts';
import type { SignedState } from '../../../../services/core/channels/state.ts';
import { networkName } from '../../../../services/core/eip712.ts';
import { startWatchtowerServer } from '../../../../services/http/watchtower/watchtowerServer.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { loadCrypto } from '../../../../services/lib/nativeCrypto.ts';
import { openWatchtowerStore } from '../../../../services/store/watchtower.ts';
import { type AnvilControl, anvilControl } from '../../../support/anvil.ts';
import { devAddress, type RunningChain, startChain } from '../../../support/chains.ts';
import type { SignedHistory } from '../../../support/channels.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { until } from '../../../support/until.ts';
import { type ChannelTestKit, channelTestKit, ether } from '../../chain/channels/channelKit.ts';

const crypto = await loadCrypto();

/** What is posted for a state. */
const handed = ({ channelId }: SignedHistory, signed: SignedState, more: object = {}): string =>
  jsonWithAmounts({ channelId, ...signed, ...more });

describe('watchtower', () => {
  let running: RunningChain;
  let anvil: AnvilControl;
  let kit: ChannelTestKit;
  let url: string;
  let stop: () => Promise<void>;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const open = async (more: Partial<WatchtowerParts> = {}) => {
    const chain = kit.stranger;
    const { network, genesisHash } = chain;
    const store = await openWatchtowerStore({ dataDir: folder.path, network: networkName(network), genesisHash });
    const metrics = watchtowerMetrics();
    // The chain's own time counts: blocks of tests are ahead of the clock.
    const clock = { nowMs: () => 0, sleep: (ms: number) => new Promise<void>((done) => setTimeout(done, ms)) };
    const settings = { pollMs: 20, retrySeconds: 0 };
    const parts = { chain, store, crypto, logger: silentLogger, metrics, clock, settings, mostChannels: 100 };
    const watchtower = new Watchtower({ ...parts, ...more });
    watchtower.start();
    const server = await startWatchtowerServer({ watchtower, metrics }, { port: 0, logger: pino({ level: 'silent' }) });
    url = server.url;
    stop = async () => {
      await server.stop();
      await watchtower.close();
      await store.close();
    };
  };
  const reopen = async (more: Partial<WatchtowerParts> = {}) => {
    await stop();
    await open(more);
  };
  const post = async (body: string): Promise<{ status: number; body: Record<string, unknown> }> => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/v1/states`, { method: 'POST', headers, body });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const codeOf = async (body: string): Promise<unknown> => (await post(body)).body.code;
  const versionOf = async (channelId: Hash): Promise<unknown> =>
    ((await (await fetch(`${url}/v1/states/${channelId}`)).json()) as { version?: number }).version;
  const untilVersion = async ({ channelId }: SignedHistory, version: number): Promise<number> =>
    await until(`version ${version} is handed in`, async () => {
      const now = await kit.requester.status(channelId);
      return now.status === 'closing' && now.version === version && now.deadline;
    });

  before(async () => {
    running = await startChain({ kind: 'anvil' });
    anvil = anvilControl(running.rpcUrl);
    kit = await channelTestKit(running.rpcUrl);
    folder = await temporaryFolder();
    await open();
  });
  after(async () => {
    await stop?.();
    kit?.close();
    await running?.stop();
    await folder?.[Symbol.asyncDispose]();
  });

  for (const cheat of ['requester', 'verifier'] as const) {
    it(`challenges an old state of the ${cheat}'s by itself`, async () => {
      const history = await kit.opened();
      const old = await history.pay(10n);
      const newest = await history.pay(20n);
      const { channelId } = history;
      expect(await post(handed(history, newest))).to.deep.equal({ status: 200, body: { channelId, version: 4 } });
      await kit[cheat].startClosing(history.channel, old);
      const deadline = await untilVersion(history, newest.state.version);
      await kit.moveTo(deadline + 1);
      await kit[cheat].settle(history.channel);
      const settled = await kit.stranger.settlement(history.channelId);
      expect(settled).to.deep.include({ requesterPayout: ether - 30n, verifierPayout: 30n, evidenceCount: 2 });
    });
  }

  it('lets an old state settle when it is away', async () => {
    const history = await kit.opened();
    const old = await history.pay(10n);
    await post(handed(history, await history.pay(20n)));
    await stop();
    await kit.requester.startClosing(history.channel, old);
    const deadline = await untilVersion(history, old.state.version);
    await kit.moveTo(deadline + 1);
    await kit.requester.settle(history.channel);
    expect(await kit.stranger.settlement(history.channelId)).to.deep.include({ verifierPayout: 10n });
    await open();
    await until('it knows of the end', async () => (await versionOf(history.channelId)) === 4);
  });

  it('goes on with what it has when it comes back in time', async () => {
    const history = await kit.opened();
    const old = await history.pay(10n);
    const newest = await history.pay(20n);
    await post(handed(history, newest));
    await stop();
    await kit.requester.startClosing(history.channel, old);
    await open();
    await untilVersion(history, newest.state.version);
  });

  it('makes keys public while a channel closes, and before its locks expire', async () => {
    const closing = await kit.opened();
    const expiring = await kit.opened();
    const expiry = (await kit.now()) + 1_000;
    for (const history of [closing, expiring]) {
      const newest = await history.update({ adds: [{ amount: 20n, expiry }] });
      const { locks } = history.content(newest.state.version)!;
      const packed = locks.map(({ keyHash, digest, amount, expiry }) => ({ keyHash, digest, amount, expiry }));
      const keys = [history.bills[0]!.key];
      expect((await post(handed(history, newest, { locks: packed, keys }))).status).to.equal(200);
      // The other side hands the same state in, without keys.
      expect((await post(handed(history, newest))).status).to.equal(200);
      const wrong = handed(history, newest, { locks: packed, keys: [toHex(randomBytes(32))] });
      expect(await codeOf(wrong)).to.equal('bill-key-mismatch');
    }
    const revealed = ({ bills }: SignedHistory) => kit.requester.revealedAt(keyHashOf(bills[0]!.key));
    await kit.requester.startClosing(closing.channel, undefined);
    await until('the first key is public', () => revealed(closing));
    expect(await revealed(expiring)).to.equal(undefined);
    await kit.moveTo(expiry - 119);
    await until('the second key is public', () => revealed(expiring));
  });

  it('keeps the newest state only, and survives its own end', async () => {
    const history = await kit.opened();
    const old = await history.pay(10n);
    const newest = await history.pay(20n);
    await post(handed(history, newest));
    expect((await post(handed(history, old))).body.version).to.equal(newest.state.version);
    await reopen();
    expect(await versionOf(history.channelId)).to.equal(newest.state.version);
  });

  it('refuses what is not signed by both, or not of a channel', async () => {
    const history = await kit.opened();
    const signed = await history.pay(10n);
    const other = await kit.opened();
    const { requesterSignature, verifierSignature } = signed;
    const swapped = { requesterSignature: verifierSignature, verifierSignature: requesterSignature };
    expect(await codeOf(handed(history, { ...signed, ...swapped }))).to.equal('signature-mismatch');
    expect(await codeOf(handed(other, signed))).to.equal('signature-mismatch');
    const state = { ...signed.state, verifierBalance: 99n };
    expect(await codeOf(handed(history, { ...signed, state }))).to.equal('signature-mismatch');
    const nobody = { ...history, channelId: toHex(randomBytes(32)) };
    expect(await codeOf(handed(nobody, signed))).to.equal('channel-unknown');
    const lock = { keyHash: nobody.channelId, digest: nobody.channelId, amount: 1n, expiry: 1 };
    expect(await codeOf(handed(history, signed, { locks: [lock] }))).to.equal('channel-update-invalid');
    expect(await codeOf(handed(history, signed, { more: 1 }))).to.equal('request-invalid');
    expect(await codeOf('{')).to.equal('json-malformed');
    expect(await codeOf(`"${'x'.repeat(70_000)}"`)).to.equal('request-too-large');
    expect(await versionOf(history.channelId)).to.equal(undefined);
    expect((await fetch(`${url}/v1/states/0x12`)).status).to.equal(400);
    expect((await fetch(`${url}/v2`)).status).to.equal(404);

    const closing = await history.signClosing();
    await kit.requester.closeTogether(history.channel, closing.closing, closing);
    expect(await codeOf(handed(history, signed))).to.equal('channel-state');
  });

  it('keeps as many channels as it may, and those of its accounts only', async () => {
    const first = await kit.opened();
    const second = await kit.opened();
    const [one, two] = [await first.pay(1n), await second.pay(1n)];
    await reopen({ accounts: new Set([devAddress(7)]) });
    expect(await codeOf(handed(first, one))).to.equal('channel-unknown');
    await reopen({ accounts: new Set([devAddress(1)]) });
    expect((await post(handed(first, one))).status).to.equal(200);
    await reopen({ mostChannels: 1 });
    expect(await codeOf(handed(second, two))).to.equal('watchtower-full');
    expect((await post(handed(first, one))).status).to.equal(200);
    await reopen();
  });

  it('goes on with a channel whose end it has seen, and a reorganisation took back before it was told', async () => {
    const history = await kit.opened();
    const old = await history.pay(10n);
    const newest = await history.pay(20n);
    let isEnded = false;
    let looks = 0;
    await reopen({
      chain: {
        ...kit.stranger,
        async status(channelId) {
          // One look finds the end.
          if (isEnded && channelId === history.channelId && looks++ === 0) return { status: 'settled' };
          return await kit.stranger.status(channelId);
        },
      },
    });
    expect((await post(handed(history, newest))).status).to.equal(200);
    isEnded = true;
    await kit.requester.anchorEvidence(history.channel, newest);
    await until('it has looked again', () => looks > 1);
    await kit.requester.startClosing(history.channel, old);
    await untilVersion(history, newest.state.version);
    // Of one that has ended later nothing is left.
    const other = await kit.opened();
    expect((await post(handed(other, await other.pay(1n)))).status).to.equal(200);
    const closing = await other.signClosing();
    await kit.requester.closeTogether(other.channel, closing.closing, closing);
    await until('it has forgotten that', async () => {
      await anvil.mine(257);
      return (await versionOf(other.channelId)) === undefined;
    });
    expect(await versionOf(history.channelId)).to.equal(newest.state.version);
    await reopen();
  });

  it('forgets a channel some time after its end', async () => {
    const history = await kit.opened();
    await post(handed(history, await history.pay(1n)));
    const closing = await history.signClosing();
    await kit.requester.closeTogether(history.channel, closing.closing, closing);
    expect(await versionOf(history.channelId)).to.equal(2);
    await anvil.mine(1);
    await until('it has seen the end', async () => {
      await anvil.mine(257);
      return (await versionOf(history.channelId)) === undefined;
    });
  });

  it('says how it is', async () => {
    expect(await (await fetch(`${url}/healthz`)).json()).to.deep.equal({ status: 'ok' });
    await until('it is ready', async () => (await fetch(`${url}/readyz`)).ok);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).to.match(/^notarium_channels_watched \d+$/m);
    expect(metrics).to.match(/^notarium_watchtower_states_total [1-9]\d*$/m);
  });

  it('is for one chain, and one process', async () => {
    const { network, genesisHash } = kit.stranger;
    const place = { dataDir: folder.path, network: networkName(network), genesisHash };
    await expectCode('store-locked', openWatchtowerStore(place));
    await stop();
    await expectCode('store-network-mismatch', openWatchtowerStore({ ...place, genesisHash: toHex(randomBytes(32)) }));
    await open();
  });
});
