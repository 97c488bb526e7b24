import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Acceptance } from '../../services/core/acceptance.ts';
import { checkAcceptance } from '../../services/core/acceptance.ts';
import type { CheckedRecord } from '../../services/core/record.ts';
import { databaseFile } from '../../services/store/database.ts';
import { json, post, postBatch, receiptOf, recordOf } from '../support/centreApi.ts';
import { statusOf } from '../support/centreProcess.ts';
import { type Consortium, type Member, startConsortium } from '../support/consortium.ts';
import { crypto, randomSigner, signedRecord, textOf } from '../support/recordKit.ts';
import { expectSameLogs, untilSettled } from '../support/sameLogs.ts';
import { until } from '../support/until.ts';

describe('many centres', () => {
  let consortium: Consortium;
  const signer = randomSigner();
  const ids: CheckedRecord['id'][] = [];
  const urlOf = (index: number): string => consortium.members[index]!.url;
  const records = async (count: number, name: string): Promise<CheckedRecord[]> =>
    await Promise.all(
      Array.from({ length: count }, (_, at) => signedRecord(consortium.network, signer, `${name} ${at}`)),
    );

  /** Gossip takes a moment. */
  const known = (url: string, { id }: CheckedRecord): Promise<true> =>
    until('the record to come', async () => (await fetch(`${url}/v1/records/${id}`)).status === 200 || undefined);

  before(async () => {
    consortium = await startConsortium({ centres: 4 });
  });
  after(() => consortium?.[Symbol.asyncDispose]());

  it('finds the others by itself, and proves who it is by its key', async () => {
    await until('everybody connected with everybody', async () => {
      const all = await Promise.all(consortium.members.map(({ url }) => statusOf(url)));
      return all.every(({ peers }) => peers.length === 3 && peers.every(({ connected }) => connected)) || undefined;
    });
  });

  it('keeps one log in all centres, whoever takes the records', async () => {
    for (const [index] of consortium.members.entries()) {
      const lines = await postBatch(urlOf(index), await records(150, `from ${index}`), (id) => ids.push(id));
      expect(lines.every(({ status }) => status === 'accepted')).to.equal(true);
    }
    await untilSettled(consortium, 600);
    await expectSameLogs(consortium, ids);
  });

  it('lets each centre publish in its turn', async () => {
    for (let round = 0; round < 8; round++) {
      // Operations of databases are records like any other.
      const kind = round % 2 === 0 ? 'evidence' : 'database';
      const record = await signedRecord(consortium.network, signer, `turn ${round}`, { kind });
      ids.push(record.id);
      await post(urlOf(round % 4), record);
      await known(urlOf((round + 1) % 4), record);
      await receiptOf(urlOf((round + 1) % 4), record);
    }
    const { body } = await json(`${urlOf(0)}/v1/blocks?limit=100`);
    const blocks = body.items as { header: { publisher: string; slot: number }; signatures: unknown[] }[];
    for (const { header, signatures } of blocks) {
      expect(header.publisher).to.equal(consortium.members[header.slot % 4]!.address);
      expect(signatures.length).to.be.at.least(3);
    }
    expect(new Set(blocks.map(({ header }) => header.publisher)).size).to.be.at.least(2);
    await untilSettled(consortium, ids.length);
  });

  it('answers ack=quorum with the promises of a quorum that has the record on disk', async () => {
    const [record] = await records(1, 'held');
    ids.push(record!.id);
    const { status, body } = await json(`${urlOf(2)}/v1/records?ack=quorum`, {
      method: 'POST',
      body: textOf(record!),
      headers: { 'content-type': 'application/json' },
    });
    expect(status, JSON.stringify(body)).to.equal(201);
    const acceptances = body.acknowledgements as Acceptance[];
    expect(acceptances.length).to.be.at.least(3);
    for (const acceptance of acceptances) checkAcceptance(consortium.network, acceptance, crypto);
    const centres = acceptances.map(({ centre }) => centre);
    expect(new Set(centres).size).to.equal(centres.length);
    expect(centres[0]).to.equal(consortium.members[2]!.address);
    // The same promise again from one that got it from the other.
    const again = await post(urlOf(0), record!);
    if (again.body.status === 'known') {
      const own = acceptances.find(({ centre }) => centre === consortium.members[0]!.address);
      if (own) expect(again.body.acceptance).to.deep.equal(own);
    }
    await untilSettled(consortium, ids.length);
  });

  it('answers ack=quorum with quorum-unreachable where too few are up, and keeps the record', async () => {
    const [, , one, other] = consortium.members;
    await Promise.all([one!.kill(), other!.kill()]);
    const [record] = await records(1, 'not held');
    const { status, body } = await json(`${urlOf(0)}/v1/records?ack=quorum&wait=2`, {
      method: 'POST',
      body: textOf(record!),
      headers: { 'content-type': 'application/json' },
    });
    expect(status, JSON.stringify(body)).to.equal(503);
    expect(body).to.include({ code: 'quorum-unreachable' });
    checkAcceptance(consortium.network, (body.data as { acceptance: Acceptance }).acceptance, crypto);
    ids.push(record!.id);
    await Promise.all([one!.start(), other!.start()]);
    await untilSettled(consortium, ids.length);
  });

  it('seals exactly one of two rivals posted to two centres at the same instant', async () => {
    for (let round = 0; round < 3; round++) {
      const [title] = await records(1, `title ${round}`);
      ids.push(title!.id);
      await post(urlOf(0), title!);
      await receiptOf(urlOf(0), title!);
      await untilSettled(consortium, ids.length);
      const heir = (name: string): Promise<CheckedRecord> =>
        signedRecord(consortium.network, signer, `${name} ${round}`, { supersedes: title!.id });
      const rivals = await Promise.all([heir('one'), heir('other')]);
      const answers = await Promise.all([post(urlOf(1), rivals[0]!), post(urlOf(3), rivals[1]!)]);
      const accepted = rivals.filter((_, at) => answers[at]!.status === 201);
      expect(accepted.length).to.be.at.least(1);
      const settled = await until('both decided', async () => {
        const views = await Promise.all(
          accepted.map(({ id }, at) =>
            recordOf(urlOf(accepted.length === 2 ? [1, 3][at]! : answers[0]!.status === 201 ? 1 : 3), id),
          ),
        );
        return views.every(({ state }) => state !== 'pooled') ? views : undefined;
      });
      const winners = settled.filter(({ state }) => state === 'logged');
      expect(winners).to.have.length(1);
      ids.push(winners[0]!.id);
      const losers = settled.filter(({ state }) => state === 'refused');
      for (const { refusal } of losers) {
        expect(refusal).to.include({ reason: 'record-successor-taken', winner: winners[0]!.id });
      }
      await untilSettled(consortium, ids.length);
    }
  });

  it('takes over when the publisher is dead, and brings the dead one up to date', async () => {
    const [, , , dead] = consortium.members;
    await dead!.kill();
    const some = await records(40, 'without the fourth');
    await postBatch(urlOf(0), some, (id) => ids.push(id));
    await untilSettled(consortium, ids.length);
    await dead!.start();
    await untilSettled(consortium, ids.length);
    await expectSameLogs(consortium, ids);
  });

  /** As after the loss of a disk: the keys are all that is left. */
  async function lose({ dataDir, kill }: Member): Promise<void> {
    await kill();
    for (const name of ['log', ...['', '-wal', '-shm'].map((end) => databaseFile + end)]) {
      await rm(join(dataDir, name), { recursive: true, force: true });
    }
  }

  it('lets a centre that has lost everything catch up', async () => {
    const [, lost] = consortium.members;
    await lose(lost!);
    await lost!.start();
    // Its votes are lost too.
    await until('it to say so', () => lost!.process.stderr().includes('signing nothing until this slot is over'));
    await untilSettled(consortium, ids.length);
    await expectSameLogs(consortium, ids);
  });

  it('lets one catch up from tiles over HTTP that can reach no other, nor be reached', async () => {
    const lost = consortium.members[2]!;
    await lose(lost);
    // Nobody answers at port 9 (discard): neither where it dials the others, nor where it says that it is.
    const nowhere = '/ip4/127.0.0.1/tcp/9';
    const others = consortium.members.filter((member) => member !== lost);
    const peers = await Promise.all(
      others.map(async ({ url, address }) => `${address}=${nowhere}/p2p/${(await json(`${url}/v1/peer`)).body.peerId}`),
    );
    await lost.start({ args: [...lost.spec.args!, '--announce', nowhere, '--peers', peers.join(',')] });
    await untilSettled(consortium, ids.length);
    const { peers: seen } = await statusOf(lost.url);
    expect(seen.map(({ connected }) => connected)).to.deep.equal([false, false, false]);
    await until('it to say from where', () => lost.process.stderr().includes('"source":"tiles of http'));
    await expectSameLogs(consortium, ids);
    await lost.kill();
    await lost.start();
  });
});
