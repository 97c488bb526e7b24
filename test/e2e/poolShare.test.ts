import { expect } from 'chai';
import { jsonFrame, protocols, topics } from '../../services/app/replication/wire.ts';
import { encodeEntries } from '../../services/core/log/entryBundle.ts';
import type { CheckedRecord } from '../../services/core/record.ts';
import { type Attacker, openAttacker } from '../support/attacker.ts';
import { post } from '../support/centreApi.ts';
import { statusOf } from '../support/centreProcess.ts';
import { type Consortium, startConsortium } from '../support/consortium.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';
import { until } from '../support/until.ts';

const poolLimit = 40;

describe('a centre that floods the pools with valid records', () => {
  let consortium: Consortium;
  let attacker: Attacker;
  const signer = randomSigner();
  let count = 0;

  before(async () => {
    // Without the attacker's vote nothing is sealed, and the pool only grows.
    consortium = await startConsortium({ centres: 2, idle: [1], args: ['--pool-limit', String(poolLimit)] });
    attacker = await openAttacker(consortium, consortium.members[1]!);
    await attacker.meet(consortium.members[0]!);
  });
  after(async () => {
    await attacker?.[Symbol.asyncDispose]();
    await consortium?.[Symbol.asyncDispose]();
  });

  const some = (many: number): Promise<CheckedRecord[]> =>
    Promise.all(Array.from({ length: many }, () => signedRecord(consortium.network, signer, `flood ${++count}`)));
  const pooled = async (): Promise<number> => (await statusOf(consortium.members[0]!.url)).pool.count;

  it('has its share by gossip, no more by comparing pools, and is not blamed', async () => {
    const [victim] = consortium.members;
    await until('the share to be full', async () => {
      await attacker.gossip(topics.records, async () => encodeEntries((await some(5)).map(({ entry }) => entry)));
      return (await pooled()) === poolLimit / 2;
    });
    const offered = await some(5);
    attacker.offer(offered);
    let asked = 0;
    const give = attacker.answers.get(protocols.records)!;
    attacker.answers.set(protocols.records, async function* (...request) {
      asked++;
      yield* give(...request);
    });
    attacker.answers.set(protocols.pool, async function* () {
      yield jsonFrame({ instance: 'flood', lastSeq: 5, isEnd: true });
      for (const { idBytes } of offered) yield idBytes;
    });
    // It comes again for what it has not taken.
    await until('the victim to ask twice', () => asked >= 2);
    expect(await pooled()).to.equal(poolLimit / 2);
    const { peers } = await statusOf(victim!.url);
    expect(peers[0]).to.include({ address: attacker.address, connected: true, score: 0 });
  });

  it('leaves room for the clients of the other', async () => {
    const [victim] = consortium.members;
    for (const record of await some(poolLimit / 2)) expect((await post(victim!.url, record)).status).to.equal(201);
    const [more] = await some(1);
    expect((await post(victim!.url, more!)).body).to.include({ code: 'pool-full' });
  });
});
