import { expect } from 'chai';
import { Registry } from 'prom-client';
import { type Address, toHex } from '../../../services/core/bytes.ts';
import { silentLogger } from '../../../services/lib/logger.ts';
import { defaultLimits } from '../../../services/net/limits.ts';
import { createNetMetrics } from '../../../services/net/netMetrics.ts';
import { Scores } from '../../../services/net/scores.ts';
import { TokenBucket } from '../../../services/net/tokenBucket.ts';
import { handClock } from './netKit.ts';

const peer: Address = toHex(new Uint8Array(20).fill(0x11));

function scoresKit() {
  const clock = handClock();
  const cutOff: Address[] = [];
  const limits = { ...defaultLimits, cutOffScore: 100, cutOffMs: 60_000 };
  const metrics = createNetMetrics(new Registry());
  const scores = new Scores({ limits, clock, logger: silentLogger, metrics, onCutOff: (who) => cutOff.push(who) });
  return { clock, cutOff, scores };
}

describe('net/scores', () => {
  it('forgets in time what was not enough', () => {
    const { clock, cutOff, scores } = scoresKit();
    scores.blame(peer, 'late', 60);
    clock.advance(5 * 60_000);
    expect(scores.scoreOf(peer)).to.be.closeTo(10, 0.001);
    scores.blame(peer, 'late', 60);
    expect(cutOff).to.deep.equal([]);
    clock.advance(60 * 60_000);
    expect(scores.scoreOf(peer)).to.equal(0);
  });

  it('cuts off once, for the time of the limit, and takes the peer back on probation', () => {
    const { clock, cutOff, scores } = scoresKit();
    scores.blame(peer, 'false-block', 100);
    scores.blame(peer, 'false-block', 100);
    expect(cutOff).to.deep.equal([peer]);
    clock.advance(59_999);
    expect(scores.cutOffReason(peer)).to.equal('false-block');
    clock.advance(1);
    expect(scores.cutOffReason(peer)).to.equal(undefined);
    expect(scores.scoreOf(peer)).to.equal(50);
    scores.blame(peer, 'again', 50);
    expect(cutOff).to.deep.equal([peer, peer]);
  });
});

describe('net/tokenBucket', () => {
  it('gives the burst at once, then the rate', () => {
    const clock = handClock();
    const bucket = new TokenBucket(10, 3, clock);
    const taken = (): number => [1, 2, 3, 4, 5].filter(() => bucket.tryTake()).length;
    expect(taken()).to.equal(3);
    clock.advance(200);
    expect(taken()).to.equal(2);
    clock.advance(60_000);
    expect(taken()).to.equal(3);
    clock.advance(-60_000);
    expect(taken()).to.equal(0);
  });

  it('lets those who pay wait for as long as all of them together owe', async () => {
    const clock = handClock();
    const bucket = new TokenBucket(1000, 500, clock);
    const { signal } = new AbortController();
    const paid: string[] = [];
    await bucket.pay(500, signal);
    const waits = [
      bucket.pay(1000, signal).then(() => paid.push('first')),
      bucket.pay(1000, signal).then(() => paid.push('second')),
    ];
    clock.advance(999);
    await Promise.resolve();
    expect(paid).to.deep.equal([]);
    clock.advance(1);
    await waits[0];
    expect(paid).to.deep.equal(['first']);
    clock.advance(1000);
    await waits[1];
    expect(paid).to.deep.equal(['first', 'second']);
  });
});
