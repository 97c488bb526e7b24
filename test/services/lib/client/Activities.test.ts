import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { checkTrust } from '../../../../services/core/activities/certificate.ts';
import { type Activities, Notarium, signDeviceStatement } from '../../../../services/index.ts';
import type { ActivityStore } from '../../../../services/store/activities/ActivityStore.ts';
import { serveActivities } from '../../../support/activityHttp.ts';
import { activityNetwork, person, randomHash } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, reaches } from '../../../support/activityNodes.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { stopHttpTests } from '../../../support/httpTest.ts';
import { until } from '../../../support/until.ts';

async function* pieces(count: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < count; at++) yield new Uint8Array(1 << 16).fill(at);
}

/** Of centres that let out what nobody can open: they do not know what they have answered to an upload. */
function forgetful(store: ActivityStore): ActivityStore {
  return { ...store, saveUpload: ({ answerDigest: _, ...upload }) => store.saveUpload(upload) };
}

describe('client of private activities', () => {
  let world: ActivityWorld;
  let nodes: [ActivityNode, ActivityNode, ActivityNode];
  let buyer: Activities;
  let seller: Activities;
  before(async () => {
    world = new ActivityWorld();
    nodes = await world.open(3, { wrapStore: forgetful });
    const clients = nodes.slice(0, 2).map(async ({ desk }) => {
      const http = await serveActivities(desk);
      const { secret } = await http.key('client', ['admin']);
      return new Notarium({ url: http.url, apiKey: secret }).activities;
    });
    [buyer, seller] = (await Promise.all(clients)) as [Activities, Activities];
  });
  after(async () => {
    await stopHttpTests();
    await world.close();
  });

  const order = { kind: 'industrial', request: 'trust', receivers: ['Node 2'] } as const;

  it('begins, updates, countersigns, and gets the certificate', async () => {
    const first = await buyer.start({ ...order, body: { pumps: 3 }, rules: { approval: 'unanimity' } });
    await reaches(first.message, nodes[1]);
    const update = await seller.update(first.activity, { body: { pumps: 4 } });
    await reaches(update.message, nodes[0]);
    await expectCode('activity-version-stale', buyer.update(first.activity, { body: 1, builds: [first.message] }));
    const note = await buyer.note(first.activity, { on: update.message, body: 'four will do' });
    await expectCode('not-found', seller.certificate(first.activity, update.message));
    await buyer.countersign(first.activity, update.message);
    const shown = await until('the certificate', async () => {
      const activity = await buyer.get(first.activity);
      return activity.versions[1]?.certificate !== undefined && activity;
    });
    expect(shown.terms.rules).to.deep.equal({ history: true, approval: 'unanimity' });
    expect(shown.heads).to.deep.equal([update.message]);
    expect(shown.members.map(({ name, role }) => `${name} ${role}`).toSorted()).to.deep.equal([
      'Node 1 initiator',
      'Node 2 receiver',
    ]);
    expect(shown.versions[1]).to.include({ recipients: 2 });
    expect(shown.versions[1]!.notes).to.deep.equal([note.message]);
    const certificate = await buyer.certificate(first.activity, update.message);
    expect(certificate.members).to.have.members([nodes[0].address, nodes[1].address]);
    checkTrust(activityNetwork, certificate, certificate.signatures, [nodes[0].address, nodes[1].address]);
    const lines = await Array.fromAsync(buyer.messages(first.activity));
    expect(lines.map(({ type }) => type)).to.include.members(['start', 'update', 'note', 'certificate']);
    const deliveries = await until('the note was read', async () => {
      const all = await buyer.deliveries(first.activity, note.message);
      return all[0]?.state === 'read' && all;
    });
    expect(deliveries).to.have.length(1);
    const message = await seller.message(first.activity, note.message);
    expect(message.parcel.body).to.have.property('body', 'four will do');
    await expectCode('not-found', seller.message(first.activity, randomHash()));
  });

  it('sends nothing that JSON would make something else of', async () => {
    const inItself: Record<string, unknown> = {};
    inItself.again = inItself;
    const bodies: [unknown, string][] = [
      [{ price: Number.NaN }, 'body.price: NaN'],
      [[1, Number.POSITIVE_INFINITY], 'body[1]: Infinity'],
      [{ list: [1, undefined] }, 'body.list[1]: undefined'],
      [{ count: 10n }, 'body.count: a bigint'],
      [{ at: new Date(0) }, 'body.at: a Date'],
      [new Map([['a', 1]]), 'body: a Map'],
      [{ say: () => 1 }, 'body.say: a function'],
      ['half \ud800', 'body: a text with half a character'],
      [inItself, 'what is nested so deep'],
    ];
    const before = await Array.fromAsync(buyer.list());
    for (const [body, detail] of bodies) {
      const error = await expectCode('activity-body-invalid', buyer.start({ ...order, body: body as string }));
      expect(error.detail).to.contain(detail);
    }
    expect(await Array.fromAsync(buyer.list())).to.have.length(before.length);
    // As for JSON.stringify, what is undefined is none.
    const { activity, message } = await buyer.start({ ...order, body: { a: null, b: undefined } as never });
    const { parcel } = await buyer.message(activity, message);
    expect(parcel.body).to.have.property('body').that.deep.equals({ a: null });
  });

  it('changes members by vote and at once, and leaves', async () => {
    const { activity, message } = await buyer.start({ ...order, request: 'information', body: 1 });
    await reaches(message, nodes[1]);
    const proposed = await seller.propose(activity, { add: { party: 'Node 3', role: 'regulator' } });
    await reaches(proposed.message, nodes[0]);
    await buyer.vote(activity, proposed.message, true);
    for (const each of [buyer, seller])
      await until('the third is a member', async () => (await each.get(activity)).members.length === 3);
    const removed = await buyer.changeMembers(activity, { remove: ['Node 3'] });
    await reaches(removed.message, nodes[1]);
    await expectCode('activity-role', seller.changeMembers(activity, { remove: ['Node 1'] }));
    await expectCode('party-unknown', buyer.changeMembers(activity, { add: [{ party: 'Nobody', role: 'receiver' }] }));
    await seller.leave(activity);
    expect((await seller.get(activity)).role).to.equal(undefined);
    await expectCode('activity-not-member', seller.update(activity, { body: 2 }));
    const ids = (await Array.fromAsync(buyer.list())).map(({ id }) => id);
    for (const id of ids)
      expect((await Array.fromAsync(buyer.list({ begins: id.slice(0, 12) }))).map((each) => each.id)).to.deep.equal([
        id,
      ]);
    await expectCode('request-invalid', Array.fromAsync(buyer.list({ begins: '0xG' })));
    expect(ids).to.include(activity);
  });

  it('sends and gets files as streams, and finds one that is not what it should be', async () => {
    const hash = createHash('sha256');
    for await (const piece of pieces(100)) hash.update(piece);
    const digest = `0x${hash.digest('hex')}`;
    const name = 'Größe 5%.bin';
    const file = await buyer.putAttachment({ name, mediaType: 'application/zip', content: pieces(100) });
    expect(file).to.include({ name, mediaType: 'application/zip', sizeBytes: 100 << 16, digest });
    const lie = { ...file, digest: randomHash() };
    const { activity, message } = await buyer.start({ ...order, body: 1, attachments: [file, lie] });
    await reaches(message, nodes[1]);
    const got = await seller.attachment(activity, { message, index: 0 });
    const again = createHash('sha256');
    for await (const chunk of got.content) again.update(chunk);
    expect(`0x${again.digest('hex')}`).to.equal(digest);
    await expectCode('not-found', seller.attachment(activity, { message, index: 2 }));
    const wrong = await Promise.allSettled([
      (async () => {
        const { content } = await buyer.attachment(activity, { message, index: 1 });
        for await (const _ of content);
      })(),
    ]);
    expect(wrong[0].status === 'rejected' && (wrong[0].reason as { code: string }).code).to.be.oneOf([
      'attachment-corrupt',
      'server-unreachable',
    ]);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield randomBytes(1 << 16);
      throw new Error('the disk is gone');
    }
    const failed = await buyer.putAttachment({ name, content: broken() }).catch((error: Error) => error.message);
    expect(failed).to.equal('the disk is gone');
  });

  it('sends what a device has signed, as long as its credential holds', async () => {
    const device = person(77).signer;
    const expires = Math.floor(Date.now() / 1000) + 600;
    const { id } = await buyer.issueCredential({ device: device.address, name: 'scale 5', expires });
    const salt = randomHash();
    const place = { credential: id, on: [] };
    const first = { ...place, activity: salt, type: 'start', body: { kilograms: 12 } } as const;
    const sent = await buyer.start({
      ...{ ...order, salt },
      device: await signDeviceStatement(activityNetwork, device, first),
    });
    const { activity } = sent;
    const next = { ...place, activity, type: 'update', on: [sent.message], body: 2 } as const;
    const say = () => signDeviceStatement(activityNetwork, device, next);
    await reaches(sent.message, nodes[1]);
    const { parcel } = await seller.message(activity, sent.message);
    expect(parcel.head).to.have.nested.property('device.credential.device', device.address);
    const other = await signDeviceStatement(activityNetwork, person(78).signer, next);
    await expectCode('device-credential-invalid', buyer.update(activity, { device: other }));
    await buyer.revokeCredential(id);
    await expectCode('not-found', buyer.revokeCredential(id));
    await expectCode('device-credential-invalid', buyer.update(activity, { device: await say() }));
    const [held] = await buyer.credentials();
    expect(held).to.include({ id, name: 'scale 5' }).and.to.have.property('revokedAt');
  });
});
