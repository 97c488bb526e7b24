import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { CentreEvent } from '../../../../services/app/Centre.ts';
import { createMetrics } from '../../../../services/app/metrics.ts';
import { Problems } from '../../../../services/app/Problems.ts';
import { Webhook } from '../../../../services/app/webhook/Webhook.ts';
import type { WebhookSettings } from '../../../../services/app/webhook/webhookSettings.ts';
import { systemClock } from '../../../../services/lib/clock.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import type { Store } from '../../../../services/store/Store.ts';
import { freePorts } from '../../../support/freePorts.ts';
import { until } from '../../../support/until.ts';
import { type WebhookReceiver, webhookReceiver, webhookSecret } from '../../../support/webhookReceiver.ts';
import { alice, network } from '../../store/storeKit.ts';
import { onBothDatabases } from '../../store/storePlace.ts';

const secret = webhookSecret();
const quick = { secret, firstDelayMs: 5, maxDelayMs: 20 };
const time = '2026-11-21T01:30:00.000Z';

function tell(store: Store, type: string, data: Record<string, unknown>): Promise<number> {
  return store.appendEvent({ type, time, data });
}

/** A started webhook with what it has said of itself. */
async function started(store: Store, settings: Partial<WebhookSettings> & { url: string }) {
  const problems = new Problems();
  const metrics = createMetrics();
  const centre = { network, address: alice };
  const parts = { store, clock: systemClock, logger: silentLogger, problems, metrics, centre };
  const webhook = new Webhook(parts, { ...quick, ...settings });
  await webhook.prepare();
  webhook.start();
  return { webhook, problems, metrics, [Symbol.asyncDispose]: () => webhook.close() };
}

const numbersOf = ({ taken }: WebhookReceiver): unknown[] => taken.map(({ data }) => data.number);

