import { expect } from 'chai';
import type { ActivityParts } from '../../../../services/app/activities/ActivityParts.ts';
import { HeldMessages } from '../../../../services/app/activities/exchange/HeldMessages.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import { systemClock } from '../../../../services/lib/clock.ts';

describe('messages that came early', () => {
  it('leave nothing in memory once they were given up for others', async () => {
    const most = 256;
    const kept: Hash[] = [];
    // As the real store, which keeps so many of a sender.
    const store = {
      hold: async ({ activity }: { activity: Hash }) => {
        kept.push(activity);
        if (kept.length > most) kept.shift();
      },
      heldActivities: async () => kept,
    };
    const parts = { store, clock: systemClock } as unknown as ActivityParts;
    const held = new HeldMessages(parts, new AbortController().signal);
    let largest = 0;
    for (let at = 0; at < 20_000; at++) {
      const activity = `0x${at.toString(16).padStart(64, '0')}` as Hash;
      await held.hold({
        message: { head: { activity } },
        envelope: { sealed: { ciphertext: '' } },
        from: '0x',
        sealDigest: '0x',
      } as never);
      largest = Math.max(largest, held.count);
    }
    expect(largest).to.be.within(most, 8_192);
  });
});
