import { expect } from 'chai';
import type { CentreParts } from '../../../services/app/CentreParts.ts';
import { defaultSettings } from '../../../services/app/CentreParts.ts';
import { Problems } from '../../../services/app/Problems.ts';
import { Publisher } from '../../../services/app/Publisher.ts';
import type { AnchoredBlock } from '../../../services/chain/Chain.ts';
import { zeroHash } from '../../../services/core/block.ts';
import { NotariumError } from '../../../services/core/errors.ts';
import { systemClock } from '../../../services/lib/clock.ts';
import { silentLogger } from '../../../services/lib/logger.ts';
import { until } from '../../support/until.ts';
import { alice, anchor, network } from '../store/storeKit.ts';

describe('a block of another centre', () => {
  /** A publisher over a chain of which one block is missing here; `look` is called before it gives that. */
  function publisherOver(look: () => void) {
    let logSize = 0;
    const prunedSlots: number[] = [];
    const header = { height: 200, treeSize: 5, root: zeroHash, parent: zeroHash, publisher: alice };
    const found = {
      header,
      blockHash: `0x${'01'.repeat(32)}`,
      signatures: [],
      anchor: { ...anchor, confirmations: 1 },
    };
    const store = {
      ...{
        engine: 'sqlite',
        acquireLease: async () => ({ expiresMs: Date.now() + 60_000 }),
        releaseLease: async () => {},
      },
      logSize: () => logSize,
      poolStatus: async () => ({ count: 0 }),
      committedBlock: async () => (logSize > 0 ? { header, hash: found.blockHash } : undefined),
      liveBlocks: async () => [],
      knowsBlock: async () => false,
      refresh: async () => {},
      overdue: async () => [],
      // Each in the slot of its height.
      block: async (height: number) => ({ header: { slot: height } }),
      pruneVotes: async (slot: number) => void prunedSlots.push(slot),
      adoptBlock: () => Promise.reject(new NotariumError('block-not-found')),
    };
    const chain = {
      checkInstance: async () => {},
      head: async () => 200,
      anchoredBlocks: async function* () {
        look();
        yield found as unknown as AnchoredBlock;
      },
    };
    const importBlocks = async (): Promise<void> => {
      logSize = header.treeSize;
    };
    const problems = new Problems();
    const parts = {
      ...{ store, chain, network, replication: { importBlocks }, problems, clock: systemClock },
      ...{ logger: silentLogger, settings: defaultSettings, clockGuard: { check: async () => {} } },
      ...{ signer: { address: alice }, metrics: { lag: { set: () => {} } }, periodSeconds: 1, graceSeconds: 30 },
    };
    const sizes: number[] = [];
    const publisher = new Publisher(parts as unknown as CentreParts, () => sizes.push(logSize), true);
    return { publisher, problems, sizes, prunedSlots, logSize: () => logSize };
  }

  it('wakes those who wait for their receipts', async () => {
    const { publisher, sizes, logSize } = publisherOver(() => {});
    await publisher.start();
    await publisher.close();
    expect(sizes[0]).to.equal(logSize());
    expect(logSize()).to.equal(5);
  });

  it('lets the votes go that no block after it can need', async () => {
    const { publisher, prunedSlots } = publisherOver(() => {});
    await publisher.start();
    await publisher.close();
    expect(prunedSlots).to.deep.equal([200 - defaultSettings.maxLostAnchors]);
  });

  it('is a problem only as long as it is wrong', async () => {
    let looks = 0;
    const { publisher, problems, logSize } = publisherOver(() => {
      if (looks++ === 0) throw new NotariumError('block-invalid', 'block 1 of the chain');
    });
    await publisher.start();
    try {
      expect(problems.list().map(({ code }) => code)).to.deep.equal(['block-invalid']);
      await until('the right block', () => logSize() > 0);
      await until('the end of the problem', () => problems.list().length === 0);
    } finally {
      await publisher.close();
    }
  });
});
