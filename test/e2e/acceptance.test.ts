import { expect } from 'chai';
import { type Acceptance, checkRefusal, type Refusal } from '../../services/core/acceptance.ts';
import type { RecordId } from '../../services/core/bytes.ts';
import { Notarium } from '../../services/index.ts';
import { type AnvilControl, anvilControl } from '../support/anvil.ts';
import { json, post, postBatch, receiptOf, recordOf, untilIdle } from '../support/centreApi.ts';
import { statusOf } from '../support/centreProcess.ts';
import { expectCode } from '../support/expectCode.ts';
import { logFaults, loggedIds } from '../support/logOf.ts';
import { startNetwork, type TestNetwork } from '../support/network.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';
import { until } from '../support/until.ts';

describe('what a centre has promised', () => {
  const signer = randomSigner();
  let net: TestNetwork;
  let anvil: AnvilControl;
  let made = 0;
  const record = (fields: Parameters<typeof signedRecord>[3] = {}) =>
    signedRecord(net.network, signer, `promise ${made++}`, fields);

  before(async () => {
    // As many threads as a centre has by itself: rivals meet in different ones.
    net = await startNetwork({ args: ['--threads', '2'] });
    anvil = anvilControl(net.chain.rpcUrl);
  });
  after(() => net?.close());

  it('gives one of two rivals the right, in one batch, in two, and after a restart', async () => {
    const titles = [await record(), await record()];
    await postBatch(net.centre.url, titles);
    const [one, two] = await Promise.all(
      titles.map(({ id }) => Promise.all([0, 1, 2].map(() => record({ supersedes: id })))),
    );
    const inOne = await postBatch(net.centre.url, one!.slice(0, 2));
    expect(inOne.map(({ status, error }) => error?.code ?? status)).to.deep.equal([
      'accepted',
      'record-successor-taken',
    ]);
    const inTwo = (await Promise.all(two!.slice(0, 2).map((each) => postBatch(net.centre.url, [each])))).flat();
    const won = inTwo.findIndex(({ status }) => status === 'accepted');
    expect(inTwo[1 - won]?.error?.code).to.equal('record-successor-taken');

    const winners = [one![0]!.id, two![won]!.id];
    const late = [one![2]!, two![2]!];
    const lateAnswers = async () =>
      (await postBatch(net.centre.url, late)).map(({ error }) => [
        error?.code,
        (error as unknown as { data: { winner: RecordId } }).data.winner,
      ]);
    const taken = winners.map((winner) => ['record-successor-taken', winner]);
    await net.centre.kill();
    await net.start();
    expect(await lateAnswers()).to.deep.equal(taken);
    await untilIdle(net.centre.url);
    expect(await lateAnswers()).to.deep.equal(taken);
    const ids = await loggedIds(net.centre.url);
    expect(ids.filter((id) => [...one!, ...two!].some((each) => each.id === id))).to.have.members(winners);
    expect((await recordOf(net.centre.url, titles[0]!.id)).supersededBy).to.equal(winners[0]);
  });

  it('refuses what expired before its slot, and what stood on it, with its signature', async () => {
    const { url } = net.centre;
    await anvil.automine(false);
    const first = await record();
    await post(url, first);
    await until('a block on its way', async () => (await statusOf(url)).height > (await statusOf(url)).anchoredHeight);
    // These wait for the next block, and that for the one before.
    let expiresMs: number;
    let expiring: Awaited<ReturnType<typeof record>>;
    // One that has expired on the way is not taken: a busy machine needs longer for two requests.
    for (let roomMs = 3_000; ; roomMs *= 2) {
      expiresMs = Date.now() + roomMs;
      expiring = await record({ expires: new Date(expiresMs).toISOString() });
      const { status, body } = await post(url, expiring);
      if (status === 201) break;
      expect(body.code).to.equal('record-expired');
    }
    const heir = await record({ supersedes: expiring.id });
    const other = await record();
    for (const each of [heir, other]) expect((await post(url, each)).status).to.equal(201);
    await until('a slot that begins after that', () => Date.now() > expiresMs + 1200);
    await anvil.automine(true);
    await anvil.mine();
    await receiptOf(url, other);

    const reasons = [];
    for (const { id } of [expiring, heir]) {
      const { state, refusal } = await recordOf(url, id);
      checkRefusal(net.network, refusal as Refusal);
      reasons.push([state, refusal?.recordId === id, refusal?.reason]);
      const { status, body } = await json(`${url}/v1/records/${id}/receipt?wait=5`);
      expect([status, body.code]).to.deep.equal([410, 'record-refused']);
    }
    expect(reasons).to.deep.equal([
      ['refused', true, 'record-expired'],
      ['refused', true, 'record-predecessor-unknown'],
    ]);
    // Asked again, it is still refused, not taken anew.
    expect((await post(url, heir)).body.code).to.equal('record-refused');
  });

  it('is not said to have broken a promise while its block waits for the chain', async () => {
    await untilIdle(net.centre.url);
    await net.centre.stop();
    const { url } = await net.start({ args: [...(net.spec.args ?? []), '--confirmations', '3'] });
    const { rpcUrl } = net.chain;
    const [offline, online] = [new Notarium({ url }), new Notarium({ url, rpcUrl })];
    // Long after all promises here.
    const nowMs = Date.now() + 3_600_000;
    const judge = async (client: Notarium, acceptance: Acceptance) =>
      (await client.checkAcceptance(acceptance, { nowMs })).status;
    const liveState = async (height: number) => (await json(`${url}/v1/blocks/${height}`)).body.state;

    await anvil.automine(false);
    const { body } = await post(url, await record());
    const { acceptance, id } = body as { acceptance: Acceptance; id: RecordId };
    const { height } = await until('a block on its way', async () => {
      const view = await recordOf(url, id);
      return view.height !== undefined && (await liveState(view.height)) === 'submitted' && view;
    });
    expect((await recordOf(url, id)).state).to.equal('pooled');
    // What the chain does not have an hour after its time, it will not take; without the chain nobody can tell.
    expect(await judge(online, acceptance)).to.equal('broken');
    await expectCode('record-not-anchored', offline.checkAcceptance(acceptance, { nowMs }));
    expect((await offline.checkAcceptance(acceptance)).status).to.equal('pending');

    // Submitted is what is about to be sent: only what the chain has, it can mine.
    await until('the anchor in the pool', async () => (await anvil.pending()).length > 0);
    await anvil.mine();
    expect(await judge(online, acceptance)).to.equal('pending');
    await until('the anchor seen', async () => (await liveState(height!)) === 'anchored');
    expect(await judge(offline, acceptance)).to.equal('pending');
    expect(await judge(online, acceptance)).to.equal('pending');
    const late = { ...acceptance, includeBySlot: 1 };
    await expectCode('signature-mismatch', offline.checkAcceptance(late, { nowMs }));

    await anvil.mine(3);
    await anvil.automine(true);
    await until('the block confirmed', async () => (await recordOf(url, id)).state === 'logged');
    expect(await judge(offline, acceptance)).to.equal('kept');
    await net.centre.stop();
    await net.start();
  });

  it('loses nothing when it is stopped under load', async () => {
    const acknowledged = new Set<RecordId>();
    const end = new AbortController();
    const load = async (): Promise<void> => {
      while (!end.signal.aborted) {
        const records = await Promise.all(Array.from({ length: 200 }, () => record()));
        try {
          const lines = await postBatch(net.centre.url, records, (id) => acknowledged.add(id));
          if (lines.some(({ error }) => error?.code === 'shutting-down')) return;
        } catch (error) {
          // Refused or cut off: what was not acknowledged may be lost.
          if (!(error instanceof TypeError)) throw error;
          return;
        }
      }
    };
    const loads = [load(), load(), load()];
    await until('some acknowledgements', () => acknowledged.size > 1000);
    expect(await net.centre.stop()).to.deep.equal({ code: 0, signal: null });
    end.abort();
    await Promise.all(loads);
    await net.start();
    await untilIdle(net.centre.url);
    expect(await logFaults(net.centre.url, acknowledged)).to.deep.equal({});
  });

  it('loses nothing when it is killed while great blocks are sealed and committed', async () => {
    const acknowledged = new Set<RecordId>();
    for (const delayMs of [50, 300, 700]) {
      const records = await Promise.all(Array.from({ length: 4000 }, () => record()));
      await postBatch(net.centre.url, records, (id) => acknowledged.add(id));
      await until('a block on its way', async () => {
        const { height, anchoredHeight, pool } = await statusOf(net.centre.url);
        return height > anchoredHeight || pool.count === 0;
      });
      await new Promise((done) => setTimeout(done, delayMs));
      await net.centre.kill();
      await net.start();
    }
    expect(acknowledged.size).to.equal(12_000);
    await untilIdle(net.centre.url);
    expect(await logFaults(net.centre.url, acknowledged)).to.deep.equal({});
  });
});
