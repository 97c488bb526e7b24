import { expect } from 'chai';
import { signCredential } from '../../../../services/core/activities/credential.ts';
import { wholeBody } from '../../../../services/core/activities/fields.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import { signDeviceStatement } from '../../../../services/lib/client/deviceStatement.ts';
import { type ActivityHttp, serveActivities, type TestKey } from '../../../support/activityHttp.ts';
import { activityNetwork, randomHash } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, reaches } from '../../../support/activityNodes.ts';
import { expectProblem, stopHttpTests } from '../../../support/httpTest.ts';
import { randomSigner } from '../../../support/recordKit.ts';

type Issued = { readonly id: Hash };
type Sent = { readonly activity: Hash; readonly message: Hash };

describe('devices over HTTP', () => {
  let world: ActivityWorld;
  let http: ActivityHttp;
  let seller: ActivityNode;
  let owner: TestKey;
  let stranger: TestKey;
  let sent: Sent;
  const device = randomSigner();
  const now = Math.floor(Date.now() / 1000);
  const asked = { device: device.address, name: 'scale', notBefore: now - 100, expires: now + 3600 };

  before(async () => {
    world = new ActivityWorld();
    const [buyer, other] = await world.open(2);
    seller = other;
    http = await serveActivities(buyer.desk);
    owner = await http.key('owner', ['read', 'submit']);
    stranger = await http.key('stranger', ['read', 'submit']);
    sent = await http.post<Sent>('/v1/activities', owner, { ...terms(), body: 'order' });
  });
  after(async () => {
    await stopHttpTests();
    await world.close();
  });

  const terms = () => ({ kind: 'person-thing', request: 'information', receivers: [seller.name] });
  const issue = (by: TestKey, changes: object = {}): Promise<Issued> =>
    http.post<Issued>('/v1/devices', by, { ...asked, ...changes });

  /** Everything that a device can say, as that credential has it say it. */
  async function statements(credential: Hash, changes: { signer?: typeof device; activity?: Hash } = {}) {
    const { signer = device } = changes;
    const made = async (type: 'start' | 'update' | 'note', activity: Hash) => ({
      device: await signDeviceStatement(activityNetwork, signer, {
        ...{ credential, type, body: 'weighed', on: type === 'start' ? [] : [sent.message] },
        activity: changes.activity ?? activity,
      }),
    });
    const salt = randomHash();
    return [
      { path: '/v1/activities', body: { ...terms(), salt, ...(await made('start', salt)) } },
      { path: `/v1/activities/${sent.activity}/versions`, body: await made('update', sent.activity) },
      {
        path: `/v1/activities/${sent.activity}/notes`,
        body: { on: sent.message, ...(await made('note', sent.activity)) },
      },
    ];
  }

  async function saidIn(activity: Hash): Promise<Hash[]> {
    const { items } = await http.get<{ items: { id: Hash }[] }>(`/v1/activities/${activity}/messages`, owner);
    return items.map(({ id }) => id);
  }

  async function expectRefused(
    credential: Hash,
    changes: { by?: TestKey; signer?: typeof device; activity?: Hash } = {},
  ): Promise<void> {
    const before = await saidIn(sent.activity);
    for (const { path, body } of await statements(credential, changes))
      await expectProblem(http.ask('POST', path, changes.by ?? owner, body), 'device-credential-invalid');
    expect(await saidIn(sent.activity)).to.deep.equal(before);
  }

  it('say a thing once: their client cannot send it again', async () => {
    const { id } = await issue(owner);
    // Its own: a version that is sent takes the place of the one that others build on.
    const { activity, message } = await http.post<Sent>('/v1/activities', owner, { ...terms(), body: 'order' });
    const said = (type: 'update' | 'note') =>
      signDeviceStatement(activityNetwork, device, {
        ...{ on: [message], activity, credential: id, type, body: { kg: 7 } },
      });
    const place = `/v1/activities/${activity}`;
    for (const [path, body, code] of [
      [`${place}/notes`, { on: message, device: await said('note') }, 'device-credential-invalid'],
      [`${place}/versions`, { builds: [message], device: await said('update') }, 'activity-version-stale'],
    ] as const) {
      const first = await http.ask('POST', path, owner, body);
      expect(first.status, await first.text()).to.equal(201);
      const before = await saidIn(activity);
      await expectProblem(http.ask('POST', path, owner, body), code);
      expect(await saidIn(activity)).to.deep.equal(before);
    }
    // The same again, as a word of its own.
    const again = { on: message, device: await said('note') };
    expect((await http.ask('POST', `${place}/notes`, owner, again)).status).to.equal(201);
  });

  it('speak by a credential that holds', async () => {
    const { id } = await issue(owner);
    for (const { path, body } of await statements(id)) {
      const answer = await http.ask('POST', path, owner, body);
      expect(answer.status, await answer.text()).to.equal(201);
    }
  });

  it('speak field by field: what they have signed are the digests of their fields', async () => {
    const { id } = await issue(owner);
    const body = { kg: 7, gate: 'north' };
    const said = () =>
      signDeviceStatement(activityNetwork, device, {
        ...{ on: [sent.message], activity: sent.activity, credential: id, type: 'note', body, fields: true },
      });
    const path = `/v1/activities/${sent.activity}/notes`;
    const { message } = await http.post<Sent>(path, owner, { on: sent.message, device: await said() });
    await reaches(message, seller);
    const { parcel } = await seller.desk.message({}, sent.activity, message);
    expect(parcel.head).to.have.nested.property('device.credential.id', id);
    expect(wholeBody(parcel.body, parcel.head.sender)).to.deep.equal(body);
    const before = await saidIn(sent.activity);
    const { body: packed, ...rest } = await said();
    if (!('packed' in packed)) throw new Error('it is in one piece');
    const { salt: _, ...others } = (await said()).body as typeof packed;
    const ask = (changed: object) =>
      http.ask('POST', path, owner, { on: sent.message, device: { ...rest, body: { ...packed, ...changed } } });
    await expectProblem(ask(others), 'device-credential-invalid');
    await expectProblem(ask({ disclosures: packed.disclosures.slice(1) }), 'activity-fields-invalid');
    await expectProblem(
      ask({ disclosures: [...packed.disclosures, packed.disclosures[0]] }),
      'activity-fields-invalid',
    );
    await expectProblem(ask({ packed: { ...(packed.packed as object), open: true } }), 'device-credential-invalid');
    await expectProblem(ask({ sdJwt: 'a.b.c' }), 'request-invalid');
    expect(await saidIn(sent.activity)).to.deep.equal(before);
  });

  it('say nothing by one that has expired, does not hold yet, or was taken back', async () => {
    await expectRefused((await issue(owner, { notBefore: now - 100, expires: now - 50 })).id);
    await expectRefused((await issue(owner, { notBefore: now + 1800 })).id);
    const { id } = await issue(owner);
    expect((await http.ask('DELETE', `/v1/devices/${id}`, owner)).status).to.equal(204);
    await expectRefused(id);
    await expectProblem(http.ask('DELETE', `/v1/devices/${id}`, owner), 'not-found');
  });

  it('say nothing by one of another client’s, of another operator’s, or that nobody has issued', async () => {
    const ofStranger = await issue(stranger);
    await expectRefused(ofStranger.id);
    const { id } = await issue(owner);
    await expectProblem(http.ask('DELETE', `/v1/devices/${id}`, stranger), 'not-found');
    const ofSeller = await seller.desk.issueCredential({}, asked);
    await expectRefused(ofSeller.id);
    const self = { ...asked, id: randomHash() };
    await expectRefused((await signCredential(activityNetwork, self, device)).id);
  });

  it('begin an activity once, and whether another client’s device has is not told', async () => {
    const { id } = await issue(owner);
    const salt = randomHash();
    const begun = async (credential: Hash) => ({
      ...{ ...terms(), salt },
      device: await signDeviceStatement(activityNetwork, device, {
        ...{ credential, activity: salt, type: 'start', on: [], body: 'weighed' },
      }),
    });
    const first = await http.post<Sent>('/v1/activities', owner, await begun(id));
    await expectProblem(http.ask('POST', '/v1/activities', owner, await begun(id)), 'request-invalid');
    const ofStranger = await issue(stranger);
    // What the device has said for one client is nothing for the other, whether its activity is there or not.
    for (const drawn of [salt, randomHash()]) {
      const { device: said } = await begun(id);
      const asked = { ...terms(), salt: drawn, device: { ...said, credential: ofStranger.id } };
      await expectProblem(http.ask('POST', '/v1/activities', stranger, asked), 'device-credential-invalid');
    }
    // The same salt, by the same device and node, for another client: it is answered like any other one.
    const other = await http.post<Sent>('/v1/activities', stranger, await begun(ofStranger.id));
    expect(other.activity).to.not.equal(first.activity);
    for (const by of [owner, stranger]) {
      await expectProblem(http.ask('POST', '/v1/activities', by, { ...terms(), salt, body: 1 }), 'request-invalid');
      const { salt: _, ...without } = await begun(by === owner ? id : ofStranger.id);
      await expectProblem(http.ask('POST', '/v1/activities', by, without), 'request-invalid');
    }
  });

  it('say nothing that they have not signed, or have signed for another activity', async () => {
    const { id } = await issue(owner);
    await expectRefused(id, { signer: randomSigner() });
    await expectRefused(id, { activity: randomHash() });
  });
});
