import { expect } from 'chai';
import { mostFresh, mostTried, Wanted } from '../../../../services/app/activities/exchange/Wanted.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import { randomHash } from '../../../support/activityKit.ts';

const pause = (ms: number) => () => ms;

describe('what is to be compared with a member', () => {
  it('is due by its time: what somebody waits for before all others, and what was tried before beside what was not', () => {
    const wanted = new Wanted();
    const [later, waitedFor, tried, ...many] = Array.from({ length: 203 }, randomHash);
    wanted.want(tried!, 0);
    wanted.later(tried!, 0, pause(5));
    wanted.want(later!, 10);
    for (const activity of many) wanted.want(activity, 0);
    wanted.wantFirst(waitedFor!);
    expect(wanted.takeFirst()).to.deep.equal([waitedFor]);
    expect(wanted.takeFirst()).to.deep.equal([]);
    expect(wanted.due(4)).to.deep.equal(many.slice(0, 48));
    expect(wanted.due(5)).to.deep.equal([...many.slice(0, 48), tried]);
    for (const activity of many) wanted.drop(activity);
    expect(wanted.due(10)).to.deep.equal([later, tried]);
    // What came to nothing is tried again.
    wanted.later(waitedFor!, 10, pause(1));
    wanted.later(randomHash(), 10, pause(1));
    expect(wanted.due(11)).to.deep.equal([later, tried, waitedFor]);
    wanted.later(tried!, 11, (tries) => tries);
    expect(wanted.due(12)).to.deep.equal([later, waitedFor, tried]);
  });

  it('is what was wanted while it was being compared, also where that comes to an end', () => {
    const wanted = new Wanted();
    const [fresh, tried, unchanged] = Array.from({ length: 3 }, randomHash) as [Hash, Hash, Hash];
    for (const activity of [fresh, tried, unchanged]) wanted.want(activity, 0);
    wanted.later(tried, 0, pause(0));
    const { mark } = wanted;
    expect(wanted.due(0)).to.deep.equal([fresh, unchanged, tried]);
    // Both change meanwhile.
    wanted.want(fresh, 0);
    wanted.want(tried, 0);
    for (const activity of [fresh, tried, unchanged]) wanted.drop(activity, mark);
    expect(wanted.due(0)).to.deep.equal([fresh, tried]);
    for (const activity of [fresh, tried]) wanted.drop(activity, wanted.mark);
    expect(wanted.due(0)).to.deep.equal([]);
  });

  it('is bounded, and tells when there is room for what was left out', () => {
    const wanted = new Wanted();
    const all = Array.from({ length: mostFresh + 1 }, randomHash);
    for (const activity of all) wanted.want(activity, 0);
    const countDue = (): number => {
      const seen = new Set<string>();
      for (let some = wanted.due(0); some.length > 0; some = wanted.due(0))
        for (const activity of some) {
          seen.add(activity);
          wanted.drop(activity);
        }
      return seen.size;
    };
    expect(wanted.hasRoomAgain).to.equal(false);
    expect(countDue()).to.equal(mostFresh);
    expect(wanted.hasRoomAgain).to.equal(true);
    wanted.lookedAgain();
    expect(wanted.hasRoomAgain).to.equal(false);
    for (const activity of all.slice(0, mostTried + 1)) {
      wanted.want(activity, 0);
      wanted.later(activity, 0, pause(0));
    }
    expect(wanted.hasRoomAgain).to.equal(true);
    expect(countDue()).to.equal(mostTried);
  });
});
