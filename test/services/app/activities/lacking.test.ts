import { expect } from 'chai';
import { activityProtocols, framesOf, type MessagesQuery } from '../../../../services/app/activities/exchange/items.ts';
import { type Address, fromUtf8 } from '../../../../services/core/bytes.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import type { Net } from '../../../../services/net/Net.ts';
import { randomHash } from '../../../support/activityKit.ts';
import { ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { until } from '../../../support/until.ts';

describe('messages that a member says it has, and does not give', function () {
  this.timeout(60_000);
  const world = new ActivityWorld();
  after(() => world.close());

  it('are asked of that one, and some of them alone of the others', async () => {
    const named = Array.from({ length: 1000 }, randomHash).toSorted();
    const asked: { of: Address; count: number }[] = [];
    let isLying = false;
    // The first node hears of the third one's what there is not.
    const wrapNet = (net: Net): Net => {
      const request = net.request.bind(net);
      const [first, , liar] = world.nodes.map(({ address }) => address);
      return Object.assign(net, {
        async *request(...[peer, protocol, frames, options]: Parameters<Net['request']>) {
          if (!isLying || net.address !== first) {
            // Else it would be known by the other one's question that both have the same.
            if (isLying && protocol === activityProtocols.compare) throw new NotariumError('peer-unreachable');
            yield* request(peer, protocol, frames, options);
            return;
          }
          if (protocol === activityProtocols.compare && peer === liar) {
            yield* framesOf([JSON.stringify({ ids: named })]);
            return;
          }
          const sent = await Array.fromAsync(frames);
          if (protocol === activityProtocols.messages)
            asked.push({ of: peer, count: (JSON.parse(fromUtf8(sent[0]!)) as MessagesQuery).messages.length });
          yield* request(peer, protocol, sent, options);
        },
      });
    };
    const [buyer, seller, liar] = await world.open(3, { wrapNet });
    const receivers = [seller.name, liar.name];
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ kind: 'industrial', request: 'information', receivers, body: 'one' },
    });
    await reaches(message, seller, liar);
    isLying = true;
    const countOf = ({ address }: { address: Address }) =>
      asked.filter(({ of }) => of === address).map(({ count }) => count);
    await buyer.desk.note(operator, activity, { on: message, body: 'there is something to compare' });
    await until('it is asked twice', () => countOf(seller).length >= 2);
    expect(countOf(seller).slice(0, 2)).to.deep.equal([64, 64]);
    expect(countOf(liar).slice(0, 4)).to.deep.equal([256, 256, 256, 232]);
  });
});
