import { expect } from 'chai';
import { BodyChecks } from '../../../../services/app/activities/bodies/BodyChecks.ts';
import type { Body } from '../../../../services/core/activities/contents.ts';
import type { ActivityTerms } from '../../../../services/core/activities/message.ts';
import type { Parcel } from '../../../../services/core/activities/parcel.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { packFields } from '../../../../services/lib/activities/fieldDigests.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { loadCrypto } from '../../../../services/lib/nativeCrypto.ts';
import { begin, person, randomHash, withFields } from '../../../support/activityKit.ts';
import { ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { until } from '../../../support/until.ts';

type Schema = ActivityTerms['schema'];

const [node, alice, bob] = [person(1).address, person(2).address, person(3).address];
const priced: Schema = { type: 'object', properties: { price: { type: 'number' } } };

describe('checks of bodies that members send', () => {
  const opened: BodyChecks[] = [];
  let sample: Pick<Parcel, 'head' | 'attachments'>;

  before(async () => {
    sample = await begin([person(1), person(2)]);
  });

  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });

  const open = async (options: Partial<ConstructorParameters<typeof BodyChecks>[0]> = {}): Promise<BodyChecks> => {
    const checks = new BodyChecks({
      ...{ own: node, crypto: await loadCrypto(), logger: silentLogger, burstMs: 10_000 },
      ...options,
    });
    opened.push(checks);
    return checks;
  };
  const saying = (body: unknown) => ({ ...sample, body: { salt: randomHash(), body } as Body });

  it('find in a thread what they find elsewhere', async () => {
    const checks = await open();
    await checks.check(alice, priced, saying({ price: 12 }));
    const problem = await checks.check(alice, priced, saying({ price: 'a lot' })).catch((error: unknown) => error);
    expect(problem).to.be.instanceOf(NotariumError);
    expect(problem).to.have.property('code', 'activity-body-invalid');
    expect(problem)
      .to.have.nested.property('data.problems')
      .that.deep.equals([{ path: '/price', problem: 'must be number' }]);
    await expectCode('activity-schema-invalid', checks.check(alice, { type: 'nonsense' }, saying(1)));
    const parcel = await withFields(sample, await packFields({ price: 12, paid: true }), person(1).signer);
    expect(await checks.read(alice, parcel)).to.deep.equal({ price: 12, paid: true });
    expect(await checks.read(alice, saying({ price: 1 }))).to.deep.equal({ price: 1 });
    await expectCode('activity-body-invalid', checks.check(alice, { required: ['name'] }, parcel));
    const other = { ...parcel, attachments: { ...parcel.attachments, salt: randomHash() } };
    await expectCode('activity-fields-invalid', checks.check(alice, undefined, other));
  });

  it('are made in turns, however many one of them asks for', async () => {
    const checks = await open({ limits: { turnMs: 0 } });
    const order: string[] = [];
    const check = async (member: typeof alice, name: string) => {
      await checks.check(member, priced, saying({ price: 1 }));
      order.push(name);
    };
    await Promise.all([
      check(alice, 'a1'),
      check(alice, 'a2'),
      check(alice, 'a3'),
      check(bob, 'b'),
      check(node, 'own'),
    ]);
    expect(order).to.deep.equal(['a1', 'b', 'own', 'a2', 'a3']);
  });

  it('of a member that has used its time up are refused, until some of it has come back; others have theirs', async () => {
    let nowMs = 0;
    const checks = await open({ burstMs: 0, nowMs: () => nowMs, limits: { turnMs: 0 } });
    const [first, second] = await Promise.allSettled(
      [1, 2].map((price) => checks.check(alice, priced, saying({ price }))),
    );
    expect(first!.status).to.equal('fulfilled');
    expect(second).to.have.nested.property('reason.code', 'peer-busy');
    await expectCode('peer-busy', checks.check(alice, priced, saying({ price: 1 })));
    await checks.check(bob, priced, saying({ price: 1 }));
    // What its own clients ask for is bounded elsewhere.
    for (const price of [1, 2, 3]) await checks.check(node, priced, saying({ price }));
    nowMs += 1_000_000;
    // What fails takes time as well.
    await expectCode('activity-body-invalid', checks.check(alice, priced, saying({ price: 'a lot' })));
    await expectCode('peer-busy', checks.check(alice, priced, saying({ price: 1 })));
  });

  it('of one member wait within bounds', async () => {
    const checks = await open();
    const asked = Array.from({ length: 1_025 }, () => checks.check(alice, priced, saying({ price: 1 })));
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1_024);
    expect(outcomes.at(-1)).to.have.nested.property('reason.code', 'peer-busy');
  });

  it('that end the thread say nothing of the body, and those with it are made in the next one', async () => {
    const checks = await open({ limits: { memoryMb: 24 } });
    await checks.check(alice, priced, saying({ price: 1 }));
    // It takes more memory than there is, on this machine.
    const large = saying(Array.from({ length: 600_000 }, () => ({})));
    const outcomes = await Promise.allSettled([
      checks.check(alice, priced, saying({ price: 1 })),
      checks.check(alice, { type: 'array' }, large),
      checks.check(alice, priced, saying({ price: 2 })),
      checks.check(bob, priced, saying({ price: 'a lot' })),
    ]);
    expect(
      outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'fulfilled' : outcome.reason.code)),
    ).to.deep.equal(['fulfilled', 'not-ready', 'fulfilled', 'activity-body-invalid']);
  });

  it('end with the node, and nothing waits for them', async () => {
    const checks = await open();
    const deep = { allOf: Array.from({ length: 600 }, () => ({ minProperties: 1 })) };
    const waiting = [1, 2, 3].map((price) => expectCode('shutting-down', checks.check(alice, deep, saying({ price }))));
    await Promise.all([checks.close(), ...waiting]);
    await expectCode('shutting-down', checks.check(node, priced, saying({ price: 1 })));
  });

  it('delay a member that sends schema after schema, and lose nothing of what it says', async () => {
    const world = new ActivityWorld();
    try {
      const [buyer, seller] = await world.open(2, { settings: { checkMs: 0 } });
      // Each has a schema of its own, with some hundred parts.
      const schemaOf = (at: number) => ({
        type: 'object',
        properties: Object.fromEntries(
          Array.from({ length: 200 }, (_, field) => [`${at} ${field}`, { type: 'string', maxLength: field }]),
        ),
      });
      const receivers = [seller.name];
      const sent = await Promise.all(
        Array.from({ length: 6 }, (_, at) =>
          buyer.desk.start(operator, {
            ...{ kind: 'industrial', request: 'information', receivers },
            ...{ schema: schemaOf(at), body: { [`${at} 1`]: 'x' } },
          }),
        ),
      );
      await until('one is refused for now', async () => {
        return (await seller.counted('messages_refused_total', { code: 'peer-busy' })) > 0;
      });
      for (const { message } of sent) await reaches(message, seller);
    } finally {
      await world.close();
    }
  });
});
