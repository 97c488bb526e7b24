import { expect } from 'chai';
import type { ActivityParts } from '../../../../services/app/activities/ActivityParts.ts';
import { Comparer } from '../../../../services/app/activities/exchange/Comparer.ts';
import { Problems } from '../../../../services/app/Problems.ts';
import { startActivity } from '../../../../services/core/activities/takeMessage.ts';
import type { Address } from '../../../../services/core/bytes.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import type { Net } from '../../../../services/net/Net.ts';
import { begin, person } from '../../../support/activityKit.ts';
import { crypto } from '../../../support/recordKit.ts';
import { SteppedClock } from '../../../support/SteppedClock.ts';

describe('what is kept of an activity that is to be compared', () => {
  it('is nothing for members that are not in the registry; with those that come into it later it is compared all the same', async () => {
    const [buyer, seller] = [person(1), person(2)];
    const activity = startActivity(await begin([buyer, seller]));
    const registered: { readonly address: Address }[] = [];
    const parts = {
      ...{ signer: buyer.signer, crypto, clock: new SteppedClock(), problems: new Problems(), logger: silentLogger },
      settings: { compareMs: 0, maxRetryMs: 300_000, catchUpMs: 0, requestMs: 1000, incompleteMs: 1000 },
      registry: { nodes: () => registered },
      store: { list: async () => ({ items: [activity] }) },
      damage: { passOver: (found: Promise<unknown>) => found },
      activities: { find: async () => activity },
    } as unknown as ActivityParts;
    const asked: Address[] = [];
    const net = {
      handle() {},
      onConnect() {},
      peers: () => [{ address: seller.address, isConnected: true }],
      request(to: Address) {
        asked.push(to);
        throw new NotariumError('peer-unreachable');
      },
    } as unknown as Net;
    const comparer = new Comparer(parts, { late: () => 0 }, { signal: new AbortController().signal, quiet() {} });
    comparer.join(net);
    await comparer.look();
    await comparer.close();
    expect(asked).to.deep.equal([]);
    registered.push(seller);
    await comparer.look();
    await comparer.close();
    expect(asked).to.deep.equal([seller.address]);
  });
});
