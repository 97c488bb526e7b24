import { randomBytes } from 'node:crypto';
import { x25519 } from '@noble/curves/ed25519.js';
import { expect } from 'chai';
import { messageOf } from '../../../../services/app/activities/Activities.ts';
import { isSealedTo } from '../../../../services/app/activities/exchange/envelopeItems.ts';
import type { HeadOf } from '../../../../services/core/activities/message.ts';
import { toHex } from '../../../../services/core/bytes.ts';
import { Sealer } from '../../../../services/lib/activities/seal.ts';
import { say } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { deliver, sealedIn } from '../../../support/activityWire.ts';
import { threeVersions } from '../../../support/threeVersions.ts';
import { until } from '../../../support/until.ts';

describe('members of activities that have another key', () => {
  let world: ActivityWorld;
  let nodes: [ActivityNode, ActivityNode, ActivityNode, ActivityNode];
  beforeEach(async () => {
    world = new ActivityWorld();
    nodes = await world.open(4);
  });
  afterEach(() => world.close());

  const begun = (history: boolean) => threeVersions(nodes, history);

  it('get what was queued for the old one, sealed anew, and tell the others', async () => {
    const [buyer, seller] = nodes;
    const { activity } = await begun(true);
    await seller.close();
    const queued = await buyer.desk.update(operator, activity, { body: { step: 4 } });
    const secret = new Uint8Array(randomBytes(32));
    const key = toHex(x25519.getPublicKey(secret));
    // The old key is lost.
    seller.secrets = [secret];
    seller.registered = { ...seller.registered, encryptionKey: key };
    await seller.open();
    await world.connect();
    await reaches(queued.message, seller);
    // As a node that was stopped before it had told anybody.
    await seller.close();
    seller.secrets = [secret, seller.person.secret];
    await seller.open();
    await world.connect();
    await until('the buyer knows the new key', async () => {
      const { members } = await buyer.desk.show(operator, activity);
      return members.some((member) => member.key === key);
    });
    const next = await buyer.desk.update(operator, activity, { body: { step: 5 } });
    await reaches(next.message, seller);
  });

  it('read with it alone, as soon as all have been told', async () => {
    const [buyer, seller] = nodes;
    const { activity } = await begun(true);
    // Held here, sealed to the old key: what it builds on has not come.
    const first = (await buyer.store.messages(activity))[0]!;
    const { head } = messageOf(first);
    const place = { activity, epoch: 0, group: head.group };
    const unseen = await say(buyer.person, 'note', { ...place, on: first.id }, 'unseen');
    const base = await say(buyer.person, 'update', { ...place, builds: [first.id], number: 2 }, 'base');
    const onBase = await say(buyer.person, 'note', { ...place, on: base.id }, 'on the base');
    const texts = [unseen, base, onBase].map((each) => sealedIn(messageOf(first), each));
    await deliver(buyer, seller, [texts[2]!]);
    expect(await seller.store.held(activity)).to.have.length(1);
    const secret = new Uint8Array(randomBytes(32));
    const key = toHex(x25519.getPublicKey(secret));
    await seller.close();
    seller.secrets = [secret, seller.person.secret];
    seller.registered = { ...seller.registered, encryptionKey: key };
    await seller.open();
    await world.connect();
    await until('the buyer knows the new key, and what is held is sealed to it', async () => {
      const { members } = await buyer.desk.show(operator, activity);
      const [held] = await seller.store.held(activity);
      return members.some((member) => member.key === key) && held !== undefined && isSealedTo(held.item, key);
    });
    await seller.close();
    seller.secrets = [secret];
    await seller.open();
    await world.connect();
    await deliver(buyer, seller, [
      JSON.stringify({
        copy: true,
        sealed: new Sealer().seal(base, (head as HeadOf<'start'>).secret, [{ key }]),
      }),
    ]);
    await reaches(onBase.id, seller);
    const next = await buyer.desk.update(operator, activity, {
      body: 'to the new key',
      builds: (await buyer.desk.show(operator, activity)).heads,
    });
    await reaches(next.message, seller);
  });
});
