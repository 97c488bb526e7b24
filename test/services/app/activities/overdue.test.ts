import { expect } from 'chai';
import type { ActivityParts } from '../../../../services/app/activities/ActivityParts.ts';
import { Overdue } from '../../../../services/app/activities/Overdue.ts';
import { startActivity } from '../../../../services/core/activities/takeMessage.ts';
import { type ErrorCode, NotariumError } from '../../../../services/core/errors.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { begin, person } from '../../../support/activityKit.ts';
import { SteppedClock } from '../../../support/SteppedClock.ts';

const settings = { compareMs: 1_000, maxRetryMs: 60_000, incompleteMs: 1_000 };

describe('what is overdue in an activity', () => {
  const { signal } = new AbortController();

  /** How often it is looked for, after one failure: at once, and after each of two pauses. */
  async function looksAfter(code: ErrorCode): Promise<number[]> {
    const [buyer, seller] = [person(1), person(2)];
    const activity = startActivity(await begin([buyer, seller]));
    const clock = new SteppedClock();
    let looks = 0;
    const find = async (): Promise<undefined> => {
      if (++looks === 1) throw new NotariumError(code);
    };
    const parts = { clock, settings, signer: buyer.signer, logger: silentLogger, activities: { find } };
    const overdue = new Overdue(parts as unknown as ActivityParts);
    overdue.quiet(activity);
    const counted: number[] = [];
    for (const pauseMs of [2 * settings.compareMs, settings.maxRetryMs, settings.maxRetryMs]) {
      clock.advance(pauseMs);
      for (let at = 0; at < 3; at++) await overdue.look(signal);
      counted.push(looks);
    }
    return counted;
  }

  it('is tried again after a pause where it could not be done for a reason that passes, and no message comes', async () => {
    expect(await looksAfter('storage-failed')).to.deep.equal([1, 2, 2]);
  });

  it('is left where trying again helps nothing', async () => {
    expect(await looksAfter('activity-role')).to.deep.equal([1, 1, 1]);
  });
});
