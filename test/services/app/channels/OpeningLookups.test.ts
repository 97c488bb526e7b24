import { expect } from 'chai';
import { OpeningLookups } from '../../../../services/app/channels/OpeningLookups.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { hashOf } from '../../core/channels/channelKit.ts';

describe('OpeningLookups', () => {
  it('ask the chain so often only, but for channels that it has told of', async () => {
    const asked: string[] = [];
    const clock = { at: 1_000_000, nowMs: () => clock.at, sleep: async () => undefined };
    const lookups = new OpeningLookups(
      {
        async opening(channelId) {
          asked.push(channelId);
          return undefined;
        },
      },
      clock,
    );
    const announced = hashOf('announced');
    lookups.announce(announced);
    let strangers = 0;
    const ask = async (): Promise<void> => {
      expect(await lookups.of(hashOf(`stranger ${strangers}`))).to.equal(undefined);
      strangers++;
    };
    while (strangers < 64) await ask();
    await expectCode('rate-limited', ask());
    expect(asked).to.have.length(64);
    await lookups.of(announced);
    expect(asked.at(-1)).to.equal(announced);
    clock.at += 500;
    for (let more = 0; more < 8; more++) await ask();
    await expectCode('rate-limited', ask());
    // Never more in a row than at first, and nothing is lost when the clock is set back.
    clock.at += 3_600_000;
    for (let more = 0; more < 64; more++) await ask();
    clock.at -= 3_600_000;
    await expectCode('rate-limited', ask());
    clock.at += 1_000;
    await ask();
  });
});