onBothDatabases('webhook', (place) => {
  it('tells what it is asked to tell, in order, as signed CloudEvents', async () => {
    await using at = await place();
    await using receiver = await webhookReceiver(secret);
    const store = await at.open();
    await tell(store, 'alert', { number: 0 });
    await using run = await started(store, { url: receiver.url });
    const proposalId = `0x${'ab'.repeat(32)}`;
    await tell(store, 'vote.cast', { number: 1, proposalId, reason: 'ja \u0000 \ud800 ✓' });
    await tell(store, 'block.sealed', { number: 2 });
    await tell(store, 'version.state', { number: 3, resourceSet: proposalId, version: 2 });
    await until('both events', () => receiver.taken.length === 2);
    // What was before there was a webhook is not told.
    expect(numbersOf(receiver)).to.deep.equal([1, 3]);
    expect(receiver.faults).to.deep.equal([]);
    const [vote, version] = receiver.taken;
    expect(vote).to.deep.include({
      specversion: '1.0',
      source: `urn:notarium:${network}:${alice}`,
      type: 'notarium.vote.cast',
      subject: proposalId,
      time,
      datacontenttype: 'application/json',
    });
    expect(vote!.id).to.match(/^2-[0-9a-f]{16}$/);
    expect(vote!.data.reason).to.equal('ja \u0000 \ud800 ✓');
    expect(version!.subject).to.equal(`${proposalId}:2`);
    await until('the last one to be stored', async () => (await store.webhookCursor()) === 4);
    expect((await run.metrics.webhookSent.get()).values[0]!.value).to.equal(2);
  });

  it('tries an event again without end before it tells the next, and says so', async () => {
    await using at = await place();
    await using receiver = await webhookReceiver(secret);
    const store = await at.open();
    const statuses = [500, 429, 301, 410, 200];
    let asked = 0;
    await using elsewhere = await webhookReceiver(secret);
    receiver.answer = (response) => {
      const status = statuses[asked++]!;
      if (status === 200) receiver.answer = undefined;
      response.writeHead(status === 200 ? 503 : status, { location: elsewhere.url, 'retry-after': '0' }).end('no');
    };
    await using run = await started(store, { url: `${receiver.url}?token=secret` });
    await tell(store, 'alert', { number: 1 });
    await tell(store, 'alert', { number: 2 });
    const problem = await until('the problem', () => run.problems.list()[0]);
    expect(problem.code).to.equal('webhook-failed');
    expect(problem.detail).to.contain(new URL(receiver.url).origin).and.not.contain('token').and.not.contain('hook');
    await until('both events', () => receiver.taken.length === 2);
    expect(numbersOf(receiver)).to.deep.equal([1, 2]);
    expect(elsewhere.requests()).to.equal(0);
    await until('the problem to be over', () => run.problems.list().length === 0);
    expect((await run.metrics.webhookFailed.get()).values[0]!.value).to.equal(5);
  });

  it('takes what hangs for a failure, and reads no endless answer', async () => {
    await using at = await place();
    const store = await at.open();
    await using receiver = await webhookReceiver(secret);
    let hung = 0;
    receiver.answer = () => {
      if (++hung === 2) receiver.answer = undefined;
    };
    await using run = await started(store, { url: receiver.url, timeoutMs: 50 });
    await tell(store, 'alert', { number: 1 });
    // What is taken later than that counts as a failure, too, and comes again.
    await until('the event', () => receiver.taken.length > 0);
    expect(hung).to.equal(2);
    await run.webhook.close();

    let sentBytes = 0;
    const endless = createServer((_request, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) sentBytes += 65_536;
      };
      response.on('drain', more);
      more();
    });
    await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = endless.address() as AddressInfo;
      await using other = await started(store, { url: `http://127.0.0.1:${port}/` });
      await tell(store, 'alert', { number: 2 });
      await until('the answer to count', async () => (await store.webhookCursor()) === 2);
      expect(other.problems.list()).to.deep.equal([]);
      expect(sentBytes).to.be.lessThan(20_000_000);
    } finally {
      endless.closeAllConnections();
      endless.close();
    }
  });

  it('goes on where it was when it is opened again, the receiver too, with the same ids', async () => {
    await using at = await place();
    const store = await at.open();
    // Nobody else is given it by chance while there is no receiver.
    const [port] = await freePorts(1);
    const first = await webhookReceiver(secret, port);
    {
      await using _run = await started(store, { url: first.url });
      await tell(store, 'alert', { number: 1 });
      await until('the first', () => first.taken.length === 1);
      // Has taken it, and the answer is lost: it will come again.
      first.answer = (_response, request) => {
        request.socket.destroy();
      };
      await tell(store, 'alert', { number: 2 });
      await until('a lost answer', () => first.requests() > 1);
    }
    await first.close();
    await tell(store, 'alert', { number: 3 });
    await using run = await started(store, { url: first.url });
    await until('nobody there', () => run.problems.has('webhook-failed'));
    await using second = await webhookReceiver(secret, port);
    await until('the rest', () => second.taken.length === 2);
    expect(numbersOf(second)).to.deep.equal([2, 3]);
    expect(second.taken.map(({ id }) => id.split('-')[0])).to.deep.equal(['2', '3']);
  });

  it('keeps its place while there is no receiver, and the ids when an answer was lost', async () => {
    await using at = await place();
    const store = await at.open();
    await using receiver = await webhookReceiver(secret);
    const ids: string[] = [];
    receiver.answer = (response, request) => {
      ids.push(String(request.headers['webhook-id']));
      if (ids.length < 3) request.socket.destroy();
      else response.writeHead(200).end();
    };
    await using _run = await started(store, { url: receiver.url });
    await tell(store, 'alert', { number: 1 });
    await until('three tries', () => ids.length === 3);
    expect(new Set(ids).size).to.equal(1);
  });

  it('does not run ahead when a rebuild has lost events', async () => {
    await using at = await place();
    const store = await at.open();
    await store.webhookCursor();
    await store.moveWebhookCursor(99);
    expect(await store.webhookCursor()).to.equal(0);
    await tell(store, 'alert', {});
    await store.moveWebhookCursor(1);
    await store.moveWebhookCursor(0);
    expect(await store.webhookCursor()).to.equal(1);
    const stale = { name: 'webhook', owner: 'x', token: 9, expiresMs: 0 };
    const failed = await store.moveWebhookCursor(2, { lease: stale }).catch((error: { code: string }) => error.code);
    expect(failed).to.equal('storage-failed');
  });

  it('is told by one process at a time', async () => {
    await using at = await place();
    const store = await at.open();
    await using receiver = await webhookReceiver(secret);
    const held = await store.acquireLease('webhook', 'another process', 60_000);
    await using _run = await started(store, { url: receiver.url });
    await tell(store, 'alert', { number: 1 });
    await until('a look at the lease', async () => (await store.eventsAfter(0, 9)).length === 1);
    expect(receiver.requests()).to.equal(0);
    await store.releaseLease(held!);
    await until('the event', () => receiver.taken.length === 1);
    const [event] = (await store.eventsAfter(0, 9)) as CentreEvent[];
    expect(receiver.taken[0]!.id.startsWith(`${event!.seq}-`)).to.equal(true);
  });
});
