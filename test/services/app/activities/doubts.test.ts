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
    doubts.raise(activity, seller, { kind: 'forked', messages: [] }, true);
    doubts.tell(0);
    expect([kinds(), problems.has('activity-forked')]).to.deep.equal([[[seller, 'forked']], true]);
    doubts.clear(activity, seller);
    doubts.tell(0);
    expect([kinds(), problems.has('activity-forked')]).to.deep.equal([[], false]);
    doubts.signedTwice(activity, seller);
    doubts.raise(activity, seller, { kind: 'lacking', messages: [] }, true);
    doubts.clear(activity, seller);
    doubts.tell(0);
    expect([kinds(), problems.has('activity-forked')]).to.deep.equal([[[seller, 'forked']], true]);
    doubts.drop(activity);
    doubts.tell(0);
    expect([kinds(), problems.has('activity-forked')]).to.deep.equal([[], false]);
  });

  it('is kept of each member within bounds, that of activities which somebody has looked at beside the rest', () => {
    const { doubts } = opened();
    const messages = Array.from({ length: 4096 }, randomHash);
    const ids = Array.from({ length: 2000 }, randomHash);
    const kept = () => ids.filter((id) => doubts.of(id).has(seller)).length;
    for (const id of ids) doubts.raise(id, seller, { kind: 'lacking', messages }, false);
    expect(kept()).to.equal(256);
    expect(doubts.of(ids[0]!).get(seller)).to.deep.equal({
      ...{ kind: 'lacking', messages: messages.slice(0, 16), sinceMs: new SteppedClock().nowMs() },
    });
    const read = randomHash();
    doubts.raise(read, seller, { kind: 'lacking', messages }, true);
    doubts.raise(ids[500]!, person(3).address, { kind: 'lacking', messages }, false);
    expect([doubts.of(read).size, doubts.of(ids[500]!).size]).to.deep.equal([1, 1]);
    // Somebody looks at them.
    for (const id of ids) doubts.raise(id, seller, { kind: 'lacking', messages }, true);
    expect(kept()).to.equal(1023);
    for (const id of ids) doubts.clear(id, seller);
    for (const id of ids) doubts.raise(id, seller, { kind: 'unknown', messages: [] }, false);
    expect(kept()).to.equal(256);
    for (const id of ids) doubts.signedTwice(id, seller);
    expect(kept()).to.equal(1024);
    for (const id of ids) doubts.drop(id);
    for (const id of ids.slice(-100)) doubts.raise(id, seller, { kind: 'unknown', messages: [] }, false);
    expect(kept()).to.equal(100);
  });
});
