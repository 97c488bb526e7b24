import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Hash } from '../../services/core/bytes.ts';
import { Notarium } from '../../services/index.ts';
import { type CentreProcess, startCentre } from '../support/centreProcess.ts';
import { type Consortium, startConsortium } from '../support/consortium.ts';
import { testPostgres } from '../support/postgres.ts';
import { s3Credentials, type TestS3, testS3 } from '../support/s3.ts';
import { until } from '../support/until.ts';

const order = { kind: 'industrial', request: 'both', receivers: ['Centre 2'] } as const;

describe('private activities of a centre that is several processes', () => {
  let consortium: Consortium;
  let s3: TestS3;
  const processes: CentreProcess[] = [];
  /** Two that publish, and one that serves only; then the other centre. */
  let first: Notarium;
  let second: Notarium;
  let third: Notarium;
  let seller: Notarium;
  let activity: Hash;

  before(async () => {
    s3 = await testS3();
    consortium = await startConsortium({ centres: 2, idle: [0] });
    const [buyer, other] = consortium.members as [Consortium['members'][0], Consortium['members'][0]];
    const env = {
      DATABASE_URL: await (await testPostgres()).createDatabase(),
      NOTARIUM_ATTACHMENTS_URL: s3.url('attachments'),
      NOTARIUM_S3_ACCESS_KEY_ID: s3Credentials.accessKeyId,
      NOTARIUM_S3_SECRET_ACCESS_KEY: s3Credentials.secretAccessKey,
    };
    const args = buyer.spec.args!;
    processes.push(await startCentre({ ...buyer.spec, env }));
    processes.push(await startCentre({ ...buyer.spec, env, port: 0 }));
    processes.push(await startCentre({ ...buyer.spec, env, port: 0, args: [...args, '--no-publish'] }));
    const apiKey = (await readFile(join(buyer.dataDir, 'admin-key'), 'utf8')).trim();
    const { rpcUrl } = consortium.chain;
    [first, second, third] = processes.map(({ url }) => new Notarium({ url, apiKey, rpcUrl })) as [
      Notarium,
      Notarium,
      Notarium,
    ];
    const otherKey = (await readFile(join(other.dataDir, 'admin-key'), 'utf8')).trim();
    seller = new Notarium({ url: other.url, apiKey: otherKey, rpcUrl });
  });
  after(async () => {
    await Promise.all(processes.map((each) => each.kill()));
    await consortium?.[Symbol.asyncDispose]();
    await s3?.stop();
  });

  const reaches = (centre: Notarium, message: Hash) =>
    until(`${message} comes`, () => centre.activities.message(activity, message).catch(() => undefined));

  it('is one activity at all of them, with its files', async () => {
    const bytes = randomBytes(3 << 20);
    const attachment = await first.activities.putAttachment({ name: 'plan', content: toChunks(bytes) });
    const began = await second.activities.start({ ...order, body: { step: 0 }, attachments: [attachment] });
    activity = began.activity;
    await reaches(seller, began.message);
    for (const centre of [first, second, third, seller]) {
      expect((await centre.activities.get(activity)).heads).to.deep.equal([began.message]);
      const file = await centre.activities.attachment(activity, { message: began.message, index: 0 });
      expect(Buffer.concat(await Array.fromAsync(file.content)).equals(bytes)).to.equal(true);
    }
    const kept = await readdir(join(consortium.members[0]!.dataDir, 'activities'), { recursive: true });
    expect(
      kept.filter((name) => /[0-9a-f]{64}$/.test(name)),
      'the files are in the bucket alone',
    ).to.deep.equal([]);
  });

  it('takes what is said at the same time at all of them, one after the other', async () => {
    const steps = Array.from({ length: 12 }, (_, step) => step);
    const sent = await Promise.all(
      steps.map((step) => [first, second, third][step % 3]!.activities.update(activity, { body: { step } })),
    );
    const shown = await Promise.all([first, second, third].map((centre) => centre.activities.get(activity)));
    for (const each of shown) expect(each).to.deep.equal(shown[0]);
    // Each builds on the one before: none of these processes has worked from what was not so any more.
    expect(shown[0]!.heads).to.have.length(1);
    expect(shown[0]!.versions.map(({ number }) => number)).to.deep.equal([1, ...steps.map((step) => step + 2)]);
    for (const { message } of sent) await reaches(seller, message);
    expect((await seller.activities.get(activity)).heads).to.deep.equal(shown[0]!.heads);
    const counted = await first.activities.update(activity, { body: { step: 'counted' } });
    await reaches(seller, counted.message);
    await seller.activities.countersign(activity, counted.message);
    for (const centre of [first, second, third])
      await until('a certificate everywhere', () =>
        centre.activities.certificate(activity, counted.message).catch(() => undefined),
      );
  });

  it('goes on when the one that delivers is killed', async () => {
    await processes[0]!.kill();
    const said = await third.activities.update(activity, { body: { step: 'after the kill' } });
    await reaches(seller, said.message);
    await until('it is known to be read', async () =>
      (await second.activities.deliveries(activity, said.message)).every(({ state }) => state !== 'queued'),
    );
    const answer = await seller.activities.note(activity, { on: said.message, body: 'seen' });
    for (const centre of [second, third]) await reaches(centre, answer.message);
  });
});

async function* toChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1 << 18) yield bytes.subarray(at, at + (1 << 18));
}
