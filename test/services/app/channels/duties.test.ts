import { expect } from 'chai';
import { ConfirmationTimes } from '../../../../services/app/channels/ConfirmationTimes.ts';
import { closingReason } from '../../../../services/app/channels/closingPolicy.ts';
import { dutiesOf, nextLook, type Situation } from '../../../../services/app/channels/duties.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import { firstState } from '../../../../services/core/channels/state.ts';

const hash = (digit: string) => `0x${digit.repeat(64)}` as Hash;
const signed = (version: number) => ({
  state: { ...firstState(100n), version },
  requesterSignature: hash('1'),
  verifierSignature: hash('2'),
});
const signedClosing = { ...signed(0), closing: firstState(100n) };

const open: Situation = {
  role: 'verifier',
  status: { status: 'open' },
  now: 1_000,
  chainNow: 1_000,
  safetyDelta: 100,
  newest: signed(5),
  signedClosing: undefined,
  keys: [],
  wish: undefined,
  togetherSeconds: 60,
  askAgainSeconds: 10,
};
const closing: Situation = { ...open, status: { status: 'closing', deadline: 1_500, version: 3 } };
const key = (expiry: number, revealedAt?: number) => ({
  key: hash('a'),
  expiry,
  ...(revealedAt === undefined ? {} : { revealedAt }),
});
const kinds = (situation: Situation): string[] => dutiesOf(situation).map(({ type }) => type);

describe('duties for an evidence channel', () => {
  it('are none while nothing is due, or the channel is not there', () => {
    expect(kinds(open)).to.deep.equal([]);
    expect(kinds({ ...open, status: { status: 'none' } })).to.deep.equal([]);
    expect(kinds({ ...open, status: { status: 'settled' }, signedClosing })).to.deep.equal([]);
  });

  it('reveal a key when its expiry is as near as the safety delta, then close alone', () => {
    expect(kinds({ ...open, keys: [key(1_101)] })).to.deep.equal([]);
    expect(nextLook({ ...open, keys: [key(1_101)] })).to.equal(1_001);
    expect(kinds({ ...open, keys: [key(1_100)] })).to.deep.equal(['reveal']);
    expect(kinds({ ...open, keys: [key(1_100, 990)] })).to.deep.equal(['startClosing']);
    expect(kinds({ ...open, keys: [key(1_000)] })).to.deep.equal(['reveal']);
    // Too late, and so not paid: nothing to close for.
    expect(kinds({ ...open, keys: [key(999)] })).to.deep.equal([]);
    expect(kinds({ ...open, keys: [key(999, 1_000)] })).to.deep.equal([]);
  });

  it('challenge an older state and reveal all keys while there is time', () => {
    expect(kinds(closing)).to.deep.equal(['challenge']);
    expect(kinds({ ...closing, keys: [key(5_000), key(999)] })).to.deep.equal(['reveal', 'challenge']);
    expect(kinds({ ...closing, newest: signed(3), keys: [key(5_000, 900)] })).to.deep.equal([]);
    expect(kinds({ ...closing, newest: undefined })).to.deep.equal([]);
    expect(nextLook(closing)).to.equal(1_501);
  });

  it('settle after the deadline, and not in its last second', () => {
    expect(kinds({ ...closing, now: 1_500 })).to.deep.equal(['challenge']);
    expect(kinds({ ...closing, now: 1_501, chainNow: 1_501, keys: [key(5_000)] })).to.deep.equal(['settle']);
    expect(nextLook({ ...closing, now: 1_501 })).to.equal(undefined);
  });

  it('are not kept from a challenge by a clock that is ahead of the chain', () => {
    const ahead = { ...closing, now: 9_999 };
    expect(kinds({ ...ahead, keys: [key(5_000)] })).to.deep.equal(['reveal', 'challenge']);
    expect(kinds({ ...ahead, newest: signed(3) })).to.deep.equal(['settle']);
    expect(kinds({ ...open, now: 9_999, keys: [key(1_000)] })).to.deep.equal(['reveal']);
  });

  it('hand in what both have signed to close together, whatever else there is', () => {
    expect(kinds({ ...open, signedClosing })).to.deep.equal(['closeTogether']);
    expect(kinds({ ...closing, signedClosing })).to.deep.equal(['closeTogether']);
    expect(kinds({ ...closing, now: 9_999, signedClosing })).to.deep.equal(['closeTogether']);
  });

  it('ask the other side to close, and close alone after a while', () => {
    const wish = { how: 'together', reason: 'asked', since: 990 } as const;
    expect(kinds({ ...open, wish })).to.deep.equal(['askClosing']);
    expect(kinds({ ...open, wish: { ...wish, askedAt: 995 } })).to.deep.equal([]);
    expect(nextLook({ ...open, wish: { ...wish, askedAt: 995 } })).to.equal(1_005);
    expect(nextLook({ ...open, wish: { ...wish, since: 942, askedAt: 995 } })).to.equal(1_002);
    expect(kinds({ ...open, wish: { ...wish, askedAt: 990 } })).to.deep.equal(['askClosing']);
    expect(kinds({ ...open, wish: { ...wish, since: 940 } })).to.deep.equal(['startClosing']);
    expect(kinds({ ...open, wish: { ...wish, how: 'alone' } })).to.deep.equal(['startClosing']);
  });

  it('of a watchtower are to challenge and to reveal, nothing else', () => {
    const tower = { role: 'watchtower' } as const;
    expect(kinds({ ...closing, ...tower, keys: [key(5_000)] })).to.deep.equal(['reveal', 'challenge']);
    expect(kinds({ ...closing, ...tower, now: 1_501, chainNow: 1_501 })).to.deep.equal([]);
    expect(kinds({ ...open, ...tower, keys: [key(1_050)] })).to.deep.equal(['reveal']);
    expect(kinds({ ...open, ...tower, keys: [key(1_050, 900)] })).to.deep.equal([]);
  });
});

