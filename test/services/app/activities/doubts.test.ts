import { expect } from 'chai';
import { Doubts } from '../../../../services/app/activities/exchange/Doubts.ts';
import { Problems } from '../../../../services/app/Problems.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { person, randomHash } from '../../../support/activityKit.ts';
import { SteppedClock } from '../../../support/SteppedClock.ts';

describe('what members see in another way', () => {
  const seller = person(2).address;
  const opened = () => {
    const problems = new Problems();
    const parts = { clock: new SteppedClock(), settings: { incompleteMs: 1000 }, problems, logger: silentLogger };
    return { doubts: new Doubts(parts as never), problems };
  };

  it('is over when both have the same; that a member has signed a message twice is not', () => {
    const { doubts, problems } = opened();
    const activity = randomHash();
    const kinds = () => [...doubts.of(activity)].map(([member, { kind }]) => [member, kind]);
    doubts.raise(activity, seller, { kind: 'forked', messages: [] });
    doubts.tell(0);
    expect([kinds(), problems.has('activity-forked')]).to.deep.equal([[[seller, 'forked']], true]);
    doubts.clear(activity, seller);
    doubts.tell(0);
    expect([kinds(), problems.has('activity-forked')]).to.deep.equal([[], false]);
    doubts.signedTwice(activity, seller);
    doubts.raise(activity, seller, { kind: 'lacking', messages: [] });
    doubts.clear(activity, seller);
    doubts.tell(0);
    expect([kinds(), problems.has('activity-forked')]).to.deep.equal([[[seller, 'forked']], true]);
    doubts.drop(activity);
    doubts.tell(0);
    expect([kinds(), problems.has('activity-forked')]).to.deep.equal([[], false]);
  });
});
