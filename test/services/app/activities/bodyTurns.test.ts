import { expect } from 'chai';
import { BodyTurns } from '../../../../services/app/activities/exchange/BodyTurns.ts';
import { person } from '../../../support/activityKit.ts';
import { ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { until } from '../../../support/until.ts';

const [alice, bob] = [person(1).address, person(2).address];

describe('checks of bodies that members send', () => {
  it('are made one at a time, and everything else has its turn between two', async () => {
    const turns = new BodyTurns({ burstMs: 1_000 });
    const order: string[] = [];
    const between = (name: string) => setImmediate(() => order.push(name));
    const check = (name: string) => async () => {
      order.push(name);
      between(`after ${name}`);
    };
    await Promise.all([turns.take(alice, check('a')), turns.take(bob, check('b')), turns.take(alice, check('c'))]);
    expect(order.slice(0, 5)).to.deep.equal(['a', 'after a', 'b', 'after b', 'c']);
  });

  it('of a member that has used its time up are refused, until some of it has come back; others have theirs', async () => {
    let nowMs = 0;
    const turns = new BodyTurns({ burstMs: 1_000, nowMs: () => nowMs });
    const takes = (ms: number) => async () => {
      nowMs += ms;
      return ms;
    };
    // One after the other, though all are asked for at once.
    const outcomes = await Promise.allSettled([400, 700, 300, 300].map((ms) => turns.take(alice, takes(ms))));
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
    expect(await turns.take(bob, takes(200))).to.equal(200);
    await expectCode('peer-busy', turns.take(alice, takes(1)));
    nowMs += 1_000;
    expect(await turns.take(alice, takes(5_000))).to.equal(5_000);
    nowMs += 30_000;
    await expectCode('peer-busy', turns.take(alice, takes(1)));
    nowMs += 30_000;
    expect(await turns.take(alice, takes(1))).to.equal(1);
  });

  it('go on after one that fails, which counts as well', async () => {
    let nowMs = 0;
    const turns = new BodyTurns({ burstMs: 10, nowMs: () => nowMs });
    const failed = turns.take(alice, async () => {
      nowMs += 50;
      throw new Error('it is not what the schema asks for');
    });
    const after = turns.take(bob, async () => 'taken');
    expect(await failed.catch(({ message }: Error) => message)).to.equal('it is not what the schema asks for');
    expect(await after).to.equal('taken');
    await expectCode(
      'peer-busy',
      turns.take(alice, async () => 'taken'),
    );
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
