import { expect } from 'chai';
import { type CentreParts, defaultSettings } from '../../../services/app/CentreParts.ts';
import { ClockGuard } from '../../../services/app/ClockGuard.ts';
import { keepSilent, pruneVotes } from '../../../services/app/lostVotes.ts';
import type { BlockHeader } from '../../../services/core/block.ts';
import { NotariumError } from '../../../services/core/errors.ts';
import type { Clock } from '../../../services/lib/clock.ts';
import { silentLogger } from '../../../services/lib/logger.ts';
import { expectCode } from '../../support/expectCode.ts';
import { logAll, row, zero } from '../store/storeKit.ts';
import { type StorePlace, storePlace } from '../store/storePlace.ts';

describe('a centre whose votes may be lost', () => {
  let place: StorePlace;
  beforeEach(async () => {
    place = await storePlace('sqlite');
  });
  afterEach(() => place[Symbol.asyncDispose]());
  const header = {} as BlockHeader;

  async function started(slot: number, head: () => Promise<number>, chainSlot = slot) {
    const store = await place.open();
    const clock: Clock = { nowMs: () => slot * 2000 + 1_999, sleep: async () => {} };
    const chainTime = async () => ({ blockNumber: 1, latestSeconds: chainSlot * 2, pendingSeconds: chainSlot * 2 + 1 });
    const common = { store, chain: { head, chainTime }, clock, periodSeconds: 2, logger: silentLogger };
    await keepSilent({ ...common, clockGuard: new ClockGuard(common) } as unknown as CentreParts);
    return store;
  }

  it('signs nothing in this slot and two more, also when it is started again meanwhile, and then only once', async () => {
    const store = await started(100, async () => 7);
    for (const slot of [99, 100, 101, 102]) {
      await expectCode('vote-conflict', store.vote({ slot, hash: zero, header }));
    }
    await store.close();
    const again = await started(101, async () => 7);
    await expectCode('vote-conflict', again.vote({ slot: 102, hash: zero, header }));
    await again.vote({ slot: 103, hash: zero, header });
    await again.close();
    // What it has signed since it knows.
    await (await started(104, async () => 8)).vote({ slot: 104, hash: zero, header });
  });

  it('is silent too when the chain cannot be asked, and not before the first block of all', async () => {
    const store = await started(100, () => Promise.reject(new NotariumError('chain-unreachable')));
    await expectCode('vote-conflict', store.vote({ slot: 102, hash: zero, header }));
    await place[Symbol.asyncDispose]();
    place = await storePlace('sqlite');
    await (await started(100, async () => 0)).vote({ slot: 100, hash: zero, header });
  });

  it('is silent by the chain’s time where its own clock is wrong: closed slots stay closed when that is mended', async () => {
    const store = await started(100_000, async () => 7, 100);
    await expectCode('vote-conflict', store.vote({ slot: 102, hash: zero, header }));
    await store.vote({ slot: 103, hash: zero, header });
    await place[Symbol.asyncDispose]();
    place = await storePlace('sqlite');
    await expectCode('vote-conflict', (await started(50, async () => 7, 100)).vote({ slot: 102, hash: zero, header }));
  });

  it('keeps the votes of slots that a reorganisation may lead back to', async () => {
    const store = await place.open();
    const settings = { ...defaultSettings, maxLostAnchors: 2 };
    for (let slot = 10; slot <= 50; slot += 10) {
      const { hash, header: of } = await logAll(store, [row(`in slot ${slot}`)], slot);
      await store.vote({ slot, hash, header: of });
      await store.vote({ slot: slot + 1, hash: zero, header: of });
    }
    await pruneVotes({ store, settings }, 2);
    expect(await store.voteOf(10)).to.not.equal(undefined);
    await pruneVotes({ store, settings }, 5);
    const kept = [];
    for (let slot = 10; slot <= 51; slot++) if (await store.voteOf(slot)) kept.push(slot);
    expect(kept).to.deep.equal([31, 40, 41, 50, 51]);
    // After the deepest one that is followed, the parent is the block of slot 30.
    await store.orphanBlocks(3);
    await expectCode('vote-conflict', store.vote({ slot: 30, hash: zero, header }));
    await store.vote({ slot: 35, hash: zero, header });
  });
});
