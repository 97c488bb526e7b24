import { BodyChecks } from '../../../../services/app/activities/bodies/BodyChecks.ts';
import { checkBody } from '../../../../services/app/activities/checkBody.ts';
import type { ActivityTerms } from '../../../../services/core/activities/message.ts';
import { startActivity } from '../../../../services/core/activities/takeMessage.ts';
import { packFields } from '../../../../services/lib/activities/fieldDigests.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { loadCrypto } from '../../../../services/lib/nativeCrypto.ts';
import { begin, noteOn, person, randomHash, say, withFields } from '../../../support/activityKit.ts';
import { expectCode } from '../../../support/expectCode.ts';

const [buyer, seller] = [person(1), person(2)];

describe('the body of a message', () => {
  let bodies: BodyChecks;

  before(async () => {
    bodies = new BodyChecks({ own: buyer.address, crypto: await loadCrypto(), logger: silentLogger, burstMs: 10_000 });
  });

  after(() => bodies.close());

  const schema = { type: 'object', properties: { price: { type: 'number' } }, additionalProperties: false };

  it('is what the schema of its activity asks for where it is a version, and anything where it is not', async () => {
    const first = await begin([buyer, seller]);
    const activity = startActivity(first);
    const terms: ActivityTerms = { ...activity.terms, schema };
    const place = { activity: activity.id, epoch: 0, group: activity.group };
    const version = async (body: unknown) =>
      await say(seller, 'update', { ...place, builds: [first.id], number: 2 }, body);
    await checkBody({ bodies }, seller.address, terms, await version({ price: 12 }));
    await expectCode(
      'activity-body-invalid',
      checkBody({ bodies }, seller.address, terms, await version({ price: 'a lot' })),
    );
    await checkBody({ bodies }, seller.address, terms, await noteOn(activity, seller, first.id));
  });

  it('in fields has those of its sender, and all of them, whatever the message', async () => {
    const first = await begin([buyer, seller]);
    const activity = startActivity(first);
    const place = { activity: activity.id, epoch: 0, group: activity.group, on: first.id };
    const { head, attachments } = await say(buyer, 'note', place);
    const parcel = await withFields({ head, attachments }, await packFields({ price: 12, paid: true }), buyer.signer);
    const { body } = parcel;
    await checkBody({ bodies }, seller.address, activity.terms, parcel);
    const bySeller = await withFields({ head, attachments }, await packFields({ price: 12 }), seller.signer);
    const others = [
      bySeller,
      { ...parcel, body: { ...body, disclosures: body.disclosures.slice(1) } },
      // What the same sender has said, in another message of its own.
      { ...(await say(buyer, 'note', place)), body },
      { ...parcel, attachments: { ...attachments, salt: randomHash() } },
      { ...parcel, head: { ...parcel.head, activity: randomHash() } },
    ];
    for (const other of others)
      await expectCode('activity-fields-invalid', checkBody({ bodies }, seller.address, activity.terms, other));
  });
});
