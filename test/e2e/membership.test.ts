import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { CheckedRecord } from '../../services/core/record.ts';
import { Notarium } from '../../services/index.ts';
import { json, post, readyProblems, receiptOf, recordOf, untilIdle, untilProblem } from '../support/centreApi.ts';
import { statusOf } from '../support/centreProcess.ts';
import { type Consortium, startConsortium } from '../support/consortium.ts';
import { expectCode } from '../support/expectCode.ts';
import { type Governor, governorOf } from '../support/governor.ts';
import { randomSigner, signedRecord, textOf } from '../support/recordKit.ts';
import { until } from '../support/until.ts';

describe('the registry changes while centres run', () => {
  let consortium: Consortium;
  let governor: Governor;
  const signer = randomSigner();
  let count = 0;

  before(async () => {
    consortium = await startConsortium({ centres: 2, registered: 1 });
    governor = await governorOf(consortium.chain.rpcUrl, consortium.deployed.registry);
  });
  after(() => consortium?.[Symbol.asyncDispose]());

  const made = (): Promise<CheckedRecord> => signedRecord(consortium.network, signer, `member ${++count}`);
  const urls = (): string[] => consortium.members.map(({ url }) => url);
  const connectedOf = async (url: string): Promise<boolean[]> =>
    (await statusOf(url)).peers.map(({ connected }) => connected);
  const postHeld = (url: string, record: CheckedRecord) =>
    json(`${url}/v1/records?ack=quorum&wait=5`, {
      method: 'POST',
      body: textOf(record),
      headers: { 'content-type': 'application/json' },
    });

  /** Expects the refusal of a new record, for the reason that the registry gives. */
  async function expectRefused(url: string): Promise<void> {
    const record = await made();
    const { status, body } = await post(url, record);
    expect(status, JSON.stringify(body)).to.equal(503);
    expect(body).to.include({ code: 'not-ready' });
    expect(body.data).to.include({ problem: 'not-in-committee' });
    expect(await readyProblems(url)).to.include('not-in-committee');
    expect((await json(`${url}/v1/records/${record.id}`)).status).to.equal(404);
  }

  async function untilLogged(record: CheckedRecord): Promise<void> {
    await until('the record in both logs', async () =>
      (await Promise.all(urls().map((url) => recordOf(url, record.id)))).every(({ state }) => state === 'logged'),
    );
  }

  it('a centre that is alone needs nobody, and one that is in no registry takes no records', async () => {
    const [alone, stranger] = urls();
    const record = await made();
    const { status, body } = await postHeld(alone!, record);
    expect(status, JSON.stringify(body)).to.equal(201);
    expect(body.acknowledgements).to.have.length(1);
    await receiptOf(alone!, record);
    expect((await statusOf(alone!)).peers).to.deep.equal([]);
    expect((await json(`${alone}/v1/peer`)).status).to.equal(404);
    expect(await untilProblem(stranger!, 'not-in-committee')).to.include('is not in the registry');
    await expectRefused(stranger!);
  });

  it('both join each other without a restart when the second is activated', async () => {
    const [first, second] = consortium.members;
    await governor.admit(second!.entry);
    await until('the two connected', async () =>
      (await Promise.all(urls().map(connectedOf))).every((peers) => peers.length === 1 && peers[0]),
    );
    // Its log is that of the first before it votes.
    await Promise.all(urls().map((url) => untilIdle(url)));
    const { status, body } = await postHeld(second!.url, await made());
    expect(status, JSON.stringify(body)).to.equal(201);
    expect(body.acknowledgements).to.have.length(2);
    for (const { url } of [first!, second!]) {
      const record = await made();
      expect((await post(url, record)).status).to.equal(201);
      await untilLogged(record);
    }
  });

  it('one that is suspended takes no records, shows what it has, and follows the log', async () => {
    const [first, second] = consortium.members;
    const before = await made();
    expect((await post(second!.url, before)).status).to.equal(201);
    await untilLogged(before);
    await governor.suspend(second!.address);
    expect(await untilProblem(second!.url, 'not-in-committee')).to.include('is suspended in the registry');
    await expectRefused(second!.url);
    expect((await recordOf(second!.url, before.id)).state).to.equal('logged');
    await receiptOf(second!.url, before);
    // What the other publishes alone comes over HTTP.
    const after = await until('a record that the other takes alone', async () => {
      const record = await made();
      return (await post(first!.url, record)).status === 201 && record;
    });
    await receiptOf(first!.url, after);
    await untilLogged(after);
    await receiptOf(second!.url, after);
  });

  it('it is no party of a private activity: nothing is stored, and nothing is sent', async () => {
    const keys = await Promise.all(
      consortium.members.map(async ({ dataDir }) => (await readFile(join(dataDir, 'admin-key'), 'utf8')).trim()),
    );
    const { rpcUrl } = consortium.chain;
    const [active, suspended] = urls().map(
      (url, index) => new Notarium({ url, apiKey: keys[index]!, rpcUrl }).activities,
    );
    const order = { kind: 'industrial', request: 'information', body: 'pumps' } as const;
    const { address, entry } = consortium.members[1]!;
    // It reads the registry every few seconds.
    await until('the other knows', async () => (await connectedOf(consortium.members[0]!.url)).length === 0);
    for (const party of [entry.name, address]) {
      const { data } = await expectCode('party-unfit', active!.start({ ...order, receivers: [party] }));
      expect(data).to.include({ address, status: 'suspended' });
    }
    const ofItsOwn = suspended!.start({ ...order, receivers: [consortium.members[0]!.address] });
    expect((await expectCode('party-unfit', ofItsOwn)).data).to.include({ address, status: 'suspended' });
    for (const [index, desk] of [active!, suspended!].entries()) {
      expect(await Array.fromAsync(desk.list())).to.deep.equal([]);
      const metrics = await (
        await fetch(`${urls()[index]}/metrics`, { headers: { authorization: `Bearer ${keys[index]}` } })
      ).text();
      expect(metrics).to.match(/^# TYPE notarium_activity_messages_sent_total counter$/m);
      expect(metrics).to.not.match(/^notarium_activity_(messages_sent_total|deliveries_queued)\S* [1-9]/m);
    }
  });

  it('it takes records again when it is active again', async () => {
    const [, second] = consortium.members;
    await governor.activate(second!.address);
    const record = await made();
    await until('the record to be taken', async () => (await post(second!.url, record)).status === 201);
    await untilLogged(record);
    await until('no problem is left', async () => (await Promise.all(urls().map(readyProblems))).flat().length === 0);
  });

  it('answers ack=quorum by a process outside the network only where one centre is a quorum', async () => {
    const [first] = consortium.members;
    await first!.stop();
    await first!.start({ args: [...first!.spec.args!, '--no-publish'] });
    const { status, body } = await postHeld(first!.url, await made());
    expect(status, JSON.stringify(body)).to.equal(503);
    expect(body).to.include({ code: 'quorum-unreachable' });
    expect(body.data).to.include({ have: 1, want: 2, status: 'accepted' });
  });
});