describe('policy of closing', () => {
  const facts = { evidenceCount: 10, openedAt: 1_000, requesterBalance: 50n, verifierBalance: 20n };

  it('closes by count, age, balance or expiry', () => {
    expect(closingReason({}, facts, 9_999)).to.equal(undefined);
    expect(closingReason({ evidenceCount: 11 }, facts, 0)).to.equal(undefined);
    expect(closingReason({ evidenceCount: 10 }, facts, 0)).to.equal('count');
    expect(closingReason({ ageSeconds: 500 }, facts, 1_499)).to.equal(undefined);
    expect(closingReason({ ageSeconds: 500 }, facts, 1_500)).to.equal('age');
    expect(closingReason({ requesterBalance: 50n, verifierBalance: 21n }, facts, 0)).to.equal(undefined);
    expect(closingReason({ requesterBalance: 51n }, facts, 0)).to.equal('balance');
    expect(closingReason({ verifierBalance: 20n }, facts, 0)).to.equal('balance');
    expect(closingReason({ expirySeconds: 60 }, facts, 0)).to.equal(undefined);
    expect(closingReason({ expirySeconds: 60 }, { ...facts, earliestExpiry: 2_000 }, 1_939)).to.equal(undefined);
    expect(closingReason({ expirySeconds: 60 }, { ...facts, earliestExpiry: 2_000 }, 1_940)).to.equal('expiry');
  });
});

describe('safety delta', () => {
  it('grows and shrinks with how long transactions take', () => {
    const untried = new ConfirmationTimes(60, 150);
    expect(untried.safetyDeltaSeconds()).to.equal(150);
    untried.add(5);
    expect(untried.safetyDeltaSeconds()).to.equal(60);
    const times = new ConfirmationTimes(60);
    expect(times.safetyDeltaSeconds()).to.equal(60);
    times.add(12.1);
    expect(times.safetyDeltaSeconds()).to.equal(60);
    times.add(40.1);
    expect(times.safetyDeltaSeconds()).to.equal(121);
    for (let count = 0; count < 32; count++) times.add(25);
    expect(times.safetyDeltaSeconds()).to.equal(75);
  });
});
