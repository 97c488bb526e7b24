import { expect } from 'chai';
import { InOrder } from '../../../services/lib/InOrder.ts';

describe('InOrder', () => {
  it('runs what has one name one after the other, also after a failure, and other names meanwhile', async () => {
    const order = new InOrder();
    const told: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = order.run('a', async () => {
      await gate.promise;
      told.push('first');
      throw new Error('first');
    });
    const second = order.run('a', async () => told.push('second'));
    await order.run('b', async () => told.push('other'));
    expect(told).to.deep.equal(['other']);
    gate.resolve();
    expect(await first.catch((error: Error) => error.message)).to.equal('first');
    expect(await second).to.equal(3);
    expect(told).to.deep.equal(['other', 'first', 'second']);
  });

  it('knows a name until all of it has ended', async () => {
    const order = new InOrder();
    const gate = Promise.withResolvers<void>();
    const run = order.run('a', () => gate.promise);
    const idle = order.idle();
    expect([order.has('a'), order.has('b')]).to.deep.equal([true, false]);
    gate.resolve();
    await Promise.all([run, idle]);
    expect(order.has('a')).to.equal(false);
  });
});
