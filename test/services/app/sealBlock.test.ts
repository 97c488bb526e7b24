import { expect } from 'chai';
import { type CentreParts, defaultSettings } from '../../../services/app/CentreParts.ts';
import { createMetrics } from '../../../services/app/metrics.ts';
import { sealBlock } from '../../../services/app/sealBlock.ts';
import { blockHash, checkBlockSignatures } from '../../../services/core/block.ts';
import { parseNetworkName } from '../../../services/core/eip712.ts';
import type { Signer } from '../../../services/core/signature.ts';
import { systemClock } from '../../../services/lib/clock.ts';
import type { PoolRow } from '../../../services/store/PoolRow.ts';
import type { Store } from '../../../services/store/Store.ts';
import type { StoredBlock } from '../../../services/store/StoredBlock.ts';
import type { Lease } from '../../../services/store/WriteOptions.ts';
import { expectCode } from '../../support/expectCode.ts';
import { crypto, randomSigner } from '../../support/recordKit.ts';
import { logAll, network as networkText, rows } from '../store/storeKit.ts';
import { type StorePlace, storePlace } from '../store/storePlace.ts';

describe('sealBlock', () => {
  const network = parseNetworkName(networkText)!;
  const key = randomSigner();
  const committee = { epoch: 1, members: [key.address] };
  let place: StorePlace;
  let store: Store;
  let lease: Lease;
  beforeEach(async () => {
    place = await storePlace('sqlite');
    await open();
  });
  afterEach(() => place[Symbol.asyncDispose]());

  async function open(): Promise<void> {
    store = await place.open();
    lease = (await store.acquireLease('publisher', 'test', 60_000))!;
  }
  const seal = (slot: number, { signer = key, limit = 100 }: { signer?: Signer; limit?: number } = {}) => {
    const parts = {
      ...{ store, network, crypto, signer, clock: systemClock, settings: defaultSettings },
      ...{ metrics: createMetrics(), periodSeconds: 1 },
    };
    return sealBlock(parts as unknown as CentreParts, slot, committee, lease, limit);
  };
  /** Entries that the block brings into the log, in order. */
  async function loggedOf(block: StoredBlock | undefined): Promise<Uint8Array[]> {
    await store.updateBlock(block!.header.height, { state: 'submitted' });
    const before = store.logSize();
    const anchor = { chainId: 1, contract: key.address, transactionHash: block!.hash, blockNumber: 1, timestamp: 1 };
    await store.updateBlock(block!.header.height, { state: 'anchored', anchor });
    await store.commitBlock(block!.header.height);
    return await Promise.all(Array.from({ length: store.logSize() - before }, (_, at) => store.entry(before + at)));
  }
  const entriesOf = (some: readonly PoolRow[]): Uint8Array[] => some.map(({ entry }) => entry);

  it('signs nothing before its vote is on disk', async () => {
    const stood: (string | undefined)[] = [];
    const signer: Signer = {
      address: key.address,
      async sign(digest) {
        stood.push((await store.voteOf(7))?.hash);
        return await key.sign(digest);
      },
    };
    await store.admit(rows(3));
    const block = await seal(7, { signer });
    expect(stood).to.deep.equal([blockHash(network, block!.header)]);
    checkBlockSignatures(network, block!.header, block!.signatures, committee);
  });

  it('signs no other block of a slot when it was killed after its vote', async () => {
    await store.admit(rows(3));
    const dead: Signer = { address: key.address, sign: () => Promise.reject(new Error('killed')) };
    expect(await seal(7, { signer: dead }).catch((error: Error) => error.message)).to.equal('killed');
    const voted = (await store.voteOf(7))!;
    await store.close();
    await open();
    await store.admit(rows(2, 'newer'));
    await expectCode('vote-conflict', seal(7));
    expect(await store.voteOf(7)).to.deep.equal(voted);
    expect((await seal(8))!.header.treeSize).to.equal(5);
  });

  it('leaves room in a block for what lost its anchor, which stands in front', async () => {
    const [first, lost, newer] = [rows(2, 'first'), rows(5, 'lost'), rows(9, 'newer')];
    await logAll(store, first, 5);
    await logAll(store, lost, 6);
    await store.orphanBlocks(1);
    await store.admit(newer);
    const full = await seal(7, { limit: 8 });
    expect(full!.header).to.include({ height: 2, treeSize: 2 + 8 });
    await store.voidBlock(2, { lease });
    expect((await seal(8, { limit: 4 }))!.header).to.include({ height: 2, treeSize: 2 + 5 });
  });

  it('takes the records of a void block first, and then what is newer', async () => {
    const [old, newer] = [rows(3, 'old'), rows(3, 'newer')];
    await store.admit(old);
    const lost = await seal(7);
    await store.admit(newer);
    await store.voidBlock(lost!.header.height, { lease });
    expect(await loggedOf(await seal(8, { limit: 4 }))).to.deep.equal(entriesOf([...old, newer[0]!]));
    expect(await loggedOf(await seal(9, { limit: 4 }))).to.deep.equal(entriesOf(newer.slice(1)));
  });
});
