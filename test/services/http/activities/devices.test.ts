import { expect } from 'chai';
import { signCredential } from '../../../../services/core/activities/credential.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import { signDeviceStatement } from '../../../../services/lib/client/deviceStatement.ts';
import { type ActivityHttp, serveActivities, type TestKey } from '../../../support/activityHttp.ts';
import { activityNetwork, randomHash } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld } from '../../../support/activityNodes.ts';
import { expectProblem, stopHttpTests } from '../../../support/httpTest.ts';
import { randomSigner } from '../../../support/recordKit.ts';

type Issued = { readonly id: Hash };
type Sent = { readonly activity: Hash; readonly message: Hash };

describe('devices over HTTP', function () {
  this.timeout(60_000);
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

  it('speak by a credential that holds', async () => {
    const { id } = await issue(owner);
    for (const { path, body } of await statements(id)) {
      const answer = await http.ask('POST', path, owner, body);
      expect(answer.status, await answer.text()).to.equal(201);
    }
  });

  it('say a thing once: their client cannot send it again', async () => {
    const { id } = await issue(owner);
    const place = { on: [sent.message], activity: sent.activity, credential: id };
    const said = async () => ({
      on: sent.message,
      device: await signDeviceStatement(activityNetwork, device, { ...place, type: 'note', body: { kg: 7 } }),
    });
    const path = `/v1/activities/${sent.activity}`;
    const note = await said();
    const first = await http.ask('POST', `${path}/notes`, owner, note);
    expect(first.status, await first.text()).to.equal(201);
    const ids = async () =>
      (await http.get<{ items: { id: Hash }[] }>(`${path}/messages`, owner)).items.map((each) => each.id);
    const before = await ids();
    await expectProblem(http.ask('POST', `${path}/notes`, owner, note), 'device-credential-invalid');
    expect(await ids()).to.deep.equal(before);
    // The same again, as a word of its own.
    expect((await http.ask('POST', `${path}/notes`, owner, await said())).status).to.equal(201);
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

  it('say nothing that they have not signed, or have signed for another activity', async () => {
    const { id } = await issue(owner);
    await expectRefused(id, { signer: randomSigner() });
    await expectRefused(id, { activity: randomHash() });
  });
});
