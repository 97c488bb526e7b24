import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { defaultActivitySettings } from '../../../../services/app/activities/ActivityHost.ts';
import type { ActivityParts } from '../../../../services/app/activities/ActivityParts.ts';
import { FirstComparisons } from '../../../../services/app/activities/exchange/FirstComparisons.ts';
import { activityProtocols } from '../../../../services/app/activities/exchange/items.ts';
import { type Address, fromHex, type Hash } from '../../../../services/core/bytes.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { digestText } from '../../../../services/core/record.ts';
import { signDeviceStatement } from '../../../../services/lib/client/deviceStatement.ts';
import type { Net } from '../../../../services/net/Net.ts';
import type { StoredMessage } from '../../../../services/store/activities/ActivityStore.ts';
import { activityNetwork, person, randomHash } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { changingAnswers } from '../../../support/activityWire.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { SteppedClock } from '../../../support/SteppedClock.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'industrial', request: 'information' } as const;
// However slow the machine is: nothing is said in a test because it is over.
const long = 600_000;

describe('a node that was restored from a backup', () => {
  let world: ActivityWorld;
  let buyer: ActivityNode;
  let seller: ActivityNode;
  let mallory: ActivityNode;
  let activity: Hash;
  async function begin(catchUpMs: number, options: Parameters<ActivityWorld['open']>[1] = {}): Promise<void> {
    const nodes = await world.open(3, { ...options, settings: { catchUpMs, ...options.settings } });
    // The one with the lowest address asks the others first.
    [buyer, seller, mallory] = nodes.toSorted((a, b) => (a.address < b.address ? -1 : 1)) as typeof nodes;
    const receivers = [seller.name, mallory.name];
    const sent = await buyer.desk.start(operator, { ...order, receivers, body: 'one' });
    await reaches(sent.message, seller, mallory);
    ({ activity } = sent);
  }
  beforeEach(() => {
    world = new ActivityWorld();
  });
  afterEach(() => world.close());

  /** What the buyer had before is what it has again after the work. */
  async function lostAfter(work: () => Promise<void>): Promise<void> {
    const at = (name: string): Promise<string> => world.folder().then((folder) => join(folder, name));
    const own = `node ${world.nodes.indexOf(buyer) + 1}`;
    await buyer.close();
    await cp(await at(own), await at('backup'), { recursive: true });
    await buyer.open();
    await world.connect();
    await work();
    await buyer.close();
    await rm(await at(own), { recursive: true });
    await cp(await at('backup'), await at(own), { recursive: true });
    await buyer.open();
  }

  it('says nothing before it knows whom it has removed since', async () => {
    await begin(long);
    let removal: Hash | undefined;
    await lostAfter(async () => {
      ({ message: removal } = await buyer.desk.changeMembers(operator, activity, { remove: [mallory.name] }));
      await reaches(removal, seller);
    });
    const said = buyer.desk.update(operator, activity, { body: 'after the removal' });
    await world.connect();
    const { message } = await said;
    await reaches(message, seller);
    expect(await buyer.has(removal!)).to.equal(true);
    expect((await buyer.desk.show(operator, activity)).members).to.have.length(2);
    expect((await buyer.desk.deliveries(operator, activity, message)).map(({ member }) => member)).to.deep.equal([
      seller.address,
    ]);
  });

  it('says nothing that waits for that when it is stopped, nor after its next start', async () => {
    await begin(long);
    await lostAfter(async () => {
      const removal = await buyer.desk.changeMembers(operator, activity, { remove: [mallory.name] });
      await reaches(removal.message, seller);
    });
    // Nobody is connected, so it waits.
    const said = expectCode('not-ready', buyer.desk.update(operator, activity, { body: 'not for who is removed' }));
    await new Promise((resolve) => setImmediate(resolve));
    await buyer.close();
    await said;
    await buyer.open();
    expect((await buyer.desk.show(operator, activity)).versions).to.have.length(1);
  });

  it('compares what somebody wants to speak in at once, whatever it is comparing', async () => {
    const heldUp = Promise.withResolvers<void>();
    let held: Set<Address> | undefined;
    const wrapNet = (net: Net): Net => {
      const { request } = net;
      const holding: Net['request'] = async function* (peer, protocol, frames, options) {
        const all = await Array.fromAsync(frames);
        const isByBuyer = net.address === buyer.address && protocol === activityProtocols.compare;
        const asked = Buffer.concat(all);
        // What is compared by itself is much; for one alone somebody waits.
        if (held && isByBuyer && asked.length > 500 && !asked.includes(activity)) {
          held.add(peer);
          await heldUp.promise;
        }
        yield* request(peer, protocol, all, options);
      };
      return Object.assign(net, { request: holding });
    };
    const { lookMs, compareMs } = defaultActivitySettings;
    await begin(long, { wrapNet, settings: { lookMs, compareMs } });
    const receivers = [seller.name, mallory.name];
    const others = Array.from({ length: 64 }, (_, at) => buyer.desk.start(operator, { ...order, receivers, body: at }));
    for (const { message } of await Promise.all(others)) await reaches(message, seller, mallory);
    await lostAfter(async () => {
      const removal = await buyer.desk.changeMembers(operator, activity, { remove: [mallory.name] });
      await reaches(removal.message, seller);
    });
    held = new Set();
    await world.connect();
    await until('the others are compared with both', () => held?.size === 2);
    const { message } = await buyer.desk.update(operator, activity, { body: 'after the removal' });
    const to = (await buyer.desk.deliveries(operator, activity, message)).map(({ member }) => member);
    heldUp.resolve();
    expect(to).to.deep.equal([seller.address]);
  });

  it('asks again soon where the others are busy', async () => {
    let busy: Set<Address> | undefined;
    const wrapNet = (net: Net): Net => {
      const handle = net.handle.bind(net);
      const wrapped: Net['handle'] = (protocol, answer) =>
        handle(protocol, (frames, from, signal) => {
          const isFirst =
            busy && protocol === activityProtocols.compare && from === buyer.address && !busy.has(net.address);
          if (!isFirst) return answer(frames, from, signal);
          busy!.add(net.address);
          throw new NotariumError('peer-busy');
        });
      return Object.assign(net, { handle: wrapped });
    };
    // It would be tried again after compareMs.
    await begin(long, { wrapNet, settings: { compareMs: 600_000 } });
    await lostAfter(async () => {
      const removal = await buyer.desk.changeMembers(operator, activity, { remove: [mallory.name] });
      await reaches(removal.message, seller);
    });
    busy = new Set();
    const said = buyer.desk.update(operator, activity, { body: 'after the removal' });
    await world.connect();
    const { message } = await said;
    expect(busy.size).to.equal(2);
    const to = (await buyer.desk.deliveries(operator, activity, message)).map(({ member }) => member);
    expect(to).to.deep.equal([seller.address]);
  });

  it('waits from when there is a network on, as nobody can be asked before', async () => {
    const clock = new SteppedClock();
    const store = { isShared: false, activity: async () => ({ createdMs: clock.nowMs() - 1 }) };
    const parts = { clock, store, settings: { catchUpMs: 10_000 } } as unknown as ActivityParts;
    const first = new FirstComparisons(parts, new AbortController().signal);
    const waiting = first.wait(randomHash(), async () => [person(2).address]);
    await until('it waits', () => clock.sleeping(0).length > 0);
    // What the network takes to come is none of the time.
    expect(clock.sleeping(10_000)).to.have.length(1);
    first.joined();
    await until('it waits anew', () => clock.sleeping(0).length > 0);
    expect(clock.sleeping(10_000)).to.deep.equal([]);
    clock.advance(10_000);
    await waiting;
  });

  it('says nothing by itself either: what a removed member sends brings it no answer', async () => {
    [buyer, seller, mallory] = await world.open(3, { settings: { catchUpMs: long } });
    const receivers = [seller.name, mallory.name];
    const sent = await buyer.desk.start(operator, { ...order, request: 'both', receivers, body: 'one' });
    const version = sent.message;
    ({ activity } = sent);
    await reaches(version, seller, mallory);
    await reaches((await seller.desk.countersign(operator, activity, version)).message, buyer, mallory);
    let removal: Hash | undefined;
    await lostAfter(async () => {
      ({ message: removal } = await buyer.desk.changeMembers(operator, activity, { remove: [mallory.name] }));
      await reaches(removal, seller);
      await seller.close();
    });
    await world.connect();
    const saidTo = async (epoch: number) => {
      const all = await buyer.desk.messages(operator, activity, { limit: 99 });
      return all.flatMap(({ type, sender, parcel }) =>
        sender === buyer.address && parcel.head.epoch === epoch ? [type] : [],
      );
    };
    expect(await saidTo(0)).to.deep.equal(['start', 'countersignature']);
    // It does not know that it was removed, nor does the buyer any more: with this signature all have signed.
    const { message: last } = await mallory.desk.countersign(operator, activity, version);
    await reaches(last, buyer);
    expect(await saidTo(0)).to.deep.equal(['start', 'countersignature']);
    await seller.open();
    await world.connect();
    await until('the buyer makes the certificate, or has that of another one', async () => {
      const { versions, members } = await buyer.desk.show(operator, activity);
      return versions[0]!.certificate !== undefined && members.length === 2;
    });
    expect(await buyer.has(removal!)).to.equal(true);
    expect(await saidTo(0)).to.deep.equal(['start', 'countersignature']);
  });

  it('says after its next start what it had to say when it was stopped before it knew enough', async () => {
    let catchUpMs = long;
    /** Places of messages that a node keeps to itself. */
    const hidden = new Map<Address, number>();
    const settings = {
      get catchUpMs() {
        return catchUpMs;
      },
    };
    const wrapNet = (net: Net): Net =>
      changingAnswers(net, activityProtocols.messages, (items) =>
        items.filter((item) => (JSON.parse(item) as { place: number }).place !== hidden.get(net.address)),
      );
    [buyer, seller, mallory] = await world.open(3, { settings, wrapNet });
    const receivers = [seller.name, mallory.name];
    const sent = await buyer.desk.start(operator, { ...order, request: 'both', receivers, body: 'one' });
    ({ activity } = sent);
    await reaches(sent.message, seller, mallory);
    const own = ({ type, sender }: StoredMessage) => type === 'countersignature' && sender === buyer.address;
    let version: Hash | undefined;
    await lostAfter(async () => {
      ({ message: version } = await buyer.desk.update(operator, activity, { body: 'two' }));
      for (const node of [seller, mallory]) {
        const last = await until('its countersignature is there', async () => {
          const all = (await node.store.messages(activity)).filter(own);
          return all.length === 2 && all[1];
        });
        hidden.set(node.address, last.place);
      }
    });
    await world.connect();
    await reaches(version!, buyer);
    const toAnswer = async () => (await buyer.store.toAnswer(undefined, 9)).map(({ message }) => message);
    expect(await toAnswer()).to.include(version!);
    const said = async () => (await buyer.store.messages(activity)).filter(own).length;
    expect(await said()).to.equal(1);
    await buyer.close();
    catchUpMs = 300;
    await buyer.open();
    await until('it has agreed to its version again', async () => (await said()) === 2);
    await until('nothing is left to be answered', async () => (await toAnswer()).length === 0);
    await world.connect();
    const { versions } = await buyer.desk.show(operator, activity);
    expect(versions.find(({ id }) => id === version)!.countersigned).to.deep.equal([buyer.address]);
  });

  it('adds once more whom it had added, where a removal that it has made since has come before that', async () => {
    await begin(500);
    const [carrier] = await world.open(1);
    let addition: Hash | undefined;
    await lostAfter(async () => {
      const add = [{ party: carrier.name, role: 'receiver' }] as const;
      ({ message: addition } = await buyer.desk.changeMembers(operator, activity, { add }));
      await reaches(addition, seller, mallory, carrier);
      await Promise.all([seller.close(), mallory.close(), carrier.close()]);
    });
    const { message: removal } = await buyer.desk.changeMembers(operator, activity, { remove: [mallory.name] });
    expect(await buyer.has(addition!)).to.equal(false);
    await Promise.all([seller.open(), carrier.open()]);
    await world.connect();
    await reaches(addition!, buyer);
    const want = [buyer, seller, carrier].map(({ address }) => address).toSorted();
    for (const node of [buyer, seller, carrier])
      await until('the removal holds, and the addition is made again', async () => {
        const { members, epoch } = await node.desk.show(operator, activity);
        return epoch === 2 && members.map(({ address }) => address).join() === want.join();
      });
    await reaches(removal, seller, carrier);
  });

  it('says something all the same where nobody answers', async () => {
    await begin(500);
    await Promise.all(world.nodes.map((node) => node.close()));
    await buyer.open();
    const { message } = await buyer.desk.update(operator, activity, { body: 'alone' });
    expect(await buyer.has(message)).to.equal(true);
  });

  it('sends nothing for a device whose credential is taken back while it waits', async () => {
    await begin(long);
    const device = person(9);
    const nowSeconds = Math.floor(Date.now() / 1000);
    const { id: credential } = await buyer.desk.issueCredential(operator, {
      ...{ device: device.address, name: 'scale', notBefore: nowSeconds - 10, expires: nowSeconds + 3600 },
    });
    const { heads } = await buyer.desk.show(operator, activity);
    const [noted, updated] = await Promise.all(
      (['note', 'update'] as const).map((type) =>
        signDeviceStatement(activityNetwork, device.signer, {
          ...{ credential, activity, type, on: [...heads], body: 'weighed' },
        }),
      ),
    );
    await Promise.all(world.nodes.map((node) => node.close()));
    await buyer.open();
    const said = [
      buyer.desk.note(operator, activity, { on: heads[0]!, device: noted! }),
      buyer.desk.update(operator, activity, { device: updated! }),
    ].map((each) => expectCode('device-credential-invalid', each));
    expect(await buyer.desk.revokeCredential(operator, credential)).to.equal(true);
    await Promise.all([seller.open(), mallory.open()]);
    await world.connect();
    await Promise.all(said);
  });

  it('has the record of what it said meanwhile in the log', async () => {
    await begin(long);
    let lost: Hash | undefined;
    await lostAfter(async () => {
      world.isLogAway = true;
      ({ message: lost } = await buyer.desk.update(operator, activity, { body: 'two' }));
      await reaches(lost, seller);
    });
    world.isLogAway = false;
    await world.connect();
    await reaches(lost!, buyer);
    const { sealDigest } = (await buyer.store.message(lost!))!;
    const digest = digestText(fromHex(sealDigest));
    await until('it is in the log', () => world.records.some((record) => record.digest === digest));
  });

  it('may have a second record of a message, and either shows the same', async () => {
    await begin(long);
    let lost: Hash | undefined;
    await lostAfter(async () => {
      ({ message: lost } = await buyer.desk.update(operator, activity, { body: 'two' }));
      await reaches(lost, seller);
      await until('both are in the log', () => world.records.length === 2);
    });
    // The centre has not got it from the others when the message comes back.
    world.isLogBehind = true;
    await world.connect();
    await reaches(lost!, buyer);
    await until('there is another one', () => world.records.length === 3);
    world.isLogBehind = false;
    const { sealDigest } = (await buyer.store.message(lost!))!;
    const same = world.records.filter(({ digest }) => digest === digestText(fromHex(sealDigest)));
    expect(same).to.have.length(2);
    expect(same[0]!.subject).to.equal(same[1]!.subject);
    expect(same[0]!.submitter).to.not.equal(same[1]!.submitter);
    // What is shown of the message to a third party holds by each of them: these are all that it is compared with.
    for (const node of [buyer, seller, mallory]) {
      await until('the record is found', async () => (await node.desk.message(operator, activity, lost!)).recordId);
      const left = await node.store.unrecorded({ beforeMs: Number.MAX_SAFE_INTEGER, limit: 9 });
      expect(left.map(({ id }) => id)).to.not.include(lost!);
    }
  });
});
